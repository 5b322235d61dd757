/** Of all keys of the experiments, those that are not the same in all. */
import { diffExperiments } from '../experiment/diff.ts';
import { formatKey, type KeyPath, valueAt } from '../experiment/keyPath.ts';
import { isRecord } from './run.ts';
import { canonical } from './seeds.ts';

export interface KeyRow {
  readonly key: string;
  /** One an experiment; undefined where the key is not there. */
  readonly values: readonly unknown[];
}

/** Which other keys there are depends on these: what only follows from them is no difference of its own. */
const DECIDING = ['method', 'format'];
/** More rows than anybody reads. */
const MOST_KEYS = 200;

/** @param ignored keys that are told elsewhere, such as `name` */
export function differingKeys(experiments: readonly unknown[], ignored: readonly string[] = ['name']): readonly KeyRow[] {
  const known = experiments.filter((experiment) => experiment !== undefined);
  const [first, ...others] = known;
  const paths = new Map<string, KeyPath>();
  // What differs between any two differs from the first in one of them.
  for (const other of others) for (const { path } of diffExperiments(first, other)) paths.set(formatKey(path), path);
  const rows: KeyRow[] = [];
  for (const [key, path] of paths) {
    if (ignored.includes(key) || !differs(known, path) || rows.length >= MOST_KEYS) continue;
    rows.push({ key, values: experiments.map((experiment) => valueAt(experiment, path)) });
  }
  return rows;
}

/** Compared only among experiments in which the key means the same. */
function differs(experiments: readonly unknown[], path: KeyPath): boolean {
  const seen = new Map<string, string>();
  return experiments.some((experiment) => {
    const context = contextOf(experiment, path);
    if (context === undefined) return false;
    const value = canonical(valueAt(experiment, path));
    const earlier = seen.get(context);
    seen.set(context, value);
    return earlier !== undefined && earlier !== value;
  });
}

/** What decides over the key from above; undefined where there is no place for it. */
function contextOf(experiment: unknown, path: KeyPath): string | undefined {
  const decided: string[] = [];
  for (let length = 0; length < path.length; length += 1) {
    const parent = valueAt(experiment, path.slice(0, length));
    if (parent === undefined) return undefined;
    for (const word of DECIDING) {
      const isItself = length === path.length - 1 && path[length] === word;
      if (isRecord(parent) && !isItself && typeof parent[word] === 'string') decided.push(parent[word]);
    }
  }
  return decided.join(' ');
}

/** A value as a cell shows it: a method by its name, a list as a list, nothing as a dash. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.map(showValue).join(', ');
  if (isRecord(value)) return typeof value.method === 'string' ? value.method : Object.entries(value).map(([key, inner]) => `${key}: ${showValue(inner)}`).join(', ');
  return '–';
}
