/** The detector's losses, with their gradients written out: fewer passes over the big class tensors, and safe at their edges. */
import * as tf from '@tensorflow/tfjs';
import { at } from '../engine/layers/native.ts';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { withGradient } from '../engine/ops/gradient.ts';
import { oneHot } from '../engine/ops/oneHot.ts';
import { boxIou, boxOverlap } from '../engine/ops/iou.ts';

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
      const sign = oneHot(labels, classes, -1, 1);
      const z = tf.mul(logits, sign);
      const p = tf.sigmoid(z);
      const crossEntropy = tf.softplus(z);
      const balance = tf.mul(oneHot(labels, classes, ALPHA, 1 - ALPHA), tf.expandDims(weights, 1));
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

/** Least IoU of which a logarithm is taken, as in MMDetection. */
const LEAST_IOU = 1e-6;

/**
 * Σ weight · (1 − GIoU) or Σ weight · −ln IoU of boxes pair by pair.
 * @param prediction [M, 4] corners, in any frame and unit that each pair shares @param target [M, 4] @param weights [M]
 */
export function overlapLoss(kind: 'iou' | 'giou', prediction: tf.Tensor2D, target: tf.Tensor2D, weights: tf.Tensor1D): tf.Scalar {
  const loss = kind === 'giou' ? tf.sub(1, boxOverlap(prediction, target).giou) : tf.neg(tf.log(tf.maximum(boxIou(prediction, target), LEAST_IOU)));
  return tf.sum(tf.mul(loss, weights));
}

/** Corners about the point that distances [M, 4] are measured from. */
export function aroundOrigin(distances: tf.Tensor2D): tf.Tensor2D {
  return tf.mul(distances, tf.tensor1d([-1, -1, 1, 1]));
}

/** Σ weight · cross entropy of σ(logit) with the target. @param logits, targets, weights [M] */
export function centernessLoss(logits: tf.Tensor1D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  return tf.sum(tf.mul(binaryCrossEntropy(logits, targets), weights));
}

/**
 * Quality focal loss (Li et al., Generalized Focal Loss, NeurIPS 2020, equation 3) with β = 2, summed with weights.
 * With Q the quality at the true class and 0 elsewhere: (σ − Q)² · cross entropy of σ with Q.
 * @param logits [M, K] @param labels [M] class from 0; anything below is background @param quality, weights [M]; no gradient reaches them
 */
export function qualityFocalLoss(logits: tf.Tensor2D, labels: tf.Tensor1D, quality: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  const classes = logits.shape[1];
  return withGradient<tf.Scalar>(
    [logits],
    () => {
      const target = tf.mul(oneHot(labels, classes, 1, 0), tf.expandDims(quality, 1));
      const p = tf.sigmoid(logits);
      const gap = tf.sub(p, target);
      const crossEntropy = binaryCrossEntropy(logits, target);
      const column = tf.expandDims(weights, 1);
      return { value: tf.sum(tf.mul(tf.mul(tf.square(gap), crossEntropy), column)), saved: [p, gap, crossEntropy, column] };
    },
    // d/dx [g² c] = g² g + 2 g p (1 − p) c, since dc/dx is the gap g itself.
    (dy, saved) => {
      const [p, gap] = [at(saved, 0), at(saved, 1)];
      const slope = tf.add(tf.square(gap), tf.mul(tf.mul(tf.mul(p, tf.sub(1, p)), 2), at(saved, 2)));
      return [tf.mul(tf.mul(tf.mul(gap, slope), at(saved, 3)), dy)];
    },
  );
}

/**
 * Distribution focal loss (equation 6 there): cross entropy with the two bins beside the target, in proportion, summed with weights.
 * @param logits [M, B] @param targets [M] in bins, 0 ≤ target < B − 1 @param weights [M]
 */
export function distributionFocalLoss(logits: tf.Tensor2D, targets: tf.Tensor1D, weights: tf.Tensor1D): tf.Scalar {
  const bins = logits.shape[1];
  return withGradient<tf.Scalar>(
    [logits],
    () => {
      // A bin's share falls off to both sides by its distance from the target: 0 from one bin away on.
      const distance = tf.abs(tf.sub(tf.range(0, bins), tf.expandDims(targets, 1)));
      const share = tf.relu(tf.sub(1, distance));
      const logarithms = tf.logSoftmax(logits);
      const column = tf.expandDims(weights, 1);
      return { value: tf.neg<tf.Scalar>(tf.sum<tf.Scalar>(tf.mul(tf.mul(share, logarithms), column))), saved: [tf.sub(tf.exp(logarithms), share), column] };
    },
    (dy, saved) => [tf.mul(tf.mul(at(saved, 0), at(saved, 1)), dy)],
  );
}
