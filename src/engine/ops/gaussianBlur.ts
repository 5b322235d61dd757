import type * as tf from '@tensorflow/tfjs';
import { separable, taking, type Taking } from './separable.ts';

/**
 * Every channel blurred by a Gaussian window; borders are mirrored without repeating the edge (PyTorch's `reflect`).
 * @param x [N, H, W, C] @param window odd; a level too small to be mirrored by half of it gets the largest one that fits
 */
export function gaussianBlur(x: tf.Tensor4D, window: number, deviation: number): tf.Tensor4D {
  const [, height, width] = x.shape;
  const radius = Math.min((window - 1) / 2, Math.min(height, width) - 1);
  return separable(x, blurred(height, radius, deviation), blurred(width, radius, deviation));
}

function blurred(cells: number, radius: number, deviation: number): Taking {
  const offsets = Array.from({ length: 2 * radius + 1 }, (_, index) => index - radius);
  const weights = offsets.map((offset) => Math.exp(-(offset ** 2) / (2 * deviation ** 2)));
  const sum = weights.reduce((all, value) => all + value, 0);
  return taking(cells, cells, (cell) => offsets.map((offset, index) => [mirrored(cell + offset, cells), (weights[index] ?? 0) / sum]));
}

function mirrored(cell: number, cells: number): number {
  const inside = Math.abs(cell);
  return inside < cells ? inside : 2 * (cells - 1) - inside;
}
