/**
 * Boxes as deltas of an anchor (Girshick et al. 2014): centre offsets in anchor sides, logarithms of the sides' ratios.
 * Means 0, deviations 1 (RetinaNet's in MMDetection and torchvision).
 */
import { type Box } from '../engine/boxes.ts';

export type Deltas = readonly [dx: number, dy: number, dw: number, dh: number];

export interface DecodeLimits {
  /** Smallest and largest log ratio of sides. */
  readonly least: number;
  readonly most: number;
}

/** MMDetection holds both ends at |ln(16 / 1000)|, torchvision only the upper one. */
export const DECODE_LIMITS = {
  mmdetection: { least: Math.log(16 / 1000), most: Math.log(1000 / 16) },
  torchvision: { least: Number.NEGATIVE_INFINITY, most: Math.log(1000 / 16) },
} as const satisfies Record<string, DecodeLimits>;

export function encode(anchor: Box, box: Box): Deltas {
  const [width, height] = [anchor[2] - anchor[0], anchor[3] - anchor[1]];
  return [
    ((box[0] + box[2]) / 2 - (anchor[0] + anchor[2]) / 2) / width,
    ((box[1] + box[3]) / 2 - (anchor[1] + anchor[3]) / 2) / height,
    Math.log((box[2] - box[0]) / width),
    Math.log((box[3] - box[1]) / height),
  ];
}

export function decode(anchor: Box, [dx, dy, dw, dh]: Deltas, { least, most }: DecodeLimits): Box {
  const clamp = (value: number): number => Math.min(Math.max(value, least), most);
  const [width, height] = [anchor[2] - anchor[0], anchor[3] - anchor[1]];
  const [x, y] = [(anchor[0] + anchor[2]) / 2 + dx * width, (anchor[1] + anchor[3]) / 2 + dy * height];
  const [halfWidth, halfHeight] = [(width * Math.exp(clamp(dw))) / 2, (height * Math.exp(clamp(dh))) / 2];
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}
