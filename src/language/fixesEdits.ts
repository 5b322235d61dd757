/** Carries out changes by key in an experiment's text. Comments, order and style of everything else stay. */
import { isMap, isScalar, isSeq, Document, type YAMLMap, type YAMLSeq } from 'yaml';
import { keysAt } from '../experiment/jsonSchema.ts';
import { type KeyPath } from '../experiment/keyPath.ts';
import { type Change } from '../experiment/problems.ts';
import { TEMPLATES } from '../experiment/templates.ts';
import { columnOf, contentEnd, isFlow, isNothing, lineEnd, lineStart, type Step, stepAt, treeOf, walk } from './fixesTree.ts';
import { type TextEdit } from './types.ts';

/** Spaces that a level is indented by, where the text gives no example. */
const INDENT = 2;

/** The text with all changes made; undefined where one has no place in it. */
export function applyChanges(text: string, changes: readonly Change[]): string | undefined {
  let changed: string | undefined = text;
  for (const change of changes) {
    changed = applyChange(changed, change);
    if (changed === undefined) return undefined;
  }
  return changed;
}

function applyChange(text: string, change: Change): string | undefined {
  switch (change.kind) {
    case 'set': return setValue(text, change.path, change.value);
    case 'remove': return removeAt(text, change.path, change.offset);
    case 'rename': return renameKey(text, change.path, change.key);
    case 'move': return moveKey(text, change.path, change.to);
    case 'amend': return amend(text, change.path, change.from, change.to);
    case 'untag': return untag(text, change.path);
    case 'untab': return text.replaceAll(/^[ \t]*\t[ \t]*/gm, (indent) => indent.replaceAll('\t', ' '.repeat(INDENT)));
    case 'fill': {
      const template = TEMPLATES.find(({ id }) => id === change.template);
      if (template === undefined) return undefined;
      return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${template.text}`;
    }
  }
}

function splice(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}

/** A value as it is written inside brackets, and so anywhere. */
export function written(value: unknown): string {
  const list = new Document([value], { version: '1.2', schema: 'core' }).toString({ collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false, singleQuote: null });
  const inner = list.trim().replace(/^\[/, '').replace(/\]$/, '');
  // Mappings are set wider than lists: `{ format: scenes, size: [64, 64] }`.
  return inner.replaceAll(/\{(?=[^}\s])/g, '{ ').replaceAll(/(?<=[^{\s])\}/g, ' }');
}

/** Lines of `key: value`, mappings spread out, lists in brackets. */
function lines(key: string, value: unknown, indent: number): string {
  const margin = ' '.repeat(indent);
  if (Array.isArray(value) && value.some((item) => typeof item === 'object' && item !== null)) {
    return `${margin}${key}:${value.map((item) => `\n${margin}${' '.repeat(INDENT)}- ${written(item).replace(/^\{ (.*) \}$/, '$1')}`).join('')}`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${margin}${key}: ${written(value)}`;
  return `${margin}${key}:${Object.entries(value).map(([inner, each]) => `\n${lines(inner, each, indent + INDENT)}`).join('')}`;
}

function setValue(text: string, path: KeyPath, value: unknown): string | undefined {
  const tree = treeOf(text);
  if (tree === undefined) return undefined;
  const steps = walk(tree, path);
  const last = steps.at(-1);
  const rest = path.slice(steps.length);
  const [first] = rest;
  if (first === undefined) return last === undefined ? undefined : replaceValue(text, last, value);
  const nested = rest.slice(1).reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
  const found = last === undefined ? tree : last.value;
  if (isMap(found) && typeof first === 'string') return insertKey(text, found, { order: keysAt(path.slice(0, steps.length), tree.toJSON()), key: first, value: nested });
  if (isSeq(found) && typeof first === 'number') return appendItem(text, found, nested);
  // A key with nothing after it: what it lacks goes below.
  if (last?.key !== undefined && isNothing(last.value) && typeof first === 'string') return replaceValue(text, last, { [first]: nested });
  return undefined;
}

function replaceValue(text: string, step: Step, value: unknown): string {
  const { key, value: old } = step;
  if (key !== undefined && isNothing(old)) {
    const colon = contentEnd(text, step);
    if (isFlow(step.parent) || typeof value !== 'object' || value === null || Array.isArray(value)) return splice(text, colon, colon, ` ${written(value)}`);
    const indent = columnOf(text, step.start) + INDENT;
    const end = lineEnd(text, colon);
    return splice(text, end, end, Object.entries(value).map(([inner, each]) => `\n${lines(inner, each, indent)}`).join(''));
  }
  const start = old?.range?.[0] ?? step.start;
  const end = contentEnd(text, step);
  // A list or mapping that begins on the line below comes up to its key.
  const keyEnd = key?.range?.[1];
  if (keyEnd === undefined || !text.slice(keyEnd, start).includes('\n')) return splice(text, start, end, written(value));
  const colon = text.indexOf(':', keyEnd) + 1;
  return splice(text, colon, end, ` ${written(value)}`);
}

interface NewKey {
  /** Of all keys that can stand there. */
  readonly order: readonly string[];
  readonly key: string;
  readonly value: unknown;
}

/** In the schema's order: after the nearest key that comes before it there. */
function insertKey(text: string, map: YAMLMap, { order, key, value }: NewKey): string | undefined {
  const place = order.indexOf(key);
  const before = map.items.map((_, index) => stepAt(map, index)).filter((step) => step !== undefined);
  const previous = before.filter((step) => order.slice(0, place).includes(String(step.key?.value))).sort((a, b) => order.indexOf(String(a.key?.value)) - order.indexOf(String(b.key?.value))).at(-1);
  const first = before[0];
  if (isFlow(map)) {
    const pair = `${key}: ${written(value)}`;
    const last = previous ?? (place < 0 ? before.at(-1) : undefined);
    if (last !== undefined) return splice(text, contentEnd(text, last), contentEnd(text, last), `, ${pair}`);
    if (first !== undefined) return splice(text, first.start, first.start, `${pair}, `);
    const [start = 0, end = 0] = map.range ?? [];
    return splice(text, start, end, `{ ${pair} }`);
  }
  if (first === undefined) return undefined;
  const indent = columnOf(text, first.start);
  // The first key of a list's item shares its line with the dash: nothing goes before it.
  const isBehindDash = text.slice(lineStart(text, first.start), first.start).trim() !== '';
  if (previous === undefined && place >= 0 && !isBehindDash) return splice(text, lineStart(text, first.start), lineStart(text, first.start), `${lines(key, value, indent)}\n`);
  const after = previous ?? (place >= 0 ? first : before.at(-1) ?? first);
  const end = lineEnd(text, contentEnd(text, after));
  return splice(text, end, end, `\n${lines(key, value, indent)}`);
}

function appendItem(text: string, list: YAMLSeq, value: unknown): string | undefined {
  const last = stepAt(list, list.items.length - 1);
  if (isFlow(list)) {
    if (last !== undefined) return splice(text, contentEnd(text, last), contentEnd(text, last), `, ${written(value)}`);
    const [start = 0, end = 0] = list.range ?? [];
    return splice(text, start, end, `[${written(value)}]`);
  }
  if (last === undefined) return undefined;
  const dash = text.lastIndexOf('-', last.start);
  const end = lineEnd(text, contentEnd(text, last));
  return splice(text, end, end, `\n${' '.repeat(columnOf(text, dash))}- ${written(value)}`);
}

function removeAt(text: string, path: KeyPath, offset?: number): string | undefined {
  const tree = treeOf(text);
  const steps = tree === undefined ? [] : walk(tree, path, offset);
  const step = steps.at(-1);
  if (step === undefined || steps.length < path.length) return undefined;
  // The last one takes its section with it: an empty section says nothing.
  if (step.parent.items.length === 1) return path.length === 1 ? undefined : removeAt(text, path.slice(0, -1));
  return isFlow(step.parent) ? removeInFlow(text, step) : removeLines(text, step);
}

function removeInFlow(text: string, step: Step): string {
  const next = stepAt(step.parent, step.index + 1);
  if (next !== undefined) return splice(text, step.start, next.start, '');
  const previous = stepAt(step.parent, step.index - 1);
  return splice(text, previous === undefined ? step.start : contentEnd(text, previous), contentEnd(text, step), '');
}

/** With the comment on its line; comments above it stay. */
function removeLines(text: string, step: Step): string {
  const start = lineStart(text, step.start);
  const end = lineEnd(text, contentEnd(text, step));
  const next = stepAt(step.parent, step.index + 1);
  const sharesDash = step.key !== undefined && text.slice(start, step.start).trim() !== '';
  if (sharesDash && next !== undefined) return splice(text, step.start, next.start, '');
  if (end < text.length) return splice(text, start, end + 1, '');
  return splice(text, Math.max(0, start - 1), end, '');
}

function renameKey(text: string, path: KeyPath, key: string): string | undefined {
  const tree = treeOf(text);
  const steps = tree === undefined ? [] : walk(tree, path);
  const range = steps.length === path.length ? steps.at(-1)?.key?.range : undefined;
  return range ? splice(text, range[0], range[1], key) : undefined;
}

function moveKey(text: string, path: KeyPath, to: KeyPath): string | undefined {
  const tree = treeOf(text);
  const steps = tree === undefined ? [] : walk(tree, path);
  const value = steps.length === path.length ? steps.at(-1)?.value : undefined;
  if (value === undefined || isNothing(value)) return undefined;
  const moved: unknown = value.toJSON();
  // First to where it belongs: its old section may go with it.
  const set = setValue(text, to, moved);
  return set === undefined ? undefined : removeAt(set, path);
}

function amend(text: string, path: KeyPath, from: string, to: string): string | undefined {
  const range = rangeOf(text, path);
  const at = range === undefined ? -1 : text.slice(range[0], range[1]).lastIndexOf(from);
  return range === undefined || at < 0 ? undefined : splice(text, range[0] + at, range[0] + at + from.length, to);
}

function untag(text: string, path: KeyPath): string | undefined {
  const tree = treeOf(text);
  const step = tree === undefined ? undefined : walk(tree, path).at(-1);
  const start = step?.value?.range?.[0];
  if (step === undefined || start === undefined) return undefined;
  const from = step.key?.range?.[1] ?? lineStart(text, start);
  const before = text.slice(from, start);
  const tag = /!\S*\s*$/.exec(before) ?? /!\S*\s*(?=&)/.exec(before);
  return tag === null ? undefined : splice(text, from + tag.index, from + tag.index + tag[0].length, '');
}

function rangeOf(text: string, path: KeyPath): readonly [number, number] | undefined {
  const tree = treeOf(text);
  const steps = tree === undefined ? [] : walk(tree, path);
  const value = steps.length === path.length ? steps.at(-1)?.value : undefined;
  return isScalar(value) && value.range ? [value.range[0], value.range[1]] : undefined;
}

/** The smallest stretch that holds all that changed. */
export function difference(before: string, after: string): TextEdit {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let same = 0;
  while (same < Math.min(before.length, after.length) - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same += 1;
  return { range: { start, end: before.length - same }, text: after.slice(start, after.length - same) };
}
