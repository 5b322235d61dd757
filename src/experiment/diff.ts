/** Which keys differ between two experiments. */
import { formatKey, type KeyPath } from './keyPath.ts';
import { show } from './problems.ts';

export interface Difference {
  readonly path: KeyPath;
  /** undefined: not there. */
  readonly before: unknown;
  readonly after: unknown;
}

/** Leaves that differ, in the order of `before`, then those that only `after` has. Works on any plain data. */
export function diffExperiments(before: unknown, after: unknown, path: KeyPath = []): readonly Difference[] {
  if (isNested(before) && isNested(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return keys.flatMap((key) => diffExperiments(before[key], after[key], [...path, Array.isArray(before) ? Number(key) : key]));
  }
  return Object.is(before, after) || JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path, before, after }];
}

function isNested(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** `train.batch: 4 → 8`. */
export function formatDifference({ path, before, after }: Difference): string {
  return `${formatKey(path)}: ${show(before)} → ${show(after)}`;
}
