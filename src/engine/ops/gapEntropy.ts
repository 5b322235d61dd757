/** Binary cross entropy weighted by the gap it is to close, as logit distillation of dense detectors does. */
import * as tf from '@tensorflow/tfjs';
import { binaryCrossEntropy } from './crossEntropy.ts';
import { withGradient } from './gradient.ts';

export interface GapOptions {
  /** Power of the gap. */
  readonly beta: number;
  /** True keeps the gradient out of the gap: it then is a weight only. */
  readonly detachGap?: boolean;
}

/**
 * |σ(x) − t|^β · BCE(σ(x), t), element by element. With g = σ(x) − t its slope is |g|^β · g + β |g|^(β − 1) sign(g) · σ(x)(1 − σ(x)) · BCE,
 * 0 in the second term where g is.
 * @param logits x @param targets t, probabilities; constant
 */
export function gapEntropy<T extends tf.Tensor>(logits: T, targets: tf.Tensor, { beta, detachGap = false }: GapOptions): T {
  return withGradient<T>([logits], () => {
    const probability = tf.sigmoid(logits);
    const gap = tf.sub(probability, targets);
    const size = tf.abs(gap);
    const weight = beta === 1 ? size : tf.pow(size, beta);
    const entropy = binaryCrossEntropy<tf.Tensor>(logits, targets);
    return { value: tf.mul<T>(weight, entropy), saved: [probability, gap, weight, entropy] };
  }, (gradient, saved) => {
    const [probability, gap, weight, entropy] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
    const direct = tf.mul(weight, gap);
    if (detachGap || beta === 0) return [tf.mul(gradient, direct)];
    // β |g|^(β − 1) sign(g) = β |g|^β / g.
    const steepness = beta === 1 ? tf.sign(gap) : tf.mul(tf.divNoNan(weight, gap), beta);
    const slope = tf.mul(probability, tf.sub(1, probability));
    return [tf.mul(gradient, tf.add(direct, tf.mul(tf.mul(steepness, slope), entropy)))];
  });
}
