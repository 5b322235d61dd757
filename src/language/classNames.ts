/** Class names of a data set from its annotations: as much of them as can be read in a moment. */
import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { cocoClasses, yoloClasses } from '../experiment/fileFacts.ts';
import { vocLists } from './places.ts';
import { type DataPlace } from './types.ts';

const MOST_XML_FILES = 300;
const MOST_LIST = 2 ** 20;
const MOST_NAMES = 2000;

const known = new Map<string, { readonly stamp: string; readonly names: readonly string[] }>();

export async function annotatedClasses(data: DataPlace): Promise<readonly string[]> {
  const file = await indexFile(data);
  const stamp = file === undefined ? undefined : await stat(file).then(({ size, mtimeMs }) => `${size} ${mtimeMs}`, () => undefined);
  if (file === undefined || stamp === undefined) return [];
  const key = `${data.format} ${file}`;
  const before = known.get(key);
  if (before?.stamp === stamp) return before.names;
  const names = (await read(data, file).catch((): string[] => [])).slice(0, MOST_NAMES);
  known.set(key, { stamp, names });
  return names;
}

async function indexFile({ format, root, index, list }: DataPlace): Promise<string | undefined> {
  if (format !== 'voc') return index === undefined ? undefined : path.resolve(root, index);
  for (const file of vocLists(root, list ?? 'train')) if (await stat(file).then(() => true, () => false)) return file;
  return undefined;
}

async function read(data: DataPlace, file: string): Promise<readonly string[]> {
  switch (data.format) {
    case 'coco': return cocoClasses(file) ?? [];
    case 'voc': return vocNames(data.root, file);
    case 'yolo': return yoloClasses(file) ?? [];
  }
}

async function vocNames(root: string, list: string): Promise<readonly string[]> {
  const ids = (await readHead(list, MOST_LIST)).split(/\r?\n/).map((line) => line.trim().split(/\s+/)[0] ?? '').filter((id) => /^[\w.-]+$/.test(id) && !id.includes('..'));
  const names = new Set<string>();
  // Some from all over the list: classes may be sorted in it.
  const every = Math.max(1, Math.floor(ids.length / MOST_XML_FILES));
  const chosen = ids.filter((_, index) => index % every === 0).slice(0, MOST_XML_FILES).values();
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const id of chosen) {
      const xml = await readHead(path.join(root, 'Annotations', `${id}.xml`), 2 ** 17);
      for (const [, name = ''] of xml.matchAll(/<object>\s*(?:<(?!name)[^>]*>[^<]*<\/[^>]*>\s*)*<name>([^<]*)<\/name>/g)) names.add(decoded(name.trim()));
    }
  }));
  return [...names].filter((name) => name !== '').sort();
}

function decoded(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'' };
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}

/** The beginning of a file; empty where it cannot be read. */
async function readHead(file: string, most: number): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(most), 0, most, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } catch {
    return '';
  } finally {
    await handle.close();
  }
}
