/** Several rows of one quantity as their mean and the spread around it: the seeds of one experiment as one line. Pure. */
import { indexAt } from '../columns.ts';
import { type Point } from './decimate.ts';

/** Mean less and plus one standard deviation of the sample. */
export interface BandPoint {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

export interface Joined {
  readonly line: Point[];
  readonly band: BandPoint[];
}

export interface Row {
  /** Sorted. */
  readonly xs: ArrayLike<number>;
  /** As long; NaN where there is no value. */
  readonly ys: ArrayLike<number>;
}

/**
 * Rows whose samples need not lie at the same places: the range is cut into as many parts as there are samples, at most
 * `buckets`; in each the mean of a row's samples stands for it, and where it has none, the straight line between its neighbours.
 */
export function meanOfRows(rows: readonly Row[], range: readonly [number, number], buckets: number): Joined {
  const there = rows.filter(({ xs }) => xs.length > 0);
  const first = Math.max(range[0], Math.min(...there.map(({ xs }) => xs[0] ?? Infinity)));
  const last = Math.min(range[1], Math.max(...there.map(({ xs }) => xs[xs.length - 1] ?? -Infinity)));
  if (there.length === 0 || !(last >= first)) return { line: [], band: [] };
  const most = Math.max(...there.map(({ xs }) => indexAt(xs, last) - indexAt(xs, first) + 1));
  const parts = Math.max(1, Math.min(buckets, most));
  const width = (last - first) / parts;
  const joined: Joined = { line: [], band: [] };
  const cursors = there.map(({ xs }) => Math.max(0, indexAt(xs, first)));
  for (let part = 0; part < parts; part += 1) {
    const [from, to] = [first + part * width, part === parts - 1 ? last : first + (part + 1) * width];
    const samples = there.map((row, at) => {
      const taken = within(row, cursors[at] ?? 0, from, to, part === parts - 1);
      cursors[at] = taken.next;
      return taken.count > 0 ? taken : { x: (from + to) / 2, y: between(row, (from + to) / 2), count: 0, next: taken.next };
    });
    const measured = samples.filter(({ y }) => Number.isFinite(y));
    const placed = measured.filter(({ count }) => count > 0);
    const x = placed.length === 0 ? (from + to) / 2 : placed.reduce((sum, sample) => sum + sample.x, 0) / placed.length;
    add(joined, x, measured.map(({ y }) => y));
  }
  return joined;
}

/** Mean place and value of a row's samples in a part; a part has its left edge, the last one its right edge too. */
function within({ xs, ys }: Row, begin: number, from: number, to: number, closed: boolean): { readonly x: number; readonly y: number; readonly count: number; readonly next: number } {
  let at = begin;
  while (at < xs.length && (xs[at] ?? Infinity) < from) at += 1;
  let [x, y, count] = [0, 0, 0];
  for (; at < xs.length && ((xs[at] ?? Infinity) < to || (closed && xs[at] === to)); at += 1) {
    const value = ys[at] ?? NaN;
    if (!Number.isFinite(value)) continue;
    x += xs[at] ?? 0;
    y += value;
    count += 1;
  }
  return { x: x / count, y: y / count, count, next: at };
}

/** NaN beyond the row's ends: nothing is continued that was not measured. */
function between({ xs, ys }: Row, x: number): number {
  const before = indexAt(xs, x);
  if (before < 0 || before >= xs.length - 1) return NaN;
  const [left, right] = [xs[before] ?? NaN, xs[before + 1] ?? NaN];
  return (ys[before] ?? NaN) + (((ys[before + 1] ?? NaN) - (ys[before] ?? NaN)) * (x - left)) / (right - left);
}

export interface Measured extends Point {
  readonly step: number;
}

/** Rows of few values, each at a step: a mean wherever two or more were measured at the same one. */
export function meanOfSteps(rows: readonly (readonly Measured[])[]): Joined {
  const steps = new Map<number, Measured[]>();
  for (const row of rows) for (const point of row) if (Number.isFinite(point.y)) steps.set(point.step, [...(steps.get(point.step) ?? []), point]);
  const joined: Joined = { line: [], band: [] };
  for (const [, points] of [...steps].filter(([, { length }]) => length > 1).sort(([a], [b]) => a - b)) {
    add(joined, points.reduce((sum, { x }) => sum + x, 0) / points.length, points.map(({ y }) => y));
  }
  return joined;
}

function add({ line, band }: Joined, x: number, values: readonly number[]): void {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  line.push({ x, y: count === 0 ? NaN : mean });
  // One value has no spread: the band begins where there are two.
  if (count < 2) return;
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1));
  band.push({ x, low: mean - sd, high: mean + sd });
}
