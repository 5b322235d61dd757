/** What could go without anybody missing it: a plan with sizes, carried out by whoever has shown it. Deletes nothing itself. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { FILES } from '../experiment/record.ts';
import { type RunSummary } from './run.ts';
import { diskBytes, exists } from './runFiles.ts';

export interface CleanUpItem {
  /** `run`: a whole folder. The others are parts of one. */
  readonly kind: 'run' | 'checkpoints' | 'pictures';
  readonly run: RunSummary;
  /** Absolute. */
  readonly places: readonly string[];
  readonly bytes: number;
}

export interface CleanUpOptions {
  /** How much all recorded pictures together may take; the oldest runs give theirs first. */
  readonly picturesQuota: number;
}

export const PICTURES_QUOTA = 2 * 2 ** 30;
/** What a resume, an evaluation or an export reads. */
const KEPT_CHECKPOINTS: readonly string[] = ['last', 'best'];

/**
 * Failed runs without a step; checkpoints of finished runs other than the last and the best; of the pictures beyond the quota
 * all but the last recording of each arm. A pinned run, one that goes on, and one whose machine is only silent keep everything.
 */
export async function planCleanUp(runs: readonly RunSummary[], { picturesQuota = PICTURES_QUOTA }: Partial<CleanUpOptions> = {}): Promise<readonly CleanUpItem[]> {
  const ended = runs.filter(isOver);
  const useless = ended.filter((run) => isUseless(run) && !run.pinned);
  const kept = ended.filter((run) => !useless.includes(run));
  const items: CleanUpItem[] = await Promise.all(useless.map(async (run) => ({ kind: 'run' as const, run, places: [run.folder], bytes: await diskBytes(run.folder) })));
  for (const run of kept) if (run.state === 'finished' && !run.pinned) items.push(...await checkpointsOf(run));
  items.push(...await picturesOf(kept, picturesQuota));
  return items.sort((a, b) => b.bytes - a.bytes);
}

/** A run that is lost may go on where nobody sees it; one that was never started cannot. */
function isOver({ state, process }: RunSummary): boolean {
  return state === 'finished' || state === 'stopped' || state === 'failed' || state === 'killed' || (state === 'lost' && process === undefined);
}

function isUseless({ state, lastStep, damage }: RunSummary): boolean {
  return state !== 'finished' && state !== 'stopped' && lastStep === undefined && damage === undefined;
}

async function checkpointsOf(run: RunSummary): Promise<readonly CleanUpItem[]> {
  const root = path.join(run.folder, FILES.checkpoints);
  const places: string[] = [];
  for (const arm of await foldersIn(root)) {
    // A kill may leave the only complete one under another name: nothing goes while the last one is not whole.
    if (!await exists(path.join(root, arm, 'last', 'state.json'))) continue;
    for (const name of await foldersIn(path.join(root, arm))) if (!KEPT_CHECKPOINTS.includes(name)) places.push(path.join(root, arm, name));
  }
  return places.length === 0 ? [] : [{ kind: 'checkpoints', run, places, bytes: await sizeOf(places) }];
}

async function picturesOf(runs: readonly RunSummary[], quota: number): Promise<readonly CleanUpItem[]> {
  const sized = await Promise.all(runs.map(async (run) => ({ run, bytes: await diskBytes(path.join(run.folder, FILES.pictures)) })));
  let total = sized.reduce((sum, { bytes }) => sum + bytes, 0);
  const items: CleanUpItem[] = [];
  for (const { run } of sized.sort((a, b) => a.run.created - b.run.created)) {
    if (total <= quota) break;
    if (run.pinned) continue;
    const places = await earlierRecordings(run);
    if (places.length === 0) continue;
    const bytes = await sizeOf(places);
    total -= bytes;
    items.push({ kind: 'pictures', run, places, bytes });
  }
  return items;
}

/** Folders `<arm>-<step>`, but of each arm the last. */
async function earlierRecordings({ folder }: RunSummary): Promise<readonly string[]> {
  const root = path.join(folder, FILES.pictures);
  const recordings = (await foldersIn(root)).flatMap((name) => {
    const match = /^(\w+)-(\d+)$/.exec(name);
    return match === null ? [] : [{ name, arm: match[1], step: Number(match[2]) }];
  });
  return recordings.filter(({ arm, step }) => recordings.some((other) => other.arm === arm && other.step > step)).map(({ name }) => path.join(root, name));
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function sizeOf(places: readonly string[]): Promise<number> {
  return (await Promise.all(places.map(diskBytes))).reduce((sum, bytes) => sum + bytes, 0);
}
