import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Each row of x [N, C] (or, with `axis` 0, each column) to mean 0 and biased variance 1: layer and batch norm without their affine parts. */
export function standardize(x: tf.Tensor2D, epsilon = 1e-5, axis: 0 | 1 = 1): tf.Tensor2D {
  return withGradient([x], () => {
    const centred = tf.sub(x, tf.mean(x, axis, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), axis, true), epsilon));
    const value = tf.mul<tf.Tensor2D>(centred, inverse);
    return { value, saved: [value, inverse] };
  }, (gradient, [value, inverse]) => {
    const out = value as tf.Tensor2D;
    const along = tf.mul(out, tf.mean(tf.mul(gradient, out), axis, true));
    return [tf.mul(tf.sub(tf.sub(gradient, tf.mean(gradient, axis, true)), along), inverse as tf.Tensor2D)];
  });
}

/**
 * (x − mean) / (s + ε) of each column of x [M, C], s its unbiased deviation. A column that does not vary gives 0, and no gradient
 * comes from its deviation; nor is there any where M is 1.
 */
export function standardizeColumns(x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const rows = x.shape[0];
  return withGradient([x], () => {
    const near = tf.sub<tf.Tensor2D>(x, tf.mean(x, 0, true));
    // Twice, for what the rounding of the mean left: a constant column must come out as (nearly) 0.
    const centred = tf.sub<tf.Tensor2D>(near, tf.mean(near, 0, true));
    const deviation = tf.sqrt(tf.mul(tf.sum(tf.square(centred), 0, true), 1 / Math.max(1, rows - 1)));
    const inverse = tf.reciprocal(tf.add(deviation, epsilon));
    const value = tf.mul<tf.Tensor2D>(centred, inverse);
    return { value, saved: [value, deviation, inverse] };
  }, (gradient, saved) => {
    const [value, deviation, inverse] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
    const along = tf.mul(tf.sum(tf.mul(gradient, value), 0, true), 1 / Math.max(1, rows - 1));
    const slope = tf.mul(tf.sub(gradient, tf.mul(value, tf.divNoNan(along, tf.mul(deviation, inverse)))), inverse);
    return [tf.sub(slope, tf.mean(slope, 0, true))];
  });
}

/** Each image of x [N, H, W, C] to mean 0 and biased variance 1 over all its cells and channels: `torch.nn.GroupNorm(1, C, affine=False)`. */
export function standardizeMap(x: tf.Tensor4D): tf.Tensor4D {
  return tf.reshape(standardize(tf.reshape(x, [x.shape[0], x.size / x.shape[0]])), x.shape);
}
