import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/**
 * Smooth L1, element by element: d² / 2β up to |d| = β, |d| − β / 2 beyond; |d| for β = 0. Slope 0 at 0.
 * @param beta the turning point
 */
export function smoothL1<T extends tf.Tensor>(difference: T, beta: number): T {
  return withGradient<T>([difference], () => {
    const size = tf.abs(difference);
    if (beta === 0) return { value: size, saved: [difference] };
    const inner = tf.minimum(size, beta);
    return { value: tf.add<T>(tf.mul(tf.square(inner), 0.5 / beta), tf.sub(size, inner)), saved: [difference] };
  }, (gradient, [kept]) => {
    const own = kept as T;
    return [tf.mul(gradient, beta === 0 ? tf.sign(own) : tf.clipByValue(tf.mul(own, 1 / beta), -1, 1))];
  });
}
