/** Windows whose taps lie apart. tfjs has no gradient for a dilated convolution, and TensorFlow's on the processor has none either. */
import * as tf from '@tensorflow/tfjs';

/**
 * What `window`, a 3×3 window without padding, makes of x when its taps lie `rate` cells apart, with zeros outside; keeps the size.
 * The map is dealt out to rate² maps of every rate-th cell, on which the window's taps are neighbours.
 * @param x [N, H, W, C] @param window [M, H', W', C] → [M, H' − 2, W' − 2, C″]
 */
export function dilated(x: tf.Tensor4D, rate: number, window: (x: tf.Tensor4D) => tf.Tensor4D): tf.Tensor4D {
  const [height, width] = [x.shape[1], x.shape[2]];
  const beyond = [height, width].map((cells) => (rate - (cells % rate)) % rate) as [number, number];
  if (rate === 1) return window(tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]));
  const dealt = tf.spaceToBatchND(x, [rate, rate], beyond.map((more) => [rate, rate + more]));
  return tf.batchToSpaceND(window(dealt), [rate, rate], beyond.map((more) => [0, more]));
}
