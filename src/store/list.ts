/** All runs under some folders, fast: what was folded once is kept in an index file that can be deleted at any time. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { FILES } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { EventLog, type LogMark } from './eventLog.ts';
import { emptyHistory, fold, type History } from './history.ts';
import { lookAround, type RunSummary, summarize, type Surroundings } from './run.ts';
import { exists } from './runFiles.ts';

export const INDEX_FILE = '.index.json';
const INDEX_VERSION = 1;
/** How much of one run's events a listing reads at most; the rest at the next listing. */
const BUDGET = 64 * 2 ** 20;
/** Folders looked at at the same time: enough to keep a network folder busy. */
const AT_ONCE = 32;

interface IndexEntry {
  /** Of the events file and the folder, to tell whether anything changed. */
  readonly stamp: string;
  readonly mark: LogMark;
  readonly history: History;
  readonly surroundings: Surroundings;
}
type Index = Map<string, IndexEntry>;

/** Newest first. Folders that are no run folders are passed over; nothing in them can make this throw. */
export async function listRuns(roots: readonly string[]): Promise<readonly RunSummary[]> {
  const lists = await Promise.all([...new Set(roots.map((root) => path.resolve(root)))].map(listRoot));
  return lists.flat().sort((a, b) => b.created - a.created || b.id.localeCompare(a.id));
}

async function listRoot(root: string): Promise<readonly RunSummary[]> {
  const names = (await readdir(root, { withFileTypes: true }).catch(() => [])).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const former = await readIndex(root);
  const next: Index = new Map();
  const runs: RunSummary[] = [];
  let changed = former.size !== names.length;
  const queue = names.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const name of queue) {
      const known = former.get(name);
      const entry = await readEntry(path.join(root, name), known).catch(() => undefined);
      if (entry === undefined) continue;
      if (entry !== known) changed = true;
      next.set(name, entry);
      runs.push(summarize(path.join(root, name), entry.history, entry.surroundings, entry.mark.badLines));
    }
  }));
  if (changed && next.size > 0) await writeIndex(root, next);
  return runs;
}

async function readEntry(folder: string, known: IndexEntry | undefined): Promise<IndexEntry | undefined> {
  const stamp = await stampOf(folder);
  if (known?.stamp === stamp && known.history.ended !== undefined) return known;
  const isRun = known !== undefined || await exists(path.join(folder, FILES.resolved)) || await exists(path.join(folder, FILES.events));
  if (!isRun) return undefined;
  const surroundings = await lookAround(folder, known?.stamp === stamp ? known.surroundings.resolved : undefined);
  const log = new EventLog(path.join(folder, FILES.events), known?.mark);
  let history = known === undefined ? emptyHistory() : structuredClone(known.history);
  let unread = false;
  for (let spent = 0, more = true; more; spent += 8 * 2 ** 20) {
    if (spent >= BUDGET) {
      unread = true;
      break;
    }
    const part = await log.read();
    if (part.reset) history = emptyHistory();
    for (const event of part.events) fold(history, event);
    ({ more } = part);
  }
  return { stamp: unread ? '' : stamp, mark: log.mark, history: { ...history, perClass: {} }, surroundings: { ...surroundings, resolved: slim(surroundings.resolved) } };
}

/** Changes whenever the events or the names in the folder do (launch and stop files are made and renamed in it). */
async function stampOf(folder: string): Promise<string> {
  const of = (file: string): Promise<string> => stat(file).then(({ size, mtimeMs, ino }) => `${size} ${mtimeMs} ${ino}`, () => '-');
  return (await Promise.all([of(path.join(folder, FILES.events)), of(folder), of(path.join(folder, FILES.launch))])).join('; ');
}

/** Line tables are of no use in a list, nor are figures by class (80 classes of 1,000 runs would fill the index). */
function slim(resolved: Resolved | undefined): Resolved | undefined {
  return resolved === undefined ? undefined : { ...resolved, source: { ...resolved.source, lines: {} } };
}

/** Only the outline is checked: the file is ours, and a wrong one is read as none. */
const indexSchema = z.object({
  version: z.literal(INDEX_VERSION),
  runs: z.record(z.string(), z.object({
    stamp: z.string(),
    mark: z.object({ offset: z.number(), fingerprint: z.string(), badLines: z.number() }),
    history: z.custom<History>((value) => typeof value === 'object' && value !== null && 'evaluations' in value && 'steps' in value && 'pace' in value && 'perClass' in value),
    surroundings: z.custom<Surroundings>((value) => typeof value === 'object' && value !== null && 'created' in value),
  })),
});

async function readIndex(root: string): Promise<Index> {
  try {
    const parsed = indexSchema.safeParse(JSON.parse(await readFile(path.join(root, INDEX_FILE), 'utf8')));
    return new Map(parsed.success ? Object.entries(parsed.data.runs) : []);
  } catch {
    return new Map();
  }
}

/** A folder that cannot be written is listed without an index. */
async function writeIndex(root: string, index: Index): Promise<void> {
  const aside = path.join(root, `${INDEX_FILE}.${randomBytes(4).toString('hex')}`);
  try {
    await writeFile(aside, JSON.stringify({ version: INDEX_VERSION, runs: Object.fromEntries(index) }));
    await rename(aside, path.join(root, INDEX_FILE));
  } catch {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}
