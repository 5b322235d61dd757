/** Bilinear resizing as two products with matrices: exact and differentiable, where tfjs's own gradient ignores half-pixel centres. */
import type * as tf from '@tensorflow/tfjs';
import { separable, taking, type Taking } from './separable.ts';

/**
 * PyTorch's `interpolate(mode='bilinear', align_corners=False)`, without antialias.
 * @param x [N, H, W, C] @param size [height, width] wanted
 */
export function resizeBilinear(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  const [, height, width] = x.shape;
  if (height === size[0] && width === size[1]) return x;
  return separable(x, interpolation(height, size[0]), interpolation(width, size[1]));
}

function interpolation(from: number, to: number): Taking {
  return taking(to, from, (cell) => {
    const source = Math.max(((cell + 0.5) * from) / to - 0.5, 0);
    const before = Math.min(Math.floor(source), from - 1);
    const share = source - before;
    return [[before, 1 - share], [Math.min(before + 1, from - 1), share]];
  });
}
