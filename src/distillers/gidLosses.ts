/** GID's three losses on the general instances, in the graph; instances fill a fixed number of slots. */
import * as tf from '@tensorflow/tfjs';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { smoothL1 } from '../engine/ops/smoothL1.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { fed } from './shared/maps.ts';
import { type Inputs } from './distiller.ts';

/** Least squared distance. */
const LEAST = 1e-12;

/** Σ (R^t − R^s)² / max(1, M · G²). @param student, teacher [S, G, G, C], 0 in empty slots */
export function featureLoss(student: tf.Tensor4D, teacher: tf.Tensor4D, inputs: Inputs): tf.Scalar {
  return tf.mul(sumOfSquares(tf.sub(student, teacher)), fed(inputs, 'regionShare'));
}

/**
 * D: distances between instances over their mean, [S, S]; 0 on the diagonal and where a slot is empty.
 * `pairs` [S, S] is 1 for two different instances, `pairShare` 1 / (M² − M), or 0 where M < 3, `idle` then 1.
 */
export function relations(regions: tf.Tensor4D, inputs: Inputs): tf.Tensor2D {
  const pairs = fed(inputs, 'pairs');
  const rows = tf.reshape<tf.Rank.R2>(regions, [regions.shape[0], regions.size / regions.shape[0]]);
  const squares = tf.sum(tf.square(rows), 1, true);
  const squared = tf.sub(tf.add(squares, tf.transpose(squares)), tf.mul(tf.matMul(rows, rows, false, true), 2));
  const distances = tf.mul(tf.sqrt(tf.maximum(squared, LEAST)), pairs);
  const mean = tf.mul(tf.sum(distances), fed(inputs, 'pairShare'));
  // Without a relation to speak of the mean is 0: 1 in its place keeps the quotient finite.
  return tf.div(distances, tf.add(mean, fed(inputs, 'idle')));
}

/** Σ smoothL1(D^t − D^s) / (M² − M). */
export function relationLoss(student: tf.Tensor4D, teacher: tf.Tensor4D, inputs: Inputs): tf.Scalar {
  const target = detached(() => relations(teacher, inputs));
  return tf.mul(tf.sum(smoothL1(tf.sub(target, relations(student, inputs)), 1)), fed(inputs, 'pairShare'));
}

/** Σ over selected candidates of Σ_k BCE(student, σ(teacher)), not yet divided. @param logits [N, W, K] @param selected [N, W] */
export function classResponse(student: tf.Tensor3D, teacher: tf.Tensor3D, selected: tf.Tensor): tf.Scalar {
  const entropy = binaryCrossEntropy(student, detached(() => tf.sigmoid(teacher)));
  return tf.sum(tf.mul(tf.sum(entropy, 2), selected));
}

/** Σ over selected candidates of Σ smoothL1(student − teacher), not yet divided. @param boxes [N, W, 4] */
export function boxResponse(student: tf.Tensor3D, teacher: tf.Tensor3D, selected: tf.Tensor, beta: number): tf.Scalar {
  return tf.sum(tf.mul(tf.sum(smoothL1(tf.sub(student, teacher), beta), 2), selected));
}
