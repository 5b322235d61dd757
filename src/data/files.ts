/** Finding files: folders that must be there, names that must not lead out of them, work with bounded concurrency. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { DistillError, type ErrorDetails } from '../errors.ts';
import { counted, missingFile, shownPath } from './problems.ts';

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then((entry) => entry.isDirectory(), () => false);
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path).then((entry) => entry.isFile(), () => false);
}

/** @throws DistillError DL301 */
export async function requireFolder(what: string, path: string, details: ErrorDetails): Promise<string> {
  if (await isFolder(path)) return path;
  if (await isFile(path)) throw missingFile(what, path, { ...details, expected: 'a folder', got: `a file: ${shownPath(path)}` });
  throw missingFile(what, path, details);
}

/** The whole text of a file that must be there. @throws DistillError DL301, DL302 */
export async function requireText(what: string, path: string, details: ErrorDetails = {}): Promise<string> {
  if (!(await isFile(path))) throw missingFile(what, path, details);
  try {
    return (await readFile(path, 'utf8')).replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new DistillError('DL302', `${what} cannot be read`, { ...details, where: { file: shownPath(path) }, got: String(cause), cause });
  }
}

/** Joins a name that a data file gives to its folder, refusing names that lead out of it. @throws DistillError DL304 */
export function within(folder: string, name: string, file: string, line?: number): string {
  const path = resolve(folder, name);
  const inside = relative(folder, path);
  if (!isAbsolute(name) && inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return path;
  throw new DistillError('DL304', `"${name}" leads out of its folder`, {
    where: { file: shownPath(file), line },
    expected: `a file below ${shownPath(folder)}`,
    got: name,
    advice: 'give names relative to the folder of the images',
  });
}

/** Names in folders, each folder read once. */
export class FolderIndex {
  private readonly folders = new Map<string, Promise<ReadonlySet<string>>>();

  names(folder: string): Promise<ReadonlySet<string>> {
    const known = this.folders.get(folder);
    if (known !== undefined) return known;
    const reading = readdir(folder).then((names) => new Set(names), () => new Set<string>());
    this.folders.set(folder, reading);
    return reading;
  }

  async has(path: string): Promise<boolean> {
    const names = await this.names(dirname(path));
    return names.has(path.slice(dirname(path).length).replace(/^[\\/]/, ''));
  }
}

/** Refuses a data set whose pictures are not all there, before any work starts. @throws DistillError DL308 */
export async function requireImages(paths: readonly string[], where: string, key: readonly (string | number)[]): Promise<void> {
  const folders = new FolderIndex();
  const missing: string[] = [];
  for (const path of paths) if (!(await folders.has(path))) missing.push(path);
  const [first] = missing;
  if (first === undefined) return;
  throw new DistillError('DL308', `${counted(missing.length, 'image')} of ${paths.length} ${missing.length === 1 ? 'is' : 'are'} missing, the first is ${shownPath(first)}`, {
    key,
    expected: `every image that ${shownPath(where)} names`,
    got: `no file ${shownPath(first)}`,
    advice: 'check the folder of the images, or take the missing ones out of the list',
  });
}

/** Applies `work` to all items, at most `limit` at once; results in the items' order. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, work: (item: T, index: number) => Promise<R>, signal?: AbortSignal): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < items.length) {
      signal?.throwIfAborted();
      const index = next;
      next += 1;
      results[index] = await work(items[index] as T, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}

/** Lines of a list file without blanks, with their 1-based numbers. */
export function listLines(text: string): { text: string; line: number }[] {
  return text.split(/\r?\n/).map((raw, index) => ({ text: raw.trim(), line: index + 1 })).filter((entry) => entry.text !== '');
}

