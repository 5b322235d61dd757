/** Max pooling and nearest upsampling with PyTorch's meaning. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from '../ops/gradient.ts';
import { choosePadding } from './conv.ts';
import { isNative } from './native.ts';

/** Windows of 3×3, stride 2, padding 1 with −∞: `torch.nn.MaxPool2d(3, 2, 1)`. @param x [N, H, W, C] */
export function maxPool3x3(x: tf.Tensor4D): tf.Tensor4D {
  const padding = choosePadding([x.shape[1], x.shape[2]], 3, 2, 1);
  if (typeof padding === 'string') return tf.maxPool(x, 3, 2, padding);
  return tf.maxPool(tf.pad(x, padding, Number.NEGATIVE_INFINITY), 3, 2, 'valid');
}

/**
 * `torch.nn.functional.interpolate(x, size, mode='nearest')`: cell i takes ⌊i · from / to⌋.
 * @param x [N, H, W, C] @param size [height, width] wanted, any integers
 */
export function upsampleNearest(x: tf.Tensor4D, size: readonly [number, number]): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (height === size[0] && width === size[1]) return x;
  const upsample = (): tf.Tensor4D => tf.image.resizeNearestNeighbor(x, [size[0], size[1]], false, false);
  if (isNative()) return upsample();
  // tfjs's plain backend mixes up the images of a batch in this gradient; two products with 0/1 matrices are right everywhere.
  return withGradient<tf.Tensor4D>([x], () => ({ value: upsample() }), (dy) => {
    const rows = tf.matMul(takers(height, size[0]), tf.reshape<tf.Rank.R3>(dy, [batch, size[0], size[1] * channels]));
    const columns = tf.matMul(takers(width, size[1]), tf.reshape<tf.Rank.R3>(rows, [batch * height, size[1], channels]));
    return [tf.reshape(columns, x.shape)];
  });
}

/** [1, from, to]: 1 where cell `to` takes its value of cell `from`. */
function takers(from: number, to: number): tf.Tensor3D {
  const matrix = new Float32Array(from * to);
  for (let cell = 0; cell < to; cell += 1) matrix[Math.floor((cell * from) / to) * to + cell] = 1;
  return tf.tensor3d(matrix, [1, from, to]);
}
