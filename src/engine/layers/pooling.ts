/** Max pooling and nearest upsampling with PyTorch's meaning. */
import * as tf from '@tensorflow/tfjs';
import { choosePadding } from './conv.ts';

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
  if (x.shape[1] === size[0] && x.shape[2] === size[1]) return x;
  return tf.image.resizeNearestNeighbor(x, [size[0], size[1]], false, false);
}
