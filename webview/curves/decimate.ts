/**
 * From 100,000 samples to as many points as the screen can show, without losing a spike: each bucket keeps its least and
 * its greatest value in their order. Zooming calls it again on the full data, so detail comes back.
 */
import { Column, indexAt } from '../columns.ts';

export interface Point {
  x: number;
  y: number;
}

/** Values of a series; a column has sums of them ready, so that not every value is looked at again. */
export type Row = ArrayLike<number> | Column;

const valuesOf = (row: Row): ArrayLike<number> => (row instanceof Column ? row.view() : row);

/**
 * @param xs sorted, any unit; @param ys same length, NaN where there is no value
 * @param range visible part of xs; one sample beyond each end is kept so that lines leave the frame
 * @param buckets about the number of pixels
 * @param breaks indices before which the line is interrupted
 */
export function minMax(xs: ArrayLike<number>, ys: Row, range: readonly [number, number], buckets: number, breaks: readonly number[] = []): Point[] {
  const first = Math.max(0, indexAt(xs, range[0]));
  const last = Math.min(xs.length - 1, indexAt(xs, range[1]) + 1);
  const points: Point[] = [];
  if (last < first) return points;
  const size = bucketSize(last - first + 1, buckets);
  let begin = first;
  for (const at of breaks) {
    if (at <= begin || at > last) continue;
    segment(xs, ys, begin, at - 1, size, points);
    points.push({ x: ((xs[at - 1] ?? 0) + (xs[at] ?? 0)) / 2, y: NaN });
    begin = at;
  }
  segment(xs, ys, begin, last, size, points);
  return points;
}

/**
 * Samples a bucket: a power of two, and buckets begin at its multiples. So a growing line keeps its points where they were
 * instead of shimmering, and the column's sums fit. 1 where all samples can be shown.
 */
const bucketSize = (count: number, buckets: number): number => (count <= 2 * buckets + 2 ? 1 : 2 ** Math.max(1, Math.round(Math.log2(count / buckets))));

function segment(xs: ArrayLike<number>, ys: Row, first: number, last: number, size: number, points: Point[]): void {
  const values = valuesOf(ys);
  const push = (at: number): void => { points.push({ x: xs[at] ?? NaN, y: values[at] ?? NaN }); };
  if (size === 1 || last - first < 4) {
    for (let i = first; i <= last; i += 1) push(i);
    return;
  }
  push(first);
  for (let from = first + 1; from < last;) {
    const to = Math.min(last, from - (from % size) + size);
    const { least, greatest } = ys instanceof Column ? ys.blocks.extremes(from, to) : extremes(values, from, to);
    // Nothing but missing values: the line must break here too.
    if (least < 0) points.push({ x: xs[from] ?? NaN, y: NaN });
    else {
      push(Math.min(least, greatest));
      if (least !== greatest) push(Math.max(least, greatest));
    }
    from = to;
  }
  push(last);
}

function extremes(ys: ArrayLike<number>, from: number, to: number): { readonly least: number; readonly greatest: number } {
  let [least, greatest, low, high] = [-1, -1, Infinity, -Infinity];
  for (let i = from; i < to; i += 1) {
    const y = ys[i] ?? NaN;
    if (y < low) [low, least] = [y, i];
    if (y > high) [high, greatest] = [y, i];
  }
  return { least, greatest };
}

/** Mean of each of several rows over common buckets: for stacked shares, whose layers must stand on the same x. */
export function bucketMeans(xs: ArrayLike<number>, rows: readonly Row[], range: readonly [number, number], buckets: number): { readonly xs: number[]; readonly rows: number[][] } {
  const first = Math.max(0, indexAt(xs, range[0]));
  const last = Math.min(xs.length - 1, indexAt(xs, range[1]) + 1);
  const size = 2 ** Math.max(0, Math.ceil(Math.log2((last - first + 1) / buckets)));
  const out = { xs: [] as number[], rows: rows.map((): number[] => []) };
  for (let from = first; from <= last;) {
    const to = Math.min(last + 1, from - (from % size) + size);
    out.xs.push(xs[to > last ? last : from] ?? NaN);
    rows.forEach((row, index) => out.rows[index]?.push(row instanceof Column ? row.blocks.mean(from, to) : mean(row, from, to)));
    from = to;
  }
  return out;
}

function mean(row: ArrayLike<number>, from: number, to: number): number {
  let sum = 0;
  let count = 0;
  for (let i = from; i < to; i += 1) {
    const value = row[i] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}
