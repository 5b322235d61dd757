/** The larger and the smaller of two, as the reference code differentiates them: equal elements share the gradient, where tfjs gives all of it to the first. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** @param b of the same shape */
export function larger<T extends tf.Tensor>(a: T, b: T): T {
  return chosen(a, b, 1);
}

/** @param b of the same shape */
export function smaller<T extends tf.Tensor>(a: T, b: T): T {
  return chosen(a, b, -1);
}

function chosen<T extends tf.Tensor>(a: T, b: T, side: 1 | -1): T {
  return withGradient<T>([a, b], () => ({ value: side === 1 ? tf.maximum(a, b) : tf.minimum(a, b), saved: [tf.mul(tf.sign(tf.sub(a, b)), side / 2)] }), (gradient, [lead]) => {
    const part = tf.mul(gradient, lead as tf.Tensor);
    const half = tf.mul(gradient, 0.5);
    return [tf.add(half, part), tf.sub(half, part)];
  });
}
