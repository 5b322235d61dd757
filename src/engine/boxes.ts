/**
 * Boxes: `[x1, y1, x2, y2]` in pixels, x to the right, y down, continuous coordinates (no +1 anywhere).
 * Decisions (inside or not, IoU against a threshold) are made here in doubles, never in float32 tensors.
 */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** What is known of one image's objects, in the pixel frame of the network's input. */
export interface GroundTruth {
  readonly boxes: readonly Box[];
  /** Class index from 0, parallel to `boxes`. */
  readonly labels: readonly number[];
  /** Crowd (COCO) or difficult (VOC) regions: neither object nor background. */
  readonly ignored: readonly Box[];
}

/** One predicted object, in the pixel frame of the network's input unless said otherwise. */
export interface Detection {
  readonly box: Box;
  readonly label: number;
  readonly score: number;
}

export function area([x1, y1, x2, y2]: Box): number {
  return Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
}

export function intersection(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Whether a point lies inside, farther than `margin` from every side. */
export function liesIn([x, y]: readonly [x: number, y: number], box: Box, margin = 0): boolean {
  return Math.min(x - box[0], y - box[1], box[2] - x, box[3] - y) > margin;
}

export function centre([x1, y1, x2, y2]: Box): readonly [x: number, y: number] {
  return [(x1 + x2) / 2, (y1 + y2) / 2];
}

export function iou(a: Box, b: Box): number {
  const shared = intersection(a, b);
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}

export function clip([x1, y1, x2, y2]: Box, width: number, height: number): Box {
  const clamp = (value: number, limit: number): number => Math.min(Math.max(value, 0), limit);
  return [clamp(x1, width), clamp(y1, height), clamp(x2, width), clamp(y2, height)];
}
