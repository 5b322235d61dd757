/** Values that depend on machine and workspace: paths, checkpoints, class names, lists, devices. */
import path from 'node:path';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { valueItem } from './completeValues.ts';
import { type Completion } from './completion.ts';
import { type Cursor } from './cursor.ts';
import { factsAt } from './facts.ts';
import { dataPlace, dataRoot, filled, pathKey, type PathKey } from './places.ts';
import { literal, yamlString } from './snippet.ts';
import { type FolderEntry, type Surroundings, type TextRange } from './types.ts';

/** @param baseFolder folder of the experiment file */
export async function completeSurroundings(cursor: Cursor, text: string, offset: number, baseFolder: string, surroundings: Surroundings): Promise<readonly Completion[]> {
  const { path: key, data } = cursor;
  const place = pathKey(key, data, baseFolder);
  if (place !== undefined) {
    const trained = key.at(-1) === 'weights' ? await checkpoints(cursor, baseFolder, surroundings) : [];
    const paths = await pathItems(cursor, text, offset, place, surroundings);
    const known = new Set(trained.map(({ label }) => label));
    return [...trained, ...paths.filter(({ label }) => !known.has(label))];
  }
  if (key.join('.') === 'engine.device') return (await surroundings.devices()).map(({ value, detail }) => ({ ...valueItem(cursor, value, 'device'), detail, facts: factsAt(key, data) }));
  if (isEntryOf(key, ['data', 'classes'])) return classItems(cursor, baseFolder, surroundings);
  if (valueAt(data, ['data', 'format']) === 'voc' && (key.join('.') === 'data.train' || key.join('.') === 'data.val')) return listItems(cursor, baseFolder, surroundings);
  return [];
}

function isEntryOf(key: KeyPath, list: KeyPath): boolean {
  return key.length === list.length + 1 && typeof key.at(-1) === 'number' && list.every((part, index) => key[index] === part);
}

async function checkpoints(cursor: Cursor, baseFolder: string, surroundings: Surroundings): Promise<readonly Completion[]> {
  const files = await surroundings.weights(baseFolder);
  return files.map((file) => ({ ...valueItem(cursor, file.path, 'checkpoint'), detail: file.detail, facts: factsAt(cursor.path, cursor.data) }));
}

/** What lies in the folder that was typed so far: one step of the path at a time. */
async function pathItems(cursor: Cursor, text: string, offset: number, { base, wants, endings }: PathKey, surroundings: Surroundings): Promise<readonly Completion[]> {
  const slash = cursor.typed.lastIndexOf('/') + 1;
  const parent = cursor.typed.slice(0, slash);
  const step = stepRange(cursor, text, offset, slash);
  const entries = await surroundings.list(path.resolve(base, filled(parent)));
  const facts = factsAt(cursor.path, cursor.data);
  return entries.filter((entry) => isWanted(entry, wants, endings) && (!entry.name.startsWith('.') || text.slice(step.start, offset).startsWith('.'))).map(({ name, isFolder }) => {
    const shown = isFolder ? `${name}/` : name;
    const whole = `${parent}${shown}`;
    const plain = cursor.quote !== undefined || yamlString(whole) === whole || parent.includes('${');
    const common = { label: shown, kind: isFolder ? 'folder' : 'file', facts, askAgain: isFolder, isDefault: false } as const;
    // A name that has to be quoted takes the place of all that was typed.
    return plain ? { ...common, insert: literal(shown), range: step } : { ...common, insert: literal(JSON.stringify(whole)), range: cursor.word, filter: whole, askAgain: false };
  });
}

function isWanted({ name, isFolder }: FolderEntry, wants: 'file' | 'folder', endings: readonly string[]): boolean {
  return isFolder || (wants === 'file' && (endings.length === 0 || endings.some((ending) => name.toLowerCase().endsWith(ending))));
}

function stepRange({ word }: Cursor, text: string, offset: number, slash: number): TextRange {
  const next = text.slice(offset, word.end).indexOf('/');
  return { start: word.start + slash, end: next < 0 ? word.end : offset + next + 1 };
}

async function classItems(cursor: Cursor, baseFolder: string, surroundings: Surroundings): Promise<readonly Completion[]> {
  const place = dataPlace(cursor.data, baseFolder);
  if (place === undefined) return [];
  const written = valueAt(cursor.data, ['data', 'classes']);
  const taken = new Set<unknown>(Array.isArray(written) ? written : []);
  return (await surroundings.classNames(place)).filter((name) => !taken.has(name)).map((name) => ({ ...valueItem(cursor, name, 'class'), facts: factsAt(cursor.path, cursor.data) }));
}

async function listItems(cursor: Cursor, baseFolder: string, surroundings: Surroundings): Promise<readonly Completion[]> {
  const root = dataRoot(cursor.data, baseFolder);
  if (root === undefined) return [];
  const folders = await Promise.all([path.join(root, 'ImageSets', 'Main'), path.join(root, 'ImageSets')].map(surroundings.list));
  const names = folders.flat().filter(({ name, isFolder }) => !isFolder && name.endsWith('.txt')).map(({ name }) => name.slice(0, -'.txt'.length));
  return [...new Set(names)].sort().map((name) => ({ ...valueItem(cursor, name, 'file'), facts: factsAt(cursor.path, cursor.data) }));
}
