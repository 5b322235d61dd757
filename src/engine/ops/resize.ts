/** Bilinear resizing as two products with matrices: exact and differentiable, where tfjs's own gradient ignores half-pixel centres. */
import * as tf from '@tensorflow/tfjs';

/**
 * PyTorch's `interpolate(mode='bilinear', align_corners=False)`, without antialias.
 * @param x [N, H, W, C] @param size [height, width] wanted
 */
export function resizeBilinear(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (height === size[0] && width === size[1]) return x;
  const rows = tf.matMul(interpolation(height, size[0]), tf.reshape<tf.Rank.R3>(x, [batch, height, width * channels]));
  const columns = tf.matMul(interpolation(width, size[1]), tf.reshape<tf.Rank.R3>(rows, [batch * size[0], width, channels]));
  return tf.reshape(columns, [batch, size[0], size[1], channels]);
}

/** [1, to, from]: how much of each cell every new cell takes. */
function interpolation(from: number, to: number): tf.Tensor3D {
  const matrix = new Float32Array(to * from);
  for (let cell = 0; cell < to; cell += 1) {
    const source = Math.max(((cell + 0.5) * from) / to - 0.5, 0);
    const before = Math.min(Math.floor(source), from - 1);
    const share = source - before;
    const after = Math.min(before + 1, from - 1);
    matrix[cell * from + before] = (matrix[cell * from + before] ?? 0) + 1 - share;
    matrix[cell * from + after] = (matrix[cell * from + after] ?? 0) + share;
  }
  return tf.tensor3d(matrix, [1, to, from]);
}
