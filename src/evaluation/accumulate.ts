/** From matches to average precision and recall: the sums of `COCOeval.accumulate`, for one class and one area range. */
import { IOU_THRESHOLDS, type Matches } from './match.ts';

/** 0, 0.01, … 1, computed as numpy's linspace does. */
const RECALL_POINTS: Float64Array = Float64Array.from({ length: 101 }, (_, i) => (i === 100 ? 1 : i * 0.01));

export interface RankedMatches extends Matches {
  /** Positions in `found` and `ignored`, by falling score over all images. */
  readonly order: Int32Array;
  /** Rank of each position within its image, from 0. */
  readonly rank: Uint16Array;
  /** Number of objects that count. */
  readonly positives: number;
}

/** By IoU threshold; −1 if there is no object that counts. */
export interface Curve {
  /** Precision averaged over the 101 recall points. */
  readonly precision: Float64Array;
  /** Recall with all detections. */
  readonly recall: Float64Array;
}

/** @param limit detections an image that count, best scores first. */
export function accumulate(matches: RankedMatches, limit: number): Curve {
  const precision = new Float64Array(IOU_THRESHOLDS.length).fill(-1);
  const recall = new Float64Array(IOU_THRESHOLDS.length).fill(-1);
  if (matches.positives === 0) return { precision, recall };
  const recalls = new Float64Array(matches.order.length);
  const precisions = new Float64Array(matches.order.length);
  for (let t = 0; t < IOU_THRESHOLDS.length; t += 1) {
    const length = walk(matches, limit, 1 << t, recalls, precisions);
    recall[t] = length === 0 ? 0 : (recalls[length - 1] ?? 0);
    precision[t] = averagePrecision(recalls, precisions, length);
  }
  return { precision, recall };
}

/** Recall alone: for AR at 1 and 10 detections an image. */
export function recallAt(matches: RankedMatches, limit: number): Float64Array {
  const recall = new Float64Array(IOU_THRESHOLDS.length).fill(-1);
  if (matches.positives === 0) return recall;
  const hits = new Float64Array(IOU_THRESHOLDS.length);
  for (const position of matches.order) {
    if ((matches.rank[position] ?? 0) >= limit) continue;
    const gained = (matches.found[position] ?? 0) & ~(matches.ignored[position] ?? 0);
    for (let t = 0; t < hits.length; t += 1) hits[t] = (hits[t] ?? 0) + ((gained >> t) & 1);
  }
  return hits.map((count) => count / matches.positives);
}

/** Recall and precision after each detection; those that do not count add no point, as they change neither. */
function walk(matches: RankedMatches, limit: number, bit: number, recalls: Float64Array, precisions: Float64Array): number {
  let hits = 0;
  let misses = 0;
  let length = 0;
  for (const position of matches.order) {
    if ((matches.rank[position] ?? 0) >= limit || ((matches.ignored[position] ?? 0) & bit) !== 0) continue;
    if (((matches.found[position] ?? 0) & bit) === 0) misses += 1;
    else hits += 1;
    recalls[length] = hits / matches.positives;
    precisions[length] = hits / (misses + hits);
    length += 1;
  }
  return length;
}

function averagePrecision(recalls: Float64Array, precisions: Float64Array, length: number): number {
  for (let i = length - 1; i > 0; i -= 1) {
    const later = precisions[i] ?? 0;
    if (later > (precisions[i - 1] ?? 0)) precisions[i - 1] = later;
  }
  let sum = 0;
  let i = 0;
  for (const point of RECALL_POINTS) {
    while (i < length && (recalls[i] ?? 0) < point) i += 1;
    if (i === length) break;
    sum += precisions[i] ?? 0;
  }
  return sum / RECALL_POINTS.length;
}
