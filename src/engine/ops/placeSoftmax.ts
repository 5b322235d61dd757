/** Softmax of each channel over the places of a map, without turning the map round. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** @param x [N, P, C] @returns the logarithms, of the same shape */
export function placeLogSoftmax(x: tf.Tensor3D): tf.Tensor3D {
  const below = tf.sub<tf.Tensor3D>(x, tf.max(x, 1, true));
  return tf.sub(below, tf.log(tf.sum(tf.exp(below), 1, true)));
}

/**
 * Σ over images and channels of KL(p ‖ q) with p, q the softmax over places of target and x; the gradient of x is q − p.
 * @param x [N, P, C] @param target the same, constant @param entropy false leaves the target's own Σ p log p out: the cross entropy, with the same gradient
 */
export function placeDivergence(x: tf.Tensor3D, target: tf.Tensor3D, entropy = true): tf.Scalar {
  return withGradient([x], () => {
    const [own, other] = [placeLogSoftmax(x), placeLogSoftmax(target)];
    const p = tf.exp(other);
    const value = tf.sum<tf.Scalar>(tf.mul(p, entropy ? tf.sub(other, own) : tf.neg(own)));
    return { value, saved: [tf.sub(tf.exp(own), p)] };
  }, (gradient, [slope]) => [tf.mul(slope as tf.Tensor3D, gradient)]);
}
