/** Class names of a data set from its annotations: as much of them as can be read in a moment. */
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { vocLists } from './places.ts';
import { type DataPlace } from './types.ts';

/** COCO files list their categories at either end. */
const MOST_JSON = 4 * 2 ** 20;
const MOST_XML_FILES = 300;
const MOST_SMALL = 2 ** 20;
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

function read(data: DataPlace, file: string): Promise<readonly string[]> {
  switch (data.format) {
    case 'coco': return cocoNames(file);
    case 'voc': return vocNames(data.root, file);
    case 'yolo': return yoloNames(file);
  }
}

async function cocoNames(file: string): Promise<readonly string[]> {
  const ends = await readEnds(file, MOST_JSON);
  const list = ends === undefined ? undefined : categoriesIn(ends.head) ?? categoriesIn(ends.tail);
  return (list ?? []).map((category) => (category as { readonly name?: unknown } | null)?.name).filter((name) => typeof name === 'string');
}

/** The list behind `"categories":`, if the whole of it is in this part. */
function categoriesIn(text: string): readonly unknown[] | undefined {
  const start = /"categories"\s*:\s*\[/.exec(text);
  if (start === null) return undefined;
  const from = start.index + start[0].length - 1;
  let depth = 0;
  let inString = false;
  for (let index = from; index < text.length; index += 1) {
    const char = text[index];
    if (inString) {
      if (char === '\\') index += 1;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '[' || char === '{') depth += 1;
    else if (char === ']' || char === '}') depth -= 1;
    if (depth === 0 && !inString) {
      const list: unknown = JSON.parse(text.slice(from, index + 1));
      return Array.isArray(list) ? list : undefined;
    }
  }
  return undefined;
}

async function vocNames(root: string, list: string): Promise<readonly string[]> {
  const { head } = await readEnds(list, MOST_SMALL) ?? { head: '' };
  const ids = head.split(/\r?\n/).map((line) => line.trim().split(/\s+/)[0] ?? '').filter((id) => /^[\w.-]+$/.test(id) && !id.includes('..'));
  const names = new Set<string>();
  // Some from all over the list: classes may be sorted in it.
  const every = Math.max(1, Math.floor(ids.length / MOST_XML_FILES));
  const chosen = ids.filter((_, index) => index % every === 0).slice(0, MOST_XML_FILES).values();
  await Promise.all(Array.from({ length: 8 }, async () => {
    for (const id of chosen) {
      const { head: xml } = await readEnds(path.join(root, 'Annotations', `${id}.xml`), 2 ** 17) ?? { head: '' };
      for (const [, name = ''] of xml.matchAll(/<object>\s*(?:<(?!name)[^>]*>[^<]*<\/[^>]*>\s*)*<name>([^<]*)<\/name>/g)) names.add(decoded(name.trim()));
    }
  }));
  return [...names].filter((name) => name !== '').sort();
}

function decoded(text: string): string {
  const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: '\'' };
  return text.replaceAll(/&(amp|lt|gt|quot|apos);/g, (whole, name: string) => entities[name] ?? whole);
}

async function yoloNames(file: string): Promise<readonly string[]> {
  const { size } = await stat(file);
  if (size > MOST_SMALL) return [];
  const whole: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 50, logLevel: 'silent' });
  const names = (whole as { readonly names?: unknown } | null)?.names;
  return (Array.isArray(names) ? names : Object.values(Object(names) as Record<string, unknown>)).filter((name) => typeof name === 'string' || typeof name === 'number').map(String);
}

/** The beginning and, of a longer file, the end. */
async function readEnds(file: string, most: number): Promise<{ readonly head: string; readonly tail: string } | undefined> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const part = async (from: number, length: number): Promise<string> => {
      const buffer = Buffer.alloc(Math.max(0, length));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
      return buffer.toString('utf8', 0, bytesRead);
    };
    return { head: await part(0, Math.min(size, most)), tail: size <= most ? '' : await part(Math.max(most, size - most), Math.min(most, size - most)) };
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}
