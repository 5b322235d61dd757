/**
 * From 100,000 samples to as many points as the screen can show, without losing a spike: each bucket keeps its least and
 * its greatest value in their order. Zooming calls it again on the full data, so detail comes back.
 */
import { indexAt } from '../columns.ts';

export interface Point {
  x: number;
  y: number;
}

/**
 * @param xs sorted, any unit; @param ys same length, NaN where there is no value
 * @param range visible part of xs; one sample beyond each end is kept so that lines leave the frame
 * @param buckets about the number of pixels
 * @param breaks indices before which the line is interrupted
 */
export function minMax(xs: ArrayLike<number>, ys: ArrayLike<number>, range: readonly [number, number], buckets: number, breaks: readonly number[] = []): Point[] {
  const first = Math.max(0, indexAt(xs, range[0]));
  const last = Math.min(xs.length - 1, indexAt(xs, range[1]) + 1);
  const points: Point[] = [];
  if (last < first) return points;
  let begin = first;
  for (const at of breaks) {
    if (at <= begin || at > last) continue;
    segment(xs, ys, begin, at - 1, share(buckets, begin, at - 1, first, last), points);
    points.push({ x: ((xs[at - 1] ?? 0) + (xs[at] ?? 0)) / 2, y: NaN });
    begin = at;
  }
  segment(xs, ys, begin, last, share(buckets, begin, last, first, last), points);
  return points;
}

const share = (buckets: number, a: number, b: number, first: number, last: number): number => Math.max(1, Math.round((buckets * (b - a + 1)) / (last - first + 1)));

function segment(xs: ArrayLike<number>, ys: ArrayLike<number>, first: number, last: number, buckets: number, points: Point[]): void {
  const count = last - first + 1;
  if (count <= 2 * buckets + 2) {
    for (let i = first; i <= last; i += 1) points.push({ x: xs[i] ?? NaN, y: ys[i] ?? NaN });
    return;
  }
  const inner = count - 2;
  points.push({ x: xs[first] ?? NaN, y: ys[first] ?? NaN });
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const from = first + 1 + Math.floor((bucket * inner) / buckets);
    const to = first + 1 + Math.floor(((bucket + 1) * inner) / buckets);
    extremes(xs, ys, from, to, points);
  }
  points.push({ x: xs[last] ?? NaN, y: ys[last] ?? NaN });
}

function extremes(xs: ArrayLike<number>, ys: ArrayLike<number>, from: number, to: number, points: Point[]): void {
  let least = -1;
  let greatest = -1;
  let low = Infinity;
  let high = -Infinity;
  for (let i = from; i < to; i += 1) {
    const y = ys[i] ?? NaN;
    if (y < low) [low, least] = [y, i];
    if (y > high) [high, greatest] = [y, i];
  }
  if (least < 0) {
    // Nothing but missing values: the line must break here too.
    if (to > from) points.push({ x: xs[from] ?? NaN, y: NaN });
    return;
  }
  const [a, b] = least < greatest ? [least, greatest] : [greatest, least];
  points.push({ x: xs[a] ?? NaN, y: ys[a] ?? NaN });
  if (b !== a) points.push({ x: xs[b] ?? NaN, y: ys[b] ?? NaN });
}

/** Mean of each of several rows over common buckets: for stacked shares, whose layers must stand on the same x. */
export function bucketMeans(xs: ArrayLike<number>, rows: readonly ArrayLike<number>[], range: readonly [number, number], buckets: number): { readonly xs: number[]; readonly rows: number[][] } {
  const first = Math.max(0, indexAt(xs, range[0]));
  const last = Math.min(xs.length - 1, indexAt(xs, range[1]) + 1);
  const count = last - first + 1;
  const groups = Math.max(0, Math.min(buckets, count));
  const out = { xs: [] as number[], rows: rows.map((): number[] => []) };
  for (let bucket = 0; bucket < groups; bucket += 1) {
    const from = first + Math.floor((bucket * count) / groups);
    const to = first + Math.floor(((bucket + 1) * count) / groups);
    const end = bucket === groups - 1 ? to - 1 : from;
    out.xs.push(xs[end] ?? NaN);
    rows.forEach((row, index) => out.rows[index]?.push(mean(row, from, to)));
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
