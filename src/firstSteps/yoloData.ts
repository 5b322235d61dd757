/** YOLO: a data.yaml with `train`, `val` and `names`. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type FoundData, type Place } from './findData.ts';

const LARGEST = 256 * 1024;

export async function findYolo({ folder, files }: Place): Promise<FoundData[]> {
  const candidates = files.filter((name) => /\.ya?ml$/i.test(name) && !/\.distill\.ya?ml$/i.test(name));
  const found = await Promise.all(candidates.map(async (name): Promise<FoundData | undefined> => {
    const classes = await classesOf(path.join(folder, name));
    return classes === undefined ? undefined : { format: 'yolo', root: folder, config: name, classes };
  }));
  return found.filter((data) => data !== undefined);
}

/** @returns undefined where it is another kind of YAML file. */
async function classesOf(file: string): Promise<string[] | undefined> {
  const { size } = await stat(file).catch(() => ({ size: Number.POSITIVE_INFINITY }));
  if (size > LARGEST) return undefined;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (!/^names\s*:/m.test(text) || !/^train\s*:/m.test(text) || !/^val\s*:/m.test(text)) return undefined;
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  if (document.errors.length > 0) return undefined;
  try {
    return namesOf((document.toJS({ maxAliasCount: 0 }) as { readonly names?: unknown }).names);
  } catch {
    // Aliases, which a list of names has no use for.
    return undefined;
  }
}

/** A list, or a map from 0, 1, 2, … */
function namesOf(names: unknown): string[] | undefined {
  if (typeof names !== 'object' || names === null) return undefined;
  const values = Array.isArray(names) ? names : Object.entries(names).sort(([a], [b]) => Number(a) - Number(b)).map(([, name]) => name as unknown);
  const texts = values.filter((name) => typeof name === 'string' || typeof name === 'number').map(String);
  return texts.length > 0 && texts.length === values.length ? texts : undefined;
}
