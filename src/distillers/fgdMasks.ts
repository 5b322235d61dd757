/** FGD's masks of objects and background, made from boxes on the host in doubles (a float32 quotient may fall into the next cell). */
import { type Box } from '../engine/boxes.ts';
import { at, type MapLevel } from './shared/maps.ts';

export interface BoxMasks {
  /** [N, H·W]: 1 / cells of the smallest box over a cell, 0 outside boxes. */
  readonly foreground: Float32Array;
  /** [N, H·W]: 1 / (cells outside all boxes of the image) there, 0 inside boxes. */
  readonly background: Float32Array;
}

/**
 * @param boxes of each image, in input pixels.
 * @param scales [height, width] of each image by which boxes are brought to cells.
 */
export function boxMasks(level: MapLevel, boxes: readonly (readonly Box[])[], scales: readonly (readonly [number, number])[]): BoxMasks {
  const foreground = new Float32Array(boxes.length * level.places);
  const background = new Float32Array(foreground.length);
  boxes.forEach((own, image) => {
    const cells = foreground.subarray(image * level.places, (image + 1) * level.places);
    for (const box of own) fillBox(cells, level, box, at(scales, image));
    const empty = cells.reduce((count, value) => (value === 0 ? count + 1 : count), 0);
    // A box over the whole map leaves no background: the mask stays 0.
    cells.forEach((value, cell) => {
      if (value === 0) background[image * level.places + cell] = 1 / empty;
    });
  });
  return { foreground, background };
}

/** Cells a…b by c…d, both ends counted; the value comes from all of them, also those outside the map. */
function fillBox(cells: Float32Array, { rows, columns }: MapLevel, [x1, y1, x2, y2]: Box, [height, width]: readonly [number, number]): void {
  const [a, b] = [Math.floor((x1 / width) * columns), Math.ceil((x2 / width) * columns)];
  const [c, d] = [Math.floor((y1 / height) * rows), Math.ceil((y2 / height) * rows)];
  if (b < a || d < c) return;
  const value = Math.fround(1 / ((d + 1 - c) * (b + 1 - a)));
  for (let row = Math.max(c, 0); row <= Math.min(d, rows - 1); row += 1) {
    for (let column = Math.max(a, 0); column <= Math.min(b, columns - 1); column += 1) {
      const cell = row * columns + column;
      cells[cell] = Math.max(cells[cell] ?? 0, value);
    }
  }
}
