/** Distances from a point to the sides of a box, and how far the point is from the middle. In doubles, on the host. */
import { type Box } from '../engine/boxes.ts';

export type Sides = readonly [left: number, top: number, right: number, bottom: number];

/** Negative where the point is outside. @param unit pixels of one unit of distance */
export function sidesFrom([x, y]: readonly [number, number], box: Box, unit = 1): Sides {
  return [(x - box[0]) / unit, (y - box[1]) / unit, (box[2] - x) / unit, (box[3] - y) / unit];
}

/** √(min/max of left, right · min/max of top, bottom): 1 in the middle, 0 on the edge and outside (Tian et al. 2019, equation 3). */
export function centerness([left, top, right, bottom]: Sides): number {
  return Math.sqrt(share(left, right) * share(top, bottom));
}

function share(a: number, b: number): number {
  const most = Math.max(a, b);
  return most > 0 ? Math.max(0, Math.min(a, b) / most) : 0;
}
