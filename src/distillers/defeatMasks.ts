/** DeFeat's masks of objects: boxes in whole cells, the last one left out. On the host, in doubles. */
import { type Box } from '../engine/boxes.ts';
import { type MapLevel } from './shared/maps.ts';

/** [N, cells]: 1 inside boxes. @param boxes of each image, in input pixels */
export function objectMask(map: MapLevel, stride: number, boxes: readonly (readonly Box[])[]): Float32Array {
  const mask = new Float32Array(boxes.length * map.places);
  boxes.forEach((own, image) => {
    const cells = mask.subarray(image * map.places, (image + 1) * map.places);
    for (const box of own) fillBox(cells, map, box, stride);
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

/** A mask [N, cells] of one map at the cells of a coarser one. */
export function nearestCells(mask: Float32Array, from: MapLevel, to: MapLevel): Float32Array {
  return Float32Array.from({ length: (mask.length / from.places) * to.places }, (_, index) => {
    const [image, cell] = [Math.floor(index / to.places), index % to.places];
    const row = Math.floor((Math.floor(cell / to.columns) * from.rows) / to.rows);
    const column = Math.floor(((cell % to.columns) * from.columns) / to.columns);
    return mask[image * from.places + row * from.columns + column] ?? 0;
  });
}
