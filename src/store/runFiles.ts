/** Small files of a run folder, read with distrust: what is missing, torn or strange reads as absent. */
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { FILES, type Heartbeat, heartbeatSchema, type JobNote, jobSchema, type PictureIndex, pictureIndexSchema } from '../experiment/record.ts';
import { parseResolved, type Resolved } from '../experiment/resolved.ts';
import { openFile, readSmall } from './openFile.ts';

export const SMALL = 64 * 1024;
const RESOLVED_BYTES = 4 * 2 ** 20;
const LOG_TAIL_BYTES = 16 * 1024;
const LOG_TAIL_LINES = 12;
const INDEX_BYTES = 16 * 2 ** 20;
const VALUES_BYTES = 256 * 2 ** 20;
const IMAGE_BYTES = 32 * 2 ** 20;

/** @param file `FILES.heartbeat` or `FILES.launch`. */
export async function readSign(folder: string, file: string): Promise<Heartbeat | undefined> {
  return parseSign(await readSmall(path.join(folder, file), SMALL));
}

export function parseSign(text: string | undefined): Heartbeat | undefined {
  if (text === undefined) return undefined;
  try {
    return heartbeatSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export async function readJob(folder: string): Promise<JobNote | undefined> {
  return parseJob(await readSmall(path.join(folder, FILES.job), SMALL));
}

export function parseJob(text: string | undefined): JobNote | undefined {
  if (text === undefined) return undefined;
  try {
    return jobSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws DistillError DL704 when the folder is no run folder, DL130 when its record is damaged. */
export async function readResolved(folder: string): Promise<Resolved> {
  const file = path.join(folder, FILES.resolved);
  const text = await readSmall(file, RESOLVED_BYTES);
  if (text === undefined) throw new DistillError('DL704', 'This is not a run folder.', { where: { file: folder }, expected: `a folder with ${FILES.resolved}`, advice: 'Name a folder under runs/.' });
  return parseResolved(text, file);
}

export async function readResolvedIfAny(folder: string): Promise<Resolved | undefined> {
  try {
    return await readResolved(folder);
  } catch {
    return undefined;
  }
}

/** The last lines of `log.txt`, oldest first; terminal colours removed. */
export async function readLogTail(folder: string, lines = LOG_TAIL_LINES): Promise<readonly string[]> {
  try {
    const handle = await openFile(path.join(folder, FILES.log));
    try {
      const { size } = await handle.stat();
      const length = Math.min(size, LOG_TAIL_BYTES);
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      // The escape character by its code: linters take it for a slip in a pattern.
      const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g');
      const all = buffer.toString('utf8').replaceAll(colours, '').split(/\r\n|\n|\r/);
      if (length < size) all.shift();
      return all.filter((line) => line.trim() !== '').slice(-lines).map((line) => line.slice(0, 1000));
    } finally {
      await handle.close();
    }
  } catch {
    return [];
  }
}

export async function exists(file: string): Promise<boolean> {
  return lstat(file).then(() => true, () => false);
}

/** Whether this is a link: what it leads to is nobody's run, as it may lie anywhere. */
export async function isLink(place: string): Promise<boolean> {
  return lstat(place).then((found) => found.isSymbolicLink(), () => false);
}

/** A run has some thousands of files; what has more than this is counted so far. */
const MOST_FILES = 100_000;

/** Bytes that a file, or everything in a folder, takes on the disk; links not followed, holes not counted. Walks the disk. */
export async function diskBytes(place: string): Promise<number> {
  let bytes = 0;
  let left = MOST_FILES;
  const sizeOf = (file: string): Promise<number> => lstat(file).then((found) => (found.isFile() ? occupied(found) : 0), () => 0);
  const waiting = [place];
  for (let folder = waiting.pop(); folder !== undefined && left > 0; folder = waiting.pop()) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).slice(0, left);
    left -= entries.length;
    for (const entry of entries) if (entry.isDirectory()) waiting.push(path.join(folder, entry.name));
    bytes += (await Promise.all(files.map(({ name }) => sizeOf(path.join(folder, name))))).reduce((sum, size) => sum + size, 0);
  }
  return bytes + await sizeOf(place);
}

/** A file with holes seems larger than it is. Where the system tells no blocks, its length is believed. */
function occupied({ size, blocks }: { readonly size: number; readonly blocks?: number }): number {
  return blocks === undefined || size <= 4096 ? size : Math.min(size, blocks * 512);
}

const CONFIG_BYTES = 2 ** 20;

/** `experiment.yaml` as it was when the run was made; undefined when it is not there, or no file of a sensible size. */
export async function readConfig(folder: string): Promise<string | undefined> {
  return readSmall(path.join(folder, FILES.experiment), CONFIG_BYTES);
}

/**
 * The real path of a file under the run's `pictures`, named in an event or an index that may come from anybody.
 * @throws DistillError DL720 when it leads elsewhere, by `..` or by a link.
 */
export async function pictureFile(folder: string, relative: string): Promise<string> {
  const refuse = (why: string, cause?: unknown): DistillError => new DistillError('DL720', `The picture ${relative} is not read: ${why}.`, { where: { file: folder }, advice: 'A run records its pictures in its own folder; this one was changed or is damaged.', cause });
  const root = path.join(folder, FILES.pictures);
  const within = relative.replaceAll('\\', '/').replace(new RegExp(`^${FILES.pictures}/`), '');
  const wanted = path.resolve(root, within);
  if (!isInside(root, wanted)) throw refuse('its path leads out of the run folder');
  try {
    const real = await realpath(wanted);
    if (!isInside(await realpath(root), real)) throw refuse('a link leads out of the run folder');
    return real;
  } catch (error) {
    throw error instanceof DistillError ? error : refuse('there is no such file', error);
  }
}

/** Whether `file` lies in `root`, by their words alone: links are the caller's business. */
export function isInside(root: string, file: string): boolean {
  const relative = path.relative(root, file);
  return relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** @param pictures the `folder` of a `pictures` event. Values are float32, little-endian. */
export async function readPictures(folder: string, pictures: string): Promise<{ readonly index: PictureIndex; readonly values: Float32Array }> {
  const damaged = (why: string, cause?: unknown): DistillError => new DistillError('DL721', `The masks in ${pictures} cannot be read: ${why}.`, { where: { file: folder }, advice: 'Record them again by running the experiment.', cause });
  const text = (await readBounded(await pictureFile(folder, path.posix.join(pictures, 'index.json')), INDEX_BYTES)).toString('utf8');
  let index: PictureIndex;
  try {
    index = pictureIndexSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged('their index is damaged', cause);
  }
  const bytes = await readBounded(await pictureFile(folder, path.posix.join(pictures, 'values.bin')), VALUES_BYTES);
  const values = new Float32Array(Math.floor(bytes.byteLength / 4));
  for (let i = 0; i < values.length; i += 1) values[i] = bytes.readFloatLE(4 * i);
  const reachesOut = index.masks.some(({ offset, shape }) => offset < 0 || !Number.isSafeInteger(offset) || offset + shape.reduce((size, side) => size * side, 1) > values.length);
  if (reachesOut) throw damaged('a mask lies outside values.bin');
  return { index, values };
}

/** Bytes of an input image, named relative to `pictures/`. */
export async function readImage(folder: string, file: string): Promise<Buffer> {
  return readBounded(await pictureFile(folder, file), IMAGE_BYTES);
}

async function readBounded(file: string, limit: number): Promise<Buffer> {
  const { size } = await stat(file);
  if (size > limit) throw new DistillError('DL721', `A picture's file is too large to be read.`, { where: { file }, expected: `at most ${limit} bytes`, got: `${size} bytes` });
  return readFile(file);
}
