/** DSIG's background of two-stage students: sampled regions of no object, of which those that the teacher takes for objects join the graph. */
import * as tf from '@tensorflow/tfjs';
import { absolute } from '../engine/ops/absolute.ts';
import { softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pick } from '../engine/ops/pick.ts';
import { edgeLoss, joinNodes, nodeLoss, type Nodes } from './dsigGraph.ts';

/**
 * Which background regions are hard: the teacher's cross entropy of "background" is at least `threshold`.
 * @param logits the teacher's, background last, [N, R, K + 1] @returns [N, R], 0 or 1
 */
export function hardBackground(logits: tf.Tensor3D, filled: tf.Tensor2D, threshold: number): tf.Tensor2D {
  return detached(() => {
    const [batch, regions, classes] = logits.shape;
    const entropy = tf.neg(tf.slice(tf.logSoftmax(logits), [0, 0, classes - 1], [batch, regions, 1]));
    return tf.mul(filled, tf.cast(tf.greaterEqual(tf.reshape<tf.Rank.R2>(entropy, [batch, regions]), threshold), 'float32'));
  });
}

/** The graph's parts where background is sampled: `foreground`, `background` (α · objects / background regions of each image), `edges`. */
export function graphParts(foreground: Nodes, background: Nodes, mined: tf.Tensor2D, alpha: number): Record<'foreground' | 'background' | 'edges', tf.Scalar> {
  const balance = tf.mul<tf.Tensor1D>(tf.divNoNan(tf.sum(foreground.filled, 1), tf.sum(background.filled, 1)), alpha);
  return {
    foreground: nodeLoss(foreground),
    background: nodeLoss(background, balance),
    edges: edgeLoss(joinNodes(foreground, { ...background, filled: mined })),
  };
}

/** Mean over regions and classes of T² · p_t (log p_t − log p_s). @param student logits [R, K + 1] */
export function regionClassLoss(student: tf.Tensor2D, teacher: tf.Tensor2D, temperature: number): tf.Scalar {
  const divergence = softmaxDivergence(student, detached(() => tf.clone(teacher)), temperature);
  return tf.mul(tf.sum<tf.Scalar>(divergence), (temperature * temperature) / student.size);
}

/**
 * Σ over foreground regions of |student − teacher| over the four deltas of the object's class, divided by all regions.
 * @param student deltas [R, 4K] @param places int32 [4 · foreground, 1]: flat indexes of those deltas
 */
export function regionBoxLoss(student: tf.Tensor2D, teacher: tf.Tensor2D, places: tf.Tensor2D): tf.Scalar {
  if (places.shape[0] === 0) return tf.scalar(0);
  const difference = tf.sub(pick(student, places), detached(() => pick(teacher, places)));
  return tf.mul(tf.sum<tf.Scalar>(absolute(difference)), 1 / student.shape[0]);
}
