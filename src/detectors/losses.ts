/** The detector's losses, with their gradients written out: fewer passes over the big class tensors, and safe at their edges. */
import * as tf from '@tensorflow/tfjs';
import { at } from '../engine/layers/native.ts';
import { withGradient } from '../engine/ops/gradient.ts';

const ALPHA = 0.25;

/**
 * Sigmoid focal loss (Lin et al. 2017, equation 5) with γ = 2, α = 0.25, summed with weights.
 * With z = x for background and −x for the true class, and p = σ(z): α_t · p² · softplus(z), stable for any logit.
 * @param logits [M, K] @param labels [M] class from 0; anything below is background @param weights [M] 0 leaves a row out
 */
export function focalLoss(logits: tf.Tensor2D, labels: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  const classes = logits.shape[1];
  return withGradient<tf.Scalar>(
    [logits],
    () => {
      const sign = tf.oneHot(labels, classes, -1, 1, 'float32');
      const z = tf.mul(logits, sign);
      const p = tf.sigmoid(z);
      const crossEntropy = tf.softplus(z);
      const balance = tf.mul(tf.oneHot(labels, classes, ALPHA, 1 - ALPHA, 'float32'), tf.expandDims(weights, 1));
      const weighted = tf.mul(balance, tf.square(p));
      return { value: tf.sum(tf.mul(weighted, crossEntropy)), saved: [sign, p, crossEntropy, weighted] };
    },
    // d/dz [p² s(z)] = p² (2 (1 − p) s + p); dz/dx is the sign.
    (dy, saved) => {
      const [p, crossEntropy] = [at(saved, 1), at(saved, 2)];
      const slope = tf.add(tf.mul(tf.mul(tf.sub(1, p), 2), crossEntropy), p);
      return [tf.mul(tf.mul(tf.mul(at(saved, 3), slope), at(saved, 0)), dy)];
    },
  );
}

/** Turning point of the smooth L1 loss, as in Detectron and torchvision. */
export const SMOOTH_L1_BETA = 1 / 9;

/**
 * Σ weight · |d| or Σ weight · smoothL1(d), d = prediction − target; slope 0 at d = 0.
 * @param prediction [M, 4] @param target [M, 4] @param weights [M]
 */
export function boxLoss(kind: 'l1' | 'smoothL1', prediction: tf.Tensor2D, target: tf.Tensor2D, weights: tf.Tensor1D): tf.Scalar {
  return withGradient<tf.Scalar>(
    [prediction],
    () => {
      const difference = tf.sub(prediction, target);
      const column = tf.expandDims(weights, 1);
      return { value: tf.sum(tf.mul(kind === 'l1' ? tf.abs(difference) : smooth(difference), column)), saved: [difference, column] };
    },
    (dy, saved) => {
      const difference = at(saved, 0);
      const slope = kind === 'l1' ? tf.sign(difference) : tf.clipByValue(tf.div(difference, SMOOTH_L1_BETA), -1, 1);
      return [tf.mul(tf.mul(slope, at(saved, 1)), dy)];
    },
  );
}

/** With c = min(|d|, β): c² / 2β + (|d| − c). */
function smooth(difference: tf.Tensor): tf.Tensor {
  const size = tf.abs(difference);
  const inner = tf.minimum(size, SMOOTH_L1_BETA);
  return tf.add(tf.div(tf.square(inner), 2 * SMOOTH_L1_BETA), tf.sub(size, inner));
}
