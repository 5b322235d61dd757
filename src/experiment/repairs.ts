/** Ways to mend what the schema finds: the slip undone, the key that is missing, the nearest value that is allowed, the default. */
import { type JsonSchema, keysAt, schemasAt } from './jsonSchema.ts';
import { type KeyPath, valueAt } from './keyPath.ts';
import { type Change, type Repair } from './problems.ts';

export function repair(...changes: readonly Change[]): Repair {
  return { changes };
}

export function safeRepair(...changes: readonly Change[]): Repair {
  return { changes, safe: true };
}

export function set(path: KeyPath, value: unknown): Change {
  return { kind: 'set', path, value };
}

export function remove(path: KeyPath): Change {
  return { kind: 'remove', path };
}

/** @param meant the key that it is a slip of. */
export function unknownRepairs(path: KeyPath, meant: string | undefined, data: unknown): readonly Repair[] {
  const parent = path.slice(0, -1);
  const isTaken = meant !== undefined && valueAt(data, [...parent, meant]) !== undefined;
  const home = meant === undefined ? homeOf(path, data) : undefined;
  return [
    ...(meant === undefined || isTaken ? [] : [safeRepair({ kind: 'rename', path, key: meant })]),
    ...(home === undefined ? [] : [repair({ kind: 'move', path, to: [...home, String(path.at(-1))] })]),
    repair(remove(path)),
  ];
}

/** Where in this experiment the key could stand instead, if there is one place only and it is free. Below its own section first. */
function homeOf(path: KeyPath, data: unknown): KeyPath | undefined {
  const key = String(path.at(-1));
  for (const start of [path.slice(0, -1), []]) {
    const [home, ...others] = sectionsWith(key, start, data);
    if (home !== undefined) return others.length === 0 && valueAt(data, [...home, key]) === undefined ? home : undefined;
  }
  return undefined;
}

function sectionsWith(key: string, path: KeyPath, data: unknown, depth = 0): readonly KeyPath[] {
  if (depth > 3) return [];
  const keys = keysAt(path, data);
  return [
    ...(depth > 0 && keys.includes(key) ? [path] : []),
    // Lists are left alone: which item would it be?
    ...keys.filter((inner) => !Array.isArray(valueAt(data, [...path, inner]))).flatMap((inner) => sectionsWith(key, [...path, inner], data, depth + 1)),
  ];
}

export function choiceRepairs(path: KeyPath, meant: string | undefined, choices: readonly string[], data: unknown): readonly Repair[] {
  const [schema] = schemasAt(path, data);
  if (meant !== undefined) return [safeRepair(set(path, meant)), ...fallback(path, schema, meant)];
  // A long list is for completion to show.
  return choices.length <= 4 ? choices.map((choice) => repair(set(path, choice))) : fallback(path, schema);
}

export function numberRepairs(path: KeyPath, value: number, data: unknown): readonly Repair[] {
  const [schema] = schemasAt(path, data);
  if (schema === undefined) return [];
  const near = nearest(schema, value);
  return [...(near === undefined ? [] : [repair(set(path, near))]), ...fallback(path, schema, near)];
}

/** The end of the range that was left; undefined where it is an open one. */
function nearest({ minimum, maximum }: JsonSchema, value: number): number | undefined {
  if (minimum !== undefined && value < minimum) return minimum;
  if (maximum !== undefined && value > maximum) return maximum;
  return undefined;
}

export function typeRepairs(path: KeyPath, value: unknown, data: unknown): readonly Repair[] {
  const schemas = schemasAt(path, data);
  const [schema] = schemas;
  if (schema === undefined || path.length === 0) return [];
  const meant = coerced(path, value, schemas);
  return [...(meant === undefined ? [] : [safeRepair(set(path, meant))]), ...fallback(path, schema, meant)];
}

/** The same value of the right kind, where there is no doubt what was meant. */
function coerced(path: KeyPath, value: unknown, schemas: readonly JsonSchema[]): unknown {
  const [schema] = schemas;
  switch (schema?.type) {
    case 'string': return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
    case 'boolean': return typeof value === 'string' && /^(yes|no|on|off|true|false)$/i.test(value) ? /^(yes|on|true)$/i.test(value) : undefined;
    case 'integer':
    case 'number': return asNumber(value, schema);
    case 'array': return asList(value, schema);
    case 'object': {
      // `- fgd` for `- method: fgd`.
      const isMethod = path.length === 2 && path[0] === 'distill' && schemas.some(({ properties }) => properties?.method?.const === value);
      return isMethod ? { method: value } : undefined;
    }
    case undefined: default: return undefined;
  }
}

function asNumber(value: unknown, { type }: JsonSchema): number | undefined {
  const text = Array.isArray(value) && value.length === 1 ? String(value[0]) : value;
  const number = typeof text === 'number' ? text : typeof text === 'string' && text.trim() !== '' ? Number(text.replace(/^(\d[\d_]*)$/, (digits) => digits.replaceAll('_', ''))) : Number.NaN;
  if (!Number.isFinite(number)) return undefined;
  return type === 'integer' ? Math.max(1, Math.round(number)) : number;
}

/** One thing for a list of them; too few or too many for a list of a fixed length. */
function asList(value: unknown, { items }: JsonSchema): unknown {
  const [item, ...others] = Array.isArray(items) ? (items as readonly JsonSchema[]) : [items as JsonSchema | undefined];
  const wanted = item?.type === 'string' ? 'string' : item?.type === 'number' || item?.type === 'integer' ? 'number' : undefined;
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (wanted === undefined || given.length === 0 || !given.every((each) => typeof each === wanted)) return undefined;
  if (!Array.isArray(items)) return given;
  return Array.from({ length: 1 + others.length }, (_, index) => given[Math.min(index, given.length - 1)]);
}

/** The default, or the key taken out where leaving it out has a meaning of its own. */
function fallback(path: KeyPath, schema: JsonSchema | undefined, offered?: unknown): readonly Repair[] {
  if (schema?.default !== undefined) return JSON.stringify(schema.default) === JSON.stringify(offered) ? [] : [repair(set(path, schema.default))];
  return [repair(remove(path))];
}

/** What a missing key would get so that the experiment is sound again; the writer puts their own in its place. */
export function missingRepairs(path: KeyPath, data: unknown): readonly Repair[] {
  const value = placeholder(path, data);
  if (value === undefined) return [];
  // A format alone would leave a hole that only shows when it is there.
  const needsSize = path[0] === 'data' && path[1] === 'format' && valueAt(data, ['data', 'size']) === undefined;
  return [repair(set(path, value), ...(needsSize ? [set(['data', 'size'], DATA.size)] : []))];
}

const DATA = { format: 'scenes', size: [128, 128] };

function placeholder(path: KeyPath, data: unknown): unknown {
  const [root] = path;
  const key = path.at(-1);
  const isTeacher = root === 'teacher';
  if (path.length === 1 && key === 'student') return { detector: networkOf(data, 'detector') ?? 'retinanet', backbone: isSmall(data) ? 'tiny' : 'resnet18' };
  if (path.length === 1 && key === 'data') return DATA;
  switch (key) {
    case 'name': return 'experiment';
    case 'format': return DATA.format;
    case 'size': return valueAt(data, ['data', 'format']) === 'scenes' ? DATA.size : [512, 512];
    case 'root': return 'data';
    case 'train':
    case 'val': return { annotations: `annotations/${key}.json`, images: key };
    case 'annotations': return `annotations/${String(path.at(-2))}.json`;
    case 'images': return path.at(-2);
    case 'detector': return networkOf(data, 'detector') ?? 'retinanet';
    case 'backbone': return isTeacher ? (isSmall(data) ? 'small' : 'resnet50') : isSmall(data) ? 'tiny' : 'resnet18';
    case 'weights': return 'teacher.safetensors';
    case undefined: default: return undefined;
  }
}

/** What the other network of the experiment has. */
function networkOf(data: unknown, key: 'detector' | 'backbone'): unknown {
  return valueAt(data, ['teacher', key]) ?? valueAt(data, ['teacher', 0, key]) ?? valueAt(data, ['student', key]);
}

function isSmall(data: unknown): boolean {
  return ['small', 'tiny'].includes(String(networkOf(data, 'backbone'))) || valueAt(data, ['data', 'format']) === 'scenes';
}
