/**
 * Which anchors ATSS looks at for an object, and the overlap from which on they serve it (Zhang et al., "Bridging the Gap Between
 * Anchor-based and Anchor-free Detection via Adaptive Training Sample Selection", CVPR 2020, algorithm 1). On the host, in doubles.
 */
import { iou, type Box } from '../engine/boxes.ts';

/** Anchors of all levels in flat order. */
export interface AnchorLevels {
  /** Corners in input pixels, [A, 4]. */
  readonly corners: ArrayLike<number>;
  /** Number of anchors of each level. */
  readonly perLevel: readonly number[];
}

export interface AtssChoice {
  /** Flat indexes: the nearest of each level, level by level. */
  readonly candidates: readonly number[];
  /** IoU of each candidate with the object. */
  readonly overlaps: readonly number[];
  /** Mean plus standard deviation (n − 1; 0 for a single candidate) of the overlaps. */
  readonly threshold: number;
}

/** Candidates a level, in the paper and in the reference code. */
export const ATSS_NEAREST = 9;

export function chooseAtss(anchors: AnchorLevels, box: Box, nearest: number = ATSS_NEAREST): AtssChoice {
  const candidates: number[] = [];
  let first = 0;
  for (const count of anchors.perLevel) {
    candidates.push(...nearestAnchors(anchors, first, count, box, nearest));
    first += count;
  }
  const overlaps = candidates.map((index) => iou(anchorBox(anchors, index), box));
  const mean = overlaps.reduce((sum, value) => sum + value, 0) / Math.max(1, overlaps.length);
  const squares = overlaps.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { candidates, overlaps, threshold: mean + (overlaps.length > 1 ? Math.sqrt(squares / (overlaps.length - 1)) : 0) };
}

export function anchorBox({ corners }: AnchorLevels, index: number): Box {
  const corner = (side: number): number => corners[index * 4 + side] ?? Number.NaN;
  return [corner(0), corner(1), corner(2), corner(3)];
}

/** The level's anchors whose centres lie nearest to the box's; of equally near ones the first. */
function nearestAnchors(anchors: AnchorLevels, first: number, count: number, box: Box, nearest: number): number[] {
  const kept: { index: number; distance: number }[] = [];
  for (let index = first; index < first + count; index += 1) {
    const distance = squaredCentreDistance(anchorBox(anchors, index), box);
    if (kept.length === nearest && !(distance < (kept.at(-1)?.distance ?? 0))) continue;
    let place = kept.length;
    while (place > 0 && distance < (kept[place - 1]?.distance ?? 0)) place -= 1;
    kept.splice(place, 0, { index, distance });
    if (kept.length > nearest) kept.pop();
  }
  return kept.map(({ index }) => index);
}

/** Squared distance of the boxes' centres, in square pixels. */
export function squaredCentreDistance(a: Box, b: Box): number {
  return ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2;
}
