/** DSIG's graphs: regions of an image are nodes, their similarities are edges. Slots without a region count nothing. */
import * as tf from '@tensorflow/tfjs';
import { detached } from '../engine/ops/gradient.ts';
import { meanSquare } from '../engine/ops/squares.ts';
import { unitRows } from '../engine/ops/unitRows.ts';

/** Regions of a batch of images in a fixed number of slots. */
export interface Nodes {
  /** [N, R, D]. */
  readonly student: tf.Tensor3D;
  /** [N, R, D]; gets no gradient. */
  readonly teacher: tf.Tensor3D;
  /** [N, R]: 1 where there is a region. */
  readonly filled: tf.Tensor2D;
}

/**
 * Σ over images of the mean over their regions and features of (s − t)²; an image without regions gives 0.
 * @param factors of each image, [N]
 */
export function nodeLoss({ student, teacher, filled }: Nodes, factors?: tf.Tensor1D): tf.Scalar {
  const errors = meanSquare(tf.sub(student, detached(() => tf.clone(teacher)))) as tf.Tensor2D;
  const perImage = tf.div<tf.Tensor1D>(tf.sum(tf.mul(errors, filled), 1), tf.maximum(tf.sum(filled, 1), 1));
  return tf.sum(factors === undefined ? perImage : tf.mul(perImage, factors));
}

/** Cosine of each pair of an image's regions, 1 on the diagonal; 0 where a slot is empty or a region is 0. @returns [N, R, R] */
export function edges(rows: tf.Tensor3D, filled: tf.Tensor2D): tf.Tensor3D {
  const unit = unitRows(tf.mul<tf.Tensor3D>(rows, tf.expandDims(filled, 2)));
  return tf.matMul(unit, unit, false, true);
}

/** ½ Σ over images of the mean over all pairs of regions, diagonal included, of (S_t − S_s)². */
export function edgeLoss({ student, teacher, filled }: Nodes): tf.Scalar {
  const difference = tf.sub(edges(student, filled), detached(() => edges(teacher, filled)));
  const pairs = tf.square(tf.maximum(tf.sum(filled, 1), 1));
  return tf.mul(tf.sum<tf.Scalar>(tf.div(tf.sum(tf.square(difference), [1, 2]), pairs)), 0.5);
}

/** Both groups of regions as the nodes of one graph. */
export function joinNodes(a: Nodes, b: Nodes): Nodes {
  return { student: tf.concat([a.student, b.student], 1), teacher: tf.concat([a.teacher, b.teacher], 1), filled: tf.concat([a.filled, b.filled], 1) };
}
