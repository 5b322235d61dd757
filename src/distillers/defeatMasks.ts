/** DeFeat's masks of objects: each box on one level, in whole cells with the last one left out. On the host, in doubles. */
import { type Box } from '../engine/boxes.ts';
import { scaleLevel } from '../engine/ops/roiAlign.ts';
import { type MapLevel } from './maps.ts';

const levelOf = scaleLevel(56, 1);

/** [N, cells]: 1 inside boxes of this level. @param level index of `levels` @param boxes of each image, in input pixels */
export function objectMask(map: MapLevel, stride: number, level: number, levels: number, boxes: readonly (readonly Box[])[]): Float32Array {
  const mask = new Float32Array(boxes.length * map.places);
  boxes.forEach((own, image) => {
    const cells = mask.subarray(image * map.places, (image + 1) * map.places);
    for (const box of own) {
      if (levelOf(box, levels) === level) fillBox(cells, map, box, stride);
    }
  });
  return mask;
}

function fillBox(cells: Float32Array, { rows, columns }: MapLevel, [x1, y1, x2, y2]: Box, stride: number): void {
  const [left, right] = side(x1, x2, stride, columns);
  const [top, bottom] = side(y1, y2, stride, rows);
  if (left === right || top === bottom) {
    // A box within one row or column of cells marks the cell of its corner alone.
    cells[Math.min(top, rows - 1) * columns + Math.min(left, columns - 1)] = 1;
    return;
  }
  for (let row = top; row < bottom; row += 1) cells.fill(1, row * columns + left, row * columns + right);
}

/** First cell, and the first one beyond; both within the map. */
function side(from: number, to: number, stride: number, cells: number): [number, number] {
  const cell = (pixel: number): number => Math.min(Math.max(Math.trunc(pixel / stride), 0), cells);
  return [cell(from), cell(to)];
}
