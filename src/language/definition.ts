/** Where a word leads: a file that is named, or the method that a teacher is to teach. */
import path from 'node:path';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { dataPlace, filled, pathKey, vocLists } from './places.ts';
import { readTree, type Tree } from './tree.ts';
import { type OpenText, type TextRange } from './types.ts';

export type Definition =
  | { readonly kind: 'here'; readonly origin: TextRange; readonly target: TextRange }
  /** The first of these files that is there. */
  | { readonly kind: 'file'; readonly origin: TextRange; readonly files: readonly string[] };

export function definition({ text, file }: OpenText, offset: number): Definition | undefined {
  const tree = readTree(text);
  const spot = tree.spotAt(offset);
  if (spot?.on !== 'value') return undefined;
  const value = valueAt(tree.data, spot.path);
  if (typeof value !== 'string') return undefined;
  const lesson = lessonPlace(tree, spot.path, value);
  if (lesson !== undefined) return { kind: 'here', origin: spot.range, target: lesson };
  const files = filesOf(tree, spot.path, value, path.dirname(file));
  return files.length === 0 ? undefined : { kind: 'file', origin: spot.range, files };
}

/** The item of `distill` that a teacher's `methods` names. */
function lessonPlace(tree: Tree, key: KeyPath, method: string): TextRange | undefined {
  if (key[0] !== 'teacher' || key.at(-2) !== 'methods') return undefined;
  const distill = valueAt(tree.data, ['distill']);
  if (!Array.isArray(distill)) return undefined;
  const index = distill.findIndex((item: unknown) => typeof item === 'object' && item !== null && (item as { readonly method?: unknown }).method === method);
  return index < 0 ? undefined : tree.branchAt(['distill', index, 'method'])?.value;
}

function filesOf({ data }: Tree, key: KeyPath, value: string, baseFolder: string): readonly string[] {
  const place = dataPlace(data, baseFolder);
  const last = key.at(-1);
  if (key[0] === 'data' && place?.format === 'voc' && (last === 'train' || last === 'val')) return vocLists(place.root, value);
  // A folder is no file to open: what describes the data in it is.
  if (key[0] === 'data' && last === 'root' && place !== undefined) return place.index === undefined ? vocLists(place.root, place.list ?? 'train') : [path.resolve(place.root, place.index)];
  const named = pathKey(key, data, baseFolder);
  return named?.wants === 'file' ? [path.resolve(named.base, filled(value))] : [];
}
