/** Completion: one list, each label once. The schema speaks first; machine and workspace only where the workspace is trusted. */
import path from 'node:path';
import { completeKeys } from './completeKeys.ts';
import { completeSurroundings } from './completeSurroundings.ts';
import { completeValues } from './completeValues.ts';
import { type Completion } from './completion.ts';
import { type Cursor, cursorAt } from './cursor.ts';
import { schemasOf } from './defaults.ts';
import { objectsAt } from './facts.ts';
import { type OpenText, type Surroundings } from './types.ts';

/** @param surroundings left out where the workspace is not trusted */
export async function complete({ text, file }: OpenText, offset: number, surroundings?: Surroundings): Promise<readonly Completion[]> {
  const cursor = cursorAt(text, offset);
  if (cursor === undefined) return [];
  const items = once(await itemsAt(cursor, text, offset, path.dirname(file), surroundings));
  return cursor.needsDash ? items.map((item) => ({ ...item, insert: `- ${item.insert.replaceAll('\n', '\n  ')}` })) : items;
}

async function itemsAt(cursor: Cursor, text: string, offset: number, baseFolder: string, surroundings: Surroundings | undefined): Promise<readonly Completion[]> {
  const { role, path: key, data } = cursor;
  const mapping = objectsAt(key, data).length > 0;
  if (role === 'key' && (mapping || isList(cursor))) return completeKeys(cursor);
  // An empty item of a list of plain values was read as if a key were to stand there.
  if (role === 'key' && typeof key.at(-1) !== 'number') return [];
  if (role === 'value' && cursor.ownLine && mapping) return completeKeys(cursor);
  const around = surroundings === undefined ? [] : await completeSurroundings(cursor, text, offset, baseFolder, surroundings);
  return [...around, ...completeValues(cursor)];
}

/** Below the key of a list of mappings, before its first dash. */
function isList({ path: key, data }: Cursor): boolean {
  return key.length === 1 && schemasOf(key, data).some((schema) => (schema.anyOf ?? [schema]).some(({ type }) => type === 'array'));
}

function once(items: readonly Completion[]): readonly Completion[] {
  const seen = new Set<string>();
  return items.filter(({ label }) => {
    if (seen.has(label)) return false;
    seen.add(label);
    return true;
  });
}
