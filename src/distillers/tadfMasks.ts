/** TADF's masks: a Gaussian in each object's box. On the host, in doubles. */
import { type Box } from '../engine/boxes.ts';
import { type MapLevel } from './shared/maps.ts';

/**
 * exp(−x² / 2σ_x² − y² / 2σ_y²) from the box's centre at the middles of the cells inside it, the largest where boxes overlap.
 * @param spread σ in halves of a side @returns [N, cells]
 */
export function gaussianMask(map: MapLevel, stride: number, boxes: readonly (readonly Box[])[], spread: number): Float32Array {
  const mask = new Float32Array(boxes.length * map.places);
  boxes.forEach((own, image) => {
    const cells = mask.subarray(image * map.places, (image + 1) * map.places);
    for (const box of own) drawGaussian(cells, map, box, stride, spread);
  });
  return mask;
}

function drawGaussian(cells: Float32Array, { rows, columns }: MapLevel, [x1, y1, x2, y2]: Box, stride: number, spread: number): void {
  const [fromRow, toRow] = middles(y1, y2, stride, rows);
  const [fromColumn, toColumn] = middles(x1, x2, stride, columns);
  for (let row = fromRow; row <= toRow; row += 1) {
    for (let column = fromColumn; column <= toColumn; column += 1) {
      const [across, along] = [offset((column + 0.5) * stride, x1, x2, spread), offset((row + 0.5) * stride, y1, y2, spread)];
      const cell = row * columns + column;
      cells[cell] = Math.max(cells[cell] ?? 0, Math.exp(-(across ** 2 + along ** 2) / 2));
    }
  }
}

/** First and last cell whose middle lies within; none where the box lies between middles, or has no length. */
function middles(from: number, to: number, stride: number, cells: number): [number, number] {
  return to > from ? [Math.max(0, Math.ceil(from / stride - 0.5)), Math.min(cells - 1, Math.floor(to / stride - 0.5))] : [0, -1];
}

/** Distance from the middle of [from, to], in deviations. */
function offset(place: number, from: number, to: number, spread: number): number {
  return (place - (from + to) / 2) / (((to - from) / 2) * spread);
}
