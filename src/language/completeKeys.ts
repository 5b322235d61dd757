/** Keys that may stand at the cursor, those that must first; and whole blocks. */
import { type JsonSchema } from '../experiment/jsonSchema.ts';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { type Block, blocksOf, methodBlocks } from './blocks.ts';
import { type Completion } from './completion.ts';
import { type Cursor } from './cursor.ts';
import { schemasOf } from './defaults.ts';
import { factsAt, objectsAt } from './facts.ts';
import { literal, yamlValue } from './snippet.ts';

export function completeKeys(cursor: Cursor): readonly Completion[] {
  const { path, data } = cursor;
  const objects = objectsAt(path, data);
  const taken = new Set(Object.keys(Object(valueAt(data, path)) as object));
  const keys = commonKeys(objects).filter((key) => !taken.has(key));
  const items = keys.map((key) => keyItem(cursor, key)).filter((item) => item !== undefined);
  const rank = ({ facts }: Completion): number => (facts?.required === true ? 0 : facts?.idle === undefined ? 1 : 2);
  return [...items.sort((a, b) => rank(a) - rank(b)), ...(cursor.colon || cursor.flow ? [] : blockItems(cursor, keys))];
}

/** Keys of the one mapping, or those that all alternatives know while it is not decided which it is. */
function commonKeys(objects: readonly JsonSchema[]): readonly string[] {
  const [first, ...others] = objects.map(({ properties = {} }) => Object.keys(properties));
  return (first ?? []).filter((key) => others.every((names) => names.includes(key)));
}

function keyItem(cursor: Cursor, key: string): Completion | undefined {
  const path = [...cursor.path, key];
  const facts = factsAt(path, cursor.data);
  if (facts === undefined) return undefined;
  const { text, askAgain } = cursor.colon ? { text: key, askAgain: false } : keyText(cursor, path);
  return { label: key, kind: 'key', facts, insert: text, range: cursor.word, askAgain, isDefault: false };
}

interface Template {
  readonly text: string;
  /** Whether the value is to be chosen from a list. */
  readonly askAgain: boolean;
}

function keyText(cursor: Cursor, path: KeyPath): Template {
  const key = String(path.at(-1));
  // Alternatives that agree on this key are one.
  const schemas = [...new Map(schemasOf(path, cursor.data).map((each) => [JSON.stringify(each), each])).values()];
  const [schema] = schemas;
  const known = factsAt(path, cursor.data)?.default?.value;
  if (schema === undefined) return { text: `${key}: `, askAgain: false };
  const alternatives = schema.anyOf ?? schema.oneOf ?? [schema];
  if (alternatives.some(({ properties }) => properties !== undefined)) return openMapping(cursor, path);
  if (schema.enum !== undefined || schema.const !== undefined || schema.type === 'boolean' || schemas.length > 1) return { text: `${key}: `, askAgain: true };
  if (schema.type === 'array') return openList(cursor, path, schema, known);
  if (known !== undefined && typeof known === 'number') return { text: `${key}: \${1:${literal(yamlValue(known))}}`, askAgain: false };
  return { text: `${key}: `, askAgain: schema.type === 'string' || known !== undefined };
}

function openMapping(cursor: Cursor, path: KeyPath): Template {
  const key = String(path.at(-1));
  if (cursor.flow) return { text: `${key}: { $1 }`, askAgain: true };
  return { text: `${key}:\n${indentOf(cursor)}  $0`, askAgain: true };
}

function openList(cursor: Cursor, path: KeyPath, schema: JsonSchema, known: unknown): Template {
  const key = String(path.at(-1));
  if (key === 'distill' && !cursor.flow) return { text: `${key}:\n${indentOf(cursor)}  - method: $0`, askAgain: true };
  const values = Array.isArray(known) ? known : path.join('.') === 'data.size' ? [512, 512] : [];
  if (values.length === 0) return { text: `${key}: [$1]`, askAgain: true };
  const stops = Array.isArray(schema.items) ? values.map((value, index) => `\${${index + 1}:${literal(yamlValue(value))}}`).join(', ') : `\${1:${literal(values.map(yamlValue).join(', '))}}`;
  return { text: `${key}: [${stops}]`, askAgain: false };
}

/** An editor repeats the indentation of the cursor's line; a word behind a dash stands deeper. */
function indentOf({ offsetInLine }: Cursor): string {
  return ' '.repeat(offsetInLine);
}

function blockItems(cursor: Cursor, keys: readonly string[]): readonly Completion[] {
  const { path } = cursor;
  if (path.length === 0) return keys.flatMap((key) => blocksOf(key).map((block) => blockItem(cursor, block, `${key}:\n${indented(block.lines, `${indentOf(cursor)}  `)}`)));
  if (path[0] === 'distill' && path.length === 2 && keys.includes('method')) return itemBlocks(cursor, '');
  // Directly below `distill:` or `teacher:`, without a dash yet.
  if (path[0] === 'distill' && path.length === 1) return itemBlocks(cursor, '- ');
  if (path.length === 1 && Object.keys(Object(valueAt(cursor.data, path)) as object).length === 0) {
    return blocksOf(String(path[0])).map((block) => blockItem(cursor, block, indented(block.lines, indentOf(cursor)).trimStart()));
  }
  return [];
}

/** @param dash what makes a list's item of it, where there is no dash yet */
function itemBlocks(cursor: Cursor, dash: string): readonly Completion[] {
  return methodBlocks(cursor.data).map((block) => {
    const [first = '', ...rest] = block.lines;
    const deeper = `${indentOf(cursor)}${' '.repeat(dash.length)}`;
    const facts = factsAt([...cursor.path.slice(0, 1), 0, 'method'], cursor.data, block.card.id);
    return { ...blockItem(cursor, block, [`${dash}${first}`, ...rest.map((line) => `${deeper}${line}`)].join('\n')), facts };
  });
}

export function blockItem(cursor: Cursor, { label, detail }: Block, insert: string): Completion {
  return { label, detail, kind: 'block', insert, range: cursor.word, askAgain: false, isDefault: false };
}

export function indented(lines: readonly string[], indent: string): string {
  return lines.map((line) => `${indent}${line}`).join('\n');
}
