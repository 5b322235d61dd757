import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Rows (the last dimension) of length 1; a row of 0 stays 0 and its gradient is 0, not infinite. */
export function unitRows<T extends tf.Tensor>(x: T): T {
  return withGradient<T>([x], () => {
    const lengths = tf.sqrt(tf.sum(tf.square(x), -1, true));
    const value = tf.divNoNan<T>(x, lengths);
    return { value, saved: [value, lengths] };
  }, (gradient, [value, lengths]) => {
    const unit = value as T;
    const across = tf.sub(gradient, tf.mul(unit, tf.sum(tf.mul(gradient, unit), -1, true)));
    return [tf.divNoNan(across, lengths as tf.Tensor)];
  });
}
