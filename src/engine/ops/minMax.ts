import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Ranges below this are no ranges: what does not vary becomes 0, with no gradient. */
const LEAST_RANGE = 1e-6;

/** (x − min) / (max − min) over the given axes; the gradient also reaches least and largest elements, divided among equal ones. */
export function minMax<T extends tf.Tensor>(x: T, axes: readonly number[]): T {
  const over = [...axes];
  return withGradient<T>([x], () => {
    const [least, most] = [tf.min(x, over, true), tf.max(x, over, true)];
    const range = tf.sub(most, least);
    const inverse = tf.div(tf.cast(tf.greaterEqual(range, LEAST_RANGE), 'float32'), tf.maximum(range, LEAST_RANGE));
    const value = tf.mul<T>(tf.sub(x, least), inverse);
    return { value, saved: [value, inverse, ends(x, least, over), ends(x, most, over)] };
  }, (gradient, saved) => {
    const [value, inverse, low, high] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const slope = tf.mul(gradient, inverse);
    const whole = tf.sum(slope, over, true);
    const upper = tf.sum(tf.mul(slope, value), over, true);
    return [tf.sub(slope, tf.add(tf.mul(high, upper), tf.mul(low, tf.sub(whole, upper))))];
  });
}

/** 1 / (how many are equal to `end`) there, 0 elsewhere. */
function ends(x: tf.Tensor, end: tf.Tensor, axes: number[]): tf.Tensor {
  const equal = tf.cast(tf.equal(x, end), 'float32');
  return tf.div(equal, tf.sum(equal, axes, true));
}
