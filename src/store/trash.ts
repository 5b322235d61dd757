/**
 * Deleting that can be taken back: what is deleted moves to `.trash` in the folder of runs (same disk, so at once), and goes
 * for good when the window that deleted it is closed. Nothing outside the folder of runs is ever moved or removed: every part
 * of a path must be a real folder in it, and links are removed, not followed.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { DistillError } from '../errors.ts';
import { processStart } from '../processStart.ts';
import { readSmall } from './openFile.ts';
import { isProcessAlive } from './processLife.ts';
import { lookAround, type RunSummary } from './run.ts';
import { diskBytes, exists, isInside } from './runFiles.ts';
import { lastSign, mayComeBack } from './state.ts';

const TRASH = '.trash';
const RECORD = 'entry.json';
const RECORD_BYTES = 2 ** 20;
const ENTRY_NAME = /^\d+-[0-9a-f]{8}$/;
/** Of an entry made on another machine, where its window cannot be seen. */
const FOREIGN_MS = 24 * 3_600_000;

/** One deletion, of one or more things. */
export interface Trashed {
  readonly root: string;
  /** Its folder in the trash. */
  readonly entry: string;
  readonly moved: readonly { readonly from: string; readonly to: string }[];
  readonly bytes: number;
}

const recordSchema = z.object({ pid: z.number(), host: z.string(), processStart: z.string(), time: z.number() });

/**
 * @param places run folders, or files and folders in them. All under `root`, else nothing is moved.
 * @throws DistillError DL750 for a place outside or behind a link, DL751 when it cannot be moved (what was moved before is put back).
 */
export async function moveToTrash(root: string, places: readonly string[]): Promise<Trashed> {
  for (const place of places) await checkPlace(root, place);
  const bytes = (await Promise.all(places.map(diskBytes))).reduce((sum, size) => sum + size, 0);
  const trash = await trashOf(root);
  const entry = path.join(trash, `${Date.now()}-${randomBytes(4).toString('hex')}`);
  const moved: { from: string; to: string }[] = [];
  try {
    await mkdir(entry);
    await writeFile(path.join(entry, RECORD), JSON.stringify({ pid: process.pid, host: hostname(), processStart: processStart(process.pid), time: Date.now() } satisfies z.infer<typeof recordSchema>));
    for (const from of places) {
      const to = path.join(entry, String(moved.length));
      await rename(from, to);
      moved.push({ from, to });
      await touchRun(root, from);
    }
  } catch (cause) {
    const whole = { root, entry, moved, bytes };
    await restore(whole).catch(() => undefined);
    throw new DistillError('DL751', 'This cannot be deleted.', { where: { file: places[moved.length] ?? root }, got: reason(cause), advice: 'Check the permissions of the folder of runs; on Windows, close what has a file of the run open.', cause });
  }
  return { root, entry, moved, bytes };
}

/** Puts everything back. @throws DistillError DL752 when something else stands there by now, or the trash was emptied. */
export async function restore({ root, entry, moved }: Trashed): Promise<void> {
  for (const { from, to } of moved) {
    if (await exists(from)) throw new DistillError('DL752', 'This cannot be put back: something else stands in its place.', { where: { file: from }, got: 'a file or folder of the same name', advice: `Move that away; what was deleted lies in ${to} until the window is closed.` });
    await checkTrash(root);
    try {
      await rename(to, from);
    } catch (cause) {
      throw new DistillError('DL752', 'This cannot be put back.', { where: { file: from }, got: reason(cause), cause });
    }
    await touchRun(root, from);
  }
  await rm(entry, { recursive: true, force: true });
}

/** Gone for good. */
export async function purge({ root, entry }: Pick<Trashed, 'root' | 'entry'>): Promise<void> {
  if (!await checkTrash(root) || path.dirname(entry) !== path.join(root, TRASH)) return;
  await rm(entry, { recursive: true, force: true });
}

/** Empties the trash of windows that are closed. @returns how many deletions were carried out. */
export async function purgeAbandoned(root: string): Promise<number> {
  if (!await checkTrash(root)) return 0;
  const trash = path.join(root, TRASH);
  let count = 0;
  for (const found of await readdir(trash, { withFileTypes: true })) {
    const entry = path.join(trash, found.name);
    if (!found.isDirectory() || !ENTRY_NAME.test(found.name) || await isOwned(entry)) continue;
    await rm(entry, { recursive: true, force: true });
    count += 1;
  }
  return count;
}

/** @throws DistillError DL753 for a run that goes on, or may go on where nobody sees it. */
export async function refuseGoing(run: RunSummary): Promise<void> {
  const { alive, heartbeat, launch } = await lookAround(run.folder);
  const heard = lastSign(heartbeat, launch)?.time ?? 0;
  // The process of a run that has ended takes a moment to go.
  const isOver = run.ended !== undefined && heard <= run.ended + 3000;
  if (isOver || (alive !== true && !mayComeBack({ ...run, state: alive === undefined ? 'lost' : run.state, updated: heard }))) return;
  throw new DistillError('DL753', 'This run goes on and is not deleted.', { where: { file: run.folder }, got: alive === true ? 'a process that lives' : `a sign of life from ${run.process?.host ?? 'another machine'} less than an hour ago`, advice: 'Stop it or kill it first.' });
}

/** Deletes at once, with the same checks. @returns the bytes that it freed. */
export async function removeForGood(root: string, places: readonly string[]): Promise<number> {
  const trashed = await moveToTrash(root, places);
  await purge(trashed);
  return trashed.bytes;
}

/** Whether the window that made it may still put it back. */
async function isOwned(entry: string): Promise<boolean> {
  const text = await readSmall(path.join(entry, RECORD), RECORD_BYTES);
  let record: z.infer<typeof recordSchema> | undefined;
  try {
    record = recordSchema.parse(JSON.parse(text ?? ''));
  } catch {
    // Half made: its maker is gone, or will find it gone.
    return false;
  }
  if (record.host !== hostname()) return Date.now() - record.time < FOREIGN_MS;
  return isProcessAlive(record.pid, record.processStart);
}

async function checkPlace(root: string, place: string): Promise<void> {
  const refuse = (got: string): DistillError => new DistillError('DL750', 'This is not deleted: it does not lie in the folder of runs.', { where: { file: place }, expected: `a file or folder in ${root}, and no link on the way`, got });
  if (!isInside(root, place)) throw refuse('a path that leads elsewhere');
  const parts = path.relative(root, place).split(path.sep);
  if (parts[0]?.startsWith('.') === true) throw refuse('a name that begins with a dot');
  let at = root;
  for (const [depth, part] of parts.entries()) {
    at = path.join(at, part);
    const found = await lstat(at).catch(() => undefined);
    if (found === undefined) throw refuse('nothing there');
    if (found.isSymbolicLink()) throw refuse(`a link: ${at}`);
    if (depth < parts.length - 1 && !found.isDirectory()) throw refuse('a path through a file');
  }
  // The same once more by the system's own word: a mount or a junction is no link to `lstat`.
  if (await realpath(place) !== path.join(await realpath(root), ...parts)) throw refuse('a path that leads elsewhere');
}

async function trashOf(root: string): Promise<string> {
  const trash = path.join(root, TRASH);
  await mkdir(trash, { recursive: true });
  if (!await checkTrash(root)) throw new DistillError('DL751', 'This cannot be deleted.', { where: { file: trash }, expected: 'a folder', got: 'a link or a file', advice: 'Remove it.' });
  return trash;
}

/** Whether there is a trash, and it is a folder of its own. */
async function checkTrash(root: string): Promise<boolean> {
  return lstat(path.join(root, TRASH)).then((found) => found.isDirectory(), () => false);
}

/** What changed deep in a run folder is seen from outside: lists go by the folder's own time. */
async function touchRun(root: string, place: string): Promise<void> {
  const [name = '', ...deeper] = path.relative(root, place).split(path.sep);
  if (deeper.length === 0) return;
  const folder = path.join(root, name);
  const now = new Date();
  await stat(folder).then(() => utimes(folder, now, now)).catch(() => undefined);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
