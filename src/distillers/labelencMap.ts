/** LabelEnc's label map: every box as a pyramid from ½ on its border to 1 in its centre, in its class's channel. On the host. */
import { type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, type HostTensor } from '../engine/hostTensor.ts';
import { type Random } from '../engine/random.ts';

export interface MapForm {
  readonly classes: number;
  /** Side of the map / side of the input. */
  readonly scale: number;
}

/** Boxes with a shorter side have no pyramid: the quotient would be 0 / 0. */
const LEAST_SIDE = 1e-3;

export function mapSize([height, width]: readonly [number, number], scale: number): [number, number] {
  return [Math.ceil(height * scale), Math.ceil(width * scale)];
}

/** @param random dims each box by its own factor min(1, 2u); left out: none is dimmed @returns [N, H, W, K] */
export function labelMaps(truth: readonly GroundTruth[], size: readonly [number, number], { classes, scale }: MapForm, random?: Random): HostTensor {
  const [rows, columns] = mapSize(size, scale);
  const data = new Float32Array(truth.length * rows * columns * classes);
  for (const [image, { boxes, labels }] of truth.entries()) {
    const own = data.subarray(image * rows * columns * classes, (image + 1) * rows * columns * classes);
    for (const [index, box] of boxes.entries()) {
      const factor = random === undefined ? 1 : Math.min(1, 2 * random.uniform());
      drawBox(own, rows, columns, classes, labels[index] ?? 0, box, factor, scale);
    }
  }
  return float32([truth.length, rows, columns, classes], data);
}

/** In single precision, as the reference: it decides which pixels on the border belong to the box. */
function drawBox(map: Float32Array, rows: number, columns: number, classes: number, label: number, [x1, y1, x2, y2]: Box, factor: number, scale: number): void {
  const { fround } = Math;
  if (x2 - x1 < LEAST_SIDE || y2 - y1 < LEAST_SIDE) return;
  const along = (cells: number, from: number, to: number): Float32Array => {
    const [start, end] = [fround(from), fround(to)];
    const [side, centre] = [fround(end - start), fround(fround(start + end) / 2)];
    return Float32Array.from({ length: cells }, (_, cell) => fround(Math.abs(fround(position(cell, scale) - centre)) / side));
  };
  const [vertical, horizontal] = [along(rows, y1, y2), along(columns, x1, x2)];
  for (const [row, down] of vertical.entries()) {
    if (down > 0.5) continue;
    for (const [column, across] of horizontal.entries()) {
      const value = fround(1 - Math.max(down, across));
      if (value < 0.5) continue;
      const place = (row * columns + column) * classes + label;
      map[place] = Math.max(map[place] ?? 0, value * factor);
    }
  }
}

/** Pixels count from 0 without a half; a cell of a smaller map lies in the middle of its pixels. */
function position(cell: number, scale: number): number {
  return (cell + 0.5) / scale - 0.5;
}
