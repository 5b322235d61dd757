/** All runs under some folders, fast: what was folded once is kept in an index file that can be deleted at any time. */
import { type Dirent, stat as statByCallback } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { FILES } from '../experiment/record.ts';
import { EventLog } from './eventLog.ts';
import { emptyHistory, fold } from './history.ts';
import { type Index, type IndexEntry, readIndex, slimHistory, writeIndex } from './runIndex.ts';
import { lookAround, type RunSummary, summarize, whyUnread } from './run.ts';
import { diskBytes, exists } from './runFiles.ts';

/** Beside the run folders: the sweeps' own. */
export const SWEEPS = 'sweeps';
/** How much of one run's events a listing reads at most; the rest at the next listing. */
const BUDGET = 64 * 2 ** 20;
const PART = 8 * 2 ** 20;
/** Folders looked at at the same time: enough to keep a network folder busy. */
const AT_ONCE = 32;

/** What a caller that lists again and again keeps between two lists, so that the index file is read once. */
export type ListMemory = Map<string, Index>;

/**
 * Newest first. Folders that are no run folders are passed over; nothing in them can make this throw.
 * Of a run that has ended, figures by class, names of classes and parts of the last loss are left out.
 */
export async function listRuns(roots: readonly string[], memory: ListMemory = new Map()): Promise<readonly RunSummary[]> {
  const lists = await Promise.all([...new Set(roots.map((root) => path.resolve(root)))].map((root) => listRoot(root, memory)));
  return lists.flat().sort((a, b) => b.created - a.created || b.id.localeCompare(a.id));
}

async function listRoot(root: string, memory: ListMemory): Promise<readonly RunSummary[]> {
  const found = (await readdir(root, { withFileTypes: true }).catch((): Dirent[] => [])).filter(({ name }) => !name.startsWith('.') && name !== SWEEPS);
  const former = memory.get(root) ?? await readIndex(root);
  const next: Index = new Map();
  const runs: RunSummary[] = [];
  const changed = new Set<string>();
  const queue = found.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const one of queue) {
      const folder = path.join(root, one.name);
      if (one.isSymbolicLink()) {
        const row = await linkRow(folder);
        if (row !== undefined) runs.push(row);
      }
      if (!one.isDirectory()) continue;
      const known = former.get(one.name);
      const entry = await readEntry(folder, known).catch(() => undefined);
      if (entry === undefined) continue;
      if (entry !== known) changed.add(one.name);
      next.set(one.name, entry);
      runs.push(toSummary(folder, entry));
    }
  }));
  memory.set(root, next);
  if (changed.size > 0 || [...former.keys()].some((name) => !next.has(name))) await writeIndex(root, next);
  return runs;
}

function toSummary(folder: string, { history, surroundings, mark, problem, bytes }: IndexEntry): RunSummary {
  const run = summarize(folder, history, surroundings, mark.badLines);
  return { ...run, bytes, ...(problem === undefined ? {} : { damage: problem }) };
}

async function readEntry(folder: string, known: IndexEntry | undefined): Promise<IndexEntry | undefined> {
  const stamp = await stampOf(folder);
  const isSame = known?.stamp === stamp;
  if (isSame && (known.history.ended !== undefined || isAsleep(known))) return known;
  const isRun = known !== undefined || await exists(path.join(folder, FILES.resolved)) || await exists(path.join(folder, FILES.events));
  if (!isRun) return undefined;
  // The process first: an end that is written in between must not look like a kill.
  const surroundings = await lookAround(folder, isSame ? known.surroundings.outline : undefined);
  const log = new EventLog(path.join(folder, FILES.events), known?.mark);
  let history = known === undefined ? emptyHistory() : structuredClone(known.history);
  let problem: string | undefined;
  try {
    for (let spent = 0, more = true; more; spent += PART) {
      if (spent >= BUDGET) {
        problem = await unreadSentence(path.join(folder, FILES.events), log.mark.offset);
        break;
      }
      const part = await log.read(PART);
      if (part.reset) history = emptyHistory();
      for (const event of part.events) fold(history, event);
      ({ more } = part);
    }
  } catch (error) {
    problem = whyUnread(error);
  }
  const bytes = isSame && known.bytes !== undefined ? known.bytes : await diskBytes(folder);
  // What was not read to the end is looked at again, whatever its stamp.
  return { stamp: problem === undefined ? stamp : '', mark: log.mark, history: slimHistory(history), surroundings, bytes, ...(problem === undefined ? {} : { problem }) };
}

/** Nobody works in it whose life could change without a trace in the folder: it waits for its scheduler, or was never begun. */
function isAsleep({ surroundings: { heartbeat, launch }, problem }: IndexEntry): boolean {
  return heartbeat === undefined && launch === undefined && problem === undefined;
}

async function unreadSentence(file: string, read: number): Promise<string> {
  const size = await stat(file).then((found) => found.size, () => 0);
  const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  return `${FILES.events} has ${megabytes(size)}, of which ${megabytes(read)} are read so far.`;
}

/** Changes whenever the events or the names in the folder do (launch, stop and note are made and renamed in it). */
async function stampOf(folder: string): Promise<string> {
  // By a callback: two thousand promises of `fs/promises` take twice the time.
  const of = (file: string): Promise<string> => new Promise((resolve) => {
    statByCallback(file, (error, found) => { resolve(error === null ? `${found.size} ${found.mtimeMs} ${found.ino}` : '-'); });
  });
  return (await Promise.all([of(path.join(folder, FILES.events)), of(folder)])).join('; ');
}

/** A link to a run folder gets a row that says why it is not read: it may lead out of the folder, and in a circle. */
async function linkRow(folder: string): Promise<RunSummary | undefined> {
  const isRun = await exists(path.join(folder, FILES.resolved)) || await exists(path.join(folder, FILES.events));
  if (!isRun) return undefined;
  const nothing = { outline: undefined, note: {}, heartbeat: undefined, launch: undefined, stopRequested: false, created: await lstat(folder).then(({ mtimeMs }) => mtimeMs, () => 0), alive: undefined };
  return { ...summarize(folder, emptyHistory(), nothing), state: 'lost', reason: undefined, damage: 'This folder is a link and is not read.' };
}
