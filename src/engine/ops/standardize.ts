import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Layer norm without its affine part: each row of x [N, C] to mean 0 and (biased) variance 1. */
export function standardize(x: tf.Tensor2D, epsilon = 1e-5): tf.Tensor2D {
  return withGradient([x], () => {
    const centred = tf.sub(x, tf.mean(x, 1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
    const value = tf.mul<tf.Tensor2D>(centred, inverse);
    return { value, saved: [value, inverse] };
  }, (gradient, [value, inverse]) => {
    const out = value as tf.Tensor2D;
    const along = tf.mul(out, tf.mean(tf.mul(gradient, out), 1, true));
    return [tf.mul(tf.sub(tf.sub(gradient, tf.mean(gradient, 1, true)), along), inverse as tf.Tensor2D)];
  });
}
