/** Values that the schema and the rest of the file know: enumerations, methods, defaults, levels. */
import { outlineOf } from '../experiment/defaults.ts';
import { type JsonSchema } from '../experiment/jsonSchema.ts';
import { type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { METHOD_CARDS } from '../experiment/methods/index.ts';
import { detectorSchema } from '../experiment/schema.ts';
import { blocksOf, methodBlocks } from './blocks.ts';
import { blockItem, indented } from './completeKeys.ts';
import { type Completion } from './completion.ts';
import { type Cursor } from './cursor.ts';
import { cardOf, schemasOf, writtenDetector } from './defaults.ts';
import { factsAt } from './facts.ts';
import { literal, yamlString, yamlValue } from './snippet.ts';

export function completeValues(cursor: Cursor): readonly Completion[] {
  const { path, data } = cursor;
  const facts = factsAt(path, data);
  const schemas = schemasOf(path, data).flatMap((schema) => schema.anyOf ?? schema.oneOf ?? [schema]);
  const byDefault = typeof path.at(-1) === 'number' ? undefined : facts?.default?.value;
  const values = distinct([...schemas.flatMap(valuesOf), ...examplesOf(path), ...(byDefault === undefined ? [] : [byDefault])]);
  const items = values.map((value): Completion => ({
    ...valueItem(cursor, value), detail: noteOf(path, value), facts: factsAt(path, data, value), isDefault: byDefault !== undefined && JSON.stringify(byDefault) === JSON.stringify(value),
  }));
  // A list that goes on below its key takes no value in brackets here.
  const scalars = cursor.ownLine ? items.filter(({ insert }) => !insert.startsWith('[')) : items;
  return [...scalars, ...levelItems(cursor), ...lessonItems(cursor), ...belowKey(cursor)];
}

export function valueItem(cursor: Cursor, value: unknown, kind: Completion['kind'] = 'value'): Completion {
  const label = typeof value === 'string' ? value : yamlValue(value);
  return { label, kind, insert: literal(inPlace(cursor, value)), range: cursor.word, askAgain: false, isDefault: false };
}

/** In quotes that are already there nothing is quoted again. */
function inPlace({ quote, flow }: Cursor, value: unknown): string {
  if (typeof value !== 'string') return yamlValue(value);
  if (quote === '\'') return value.replaceAll('\'', '\'\'');
  if (quote === '"') return JSON.stringify(value).slice(1, -1);
  return flow && /[,[\]{}]/.test(value) ? JSON.stringify(value) : yamlString(value);
}

function valuesOf(schema: JsonSchema): readonly unknown[] {
  if (schema.const !== undefined) return [schema.const];
  if (schema.enum !== undefined) return schema.enum;
  return schema.type === 'boolean' ? [true, false] : [];
}

/** Usual inputs; all are multiples of 32. */
function examplesOf(path: KeyPath): readonly unknown[] {
  const key = path.join('.');
  if (key === 'data.size') return [[128, 128], [320, 320], [512, 512], [640, 640], [800, 1344]];
  if (key === 'data.size.0' || key === 'data.size.1') return [128, 256, 320, 416, 512, 640, 800];
  return [];
}

function distinct(values: readonly unknown[]): readonly unknown[] {
  const seen = new Set<string>();
  return values.filter((value) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function noteOf(path: KeyPath, value: unknown): string | undefined {
  return path.at(-1) === 'method' && typeof value === 'string' ? cardOf(value)?.title : undefined;
}

/** Keys that count or name levels of the pyramid: as many as the chosen networks have. */
function levelItems(cursor: Cursor): readonly Completion[] {
  const { path, data } = cursor;
  const key = String(path.at(-1));
  const facts = factsAt(path, data);
  const known = new Set(['levels', 'relationLevels', 'canonicalLevel']);
  if (!known.has(key) || !facts?.form.includes('whole number')) return [];
  const counts = path[0] === 'distill' ? sharedLevels(data) : 5;
  const byDefault = facts.default?.value;
  return Array.from({ length: counts }, (_, index) => index + 1).filter((count) => count !== byDefault).map((count) => {
    if (key === 'canonicalLevel') return { ...valueItem(cursor, count + 2), facts, detail: `P${count + 2}` };
    return { ...valueItem(cursor, count), facts, detail: count === 1 ? 'P3' : `P3 … P${count + 2}` };
  }).filter(({ label }) => label !== String(byDefault));
}

function sharedLevels(data: unknown): number {
  const first = Array.isArray(valueAt(data, ['teacher'])) ? ['teacher', 0] : ['teacher'];
  const counts = [['student'], first].map((section) => levelsOf(section, data)).filter((count) => count !== undefined);
  return counts.length === 0 ? 5 : Math.min(...counts);
}

function levelsOf(section: KeyPath, data: unknown): number | undefined {
  const written = writtenDetector(section, data);
  if (written === undefined) return undefined;
  const parsed = detectorSchema.safeParse({ detector: written.detector, backbone: written.backbone, neck: valueAt(data, [...section, 'neck']) ?? {} });
  return parsed.success ? outlineOf(parsed.data).levels : undefined;
}

/** `methods` of a teacher: those of `distill`, or all while there are none. */
function lessonItems(cursor: Cursor): readonly Completion[] {
  const { path, data } = cursor;
  const [section, , third, fourth] = path;
  const isEntry = section === 'teacher' && typeof path.at(-1) === 'number' && (third === 'methods' || path[1] === 'methods' || fourth === 'methods');
  if (!isEntry) return [];
  const distill = valueAt(data, ['distill']);
  const written = Array.isArray(distill) ? distill.map((item) => (item as { readonly method?: unknown } | null)?.method).filter((method) => typeof method === 'string') : [];
  const taken = valueAt(data, path.slice(0, -1));
  const methods = (written.length > 0 ? written : Object.keys(METHOD_CARDS)).filter((method) => !(Array.isArray(taken) && taken.includes(method)));
  return methods.map((method) => ({ ...valueItem(cursor, method), facts: factsAt(['distill', 0, 'method'], {}, method), detail: (cardOf(method))?.title }));
}

/** Behind `data:` on the same line: whole blocks that begin on the next. */
function belowKey(cursor: Cursor): readonly Completion[] {
  const { path, flow, quote, ownLine, typed } = cursor;
  if (flow || quote !== undefined || ownLine || path.length !== 1) return [];
  const key = String(path[0]);
  const blocks = key === 'distill' ? methodBlocks(cursor.data).map((block) => ({ ...block, lines: block.lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`) })) : blocksOf(key);
  // The blank behind the colon goes.
  const range = { start: cursor.word.start, end: cursor.word.end };
  return typed === '' ? blocks.map((block) => ({ ...blockItem(cursor, block, `\n${indented(block.lines, '  ')}`), range })) : [];
}
