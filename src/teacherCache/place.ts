/** Where the cache lies, and the names in it: `<teacher>/<outputs>/<two letters>/<image>`. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, posix, win32 } from 'node:path';
import { type Precision } from './entry.ts';

/** Counted up when entries of before would be read wrongly, or when detectors compute something else from the same weights. */
const FORMAT = 1;

interface Surroundings {
  readonly platform?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
}

/** `$DISTILL_LAB_TEACHER_CACHE`, else the platform's place for what may be deleted at any time. */
export function defaultFolder({ platform = process.platform, env = process.env, home = homedir() }: Surroundings = {}): string {
  const path = platform === 'win32' ? win32 : posix;
  const given = env.DISTILL_LAB_TEACHER_CACHE;
  return given !== undefined && given !== '' ? path.resolve(given) : path.join(cachesOf(platform, env, home), 'distill-lab', 'teachers');
}

function cachesOf(platform: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  if (platform === 'win32') return env.LOCALAPPDATA ?? win32.join(home, 'AppData', 'Local');
  if (platform === 'darwin') return posix.join(home, 'Library', 'Caches');
  // The XDG specification: a relative path is invalid and to be ignored.
  const xdg = env.XDG_CACHE_HOME;
  return xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, '.cache');
}

/**
 * A name for all that a teacher's outputs depend on besides the image.
 * @param description network and engine @param weights in an order of their own
 */
export function teacherId(description: string, weights: Iterable<readonly [name: string, values: Float32Array]>): string {
  const hash = createHash('sha256').update(`${FORMAT}\n${description}\n`);
  for (const [name, values] of weights) hash.update(`${name} ${values.length}\n`).update(bytesOf(values));
  return hash.digest('hex').slice(0, 24);
}

/** Outputs that are kept together, e.g. the features of all levels. */
export function groupName(kind: string, names: readonly string[], precision: Precision): string {
  return `${kind}-${precision}-${createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 8)}`;
}

/** The name of an image as the network is fed with it: its pixels after resizing, augmentation and normalisation, and its sides. */
export function imageId(pixels: Float32Array, size: readonly number[]): string {
  return createHash('sha256').update(`${size.join('x')}\n`).update(bytesOf(pixels)).digest('hex').slice(0, 40);
}

/** Two letters a folder: file systems are slow where one holds a hundred thousand files. */
export function entryFile(folder: string, image: string): string {
  return join(folder, image.slice(0, 2), image);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
