/** G-DetKD's two losses: imitation of the blend of levels that a region asks for, and the contrast between regions. */
import * as tf from '@tensorflow/tfjs';
import { detached } from '../engine/ops/gradient.ts';
import { meanSquare } from '../engine/ops/squares.ts';

/** Regions [M, D] of one network, cells by channels in a row. */
export interface Blend {
  /** a: how much each teacher level counts for a region, [M, L]. */
  readonly weights: tf.Tensor2D;
  /** Σ_l a_l T_l, [M, D]. */
  readonly features: tf.Tensor2D;
}

/**
 * a = softmax over levels of the likeness of embeddings, divided by τ₁.
 * @param own f(S), [M, E] @param others f(T_l), [M, E] each @param teacher T_l, [M, D] each; get no gradient
 */
export function blendLevels(own: tf.Tensor2D, others: readonly tf.Tensor2D[], teacher: readonly tf.Tensor2D[], temperature: tf.Tensor): Blend {
  const likeness = tf.stack(others.map((other) => tf.sum<tf.Tensor1D>(tf.mul(own, other), 1)), 1);
  const weights = tf.softmax(tf.div<tf.Tensor2D>(likeness, temperature));
  // Not by `tf.split`, whose gradient fails where there is one level.
  const share = (level: number): tf.Tensor2D => tf.slice2d(weights, [0, level], [weights.shape[0], 1]);
  return { weights, features: tf.addN(teacher.map((map, level) => tf.mul<tf.Tensor2D>(share(level), detached(() => tf.clone(map))))) };
}

/** Mean over regions and features of (S − blend)²; 0 without regions. @param filled [M] */
export function imitationLoss(student: tf.Tensor2D, { features }: Blend, filled: tf.Tensor1D): tf.Scalar {
  return meanOverFilled(meanSquare(tf.sub(student, features)) as tf.Tensor1D, filled);
}

export interface Contrast {
  /** u, v: embeddings of length 1 of student and teacher, [M, E]. */
  readonly student: tf.Tensor2D;
  readonly teacher: tf.Tensor2D;
  /** [M, M]: 1 where the column is a negative of the row. */
  readonly negatives: tf.Tensor2D;
  /** [M]: 1 where there is a region. */
  readonly filled: tf.Tensor1D;
  /** Teacher embeddings of past steps, [Q, E]; rows of 0 are empty. */
  readonly queue?: tf.Tensor2D;
}

/** Mean over regions of −log of the share that a region's own teacher embedding has among it and its negatives. */
export function contrastLoss({ student, teacher, negatives, filled, queue }: Contrast, temperature: number): tf.Scalar {
  const own = tf.sum(tf.mul(student, teacher), 1, true);
  // Far below any likeness: what is no negative gets exactly 0 of the softmax.
  const absent = (present: tf.Tensor): tf.Tensor => tf.mul(tf.sub(1, present), -1e9);
  const columns = [own, tf.add(tf.matMul(student, teacher, false, true), absent(negatives))];
  if (queue !== undefined) {
    const present = detached(() => tf.reshape(tf.cast(tf.greater(tf.sum(tf.square(queue), 1), 0), 'float32'), [1, queue.shape[0]]));
    columns.push(tf.add(tf.matMul(student, detached(() => tf.clone(queue)), false, true), absent(present)));
  }
  const logarithms = tf.logSoftmax(tf.div<tf.Tensor2D>(tf.concat(columns, 1), temperature));
  return meanOverFilled(tf.neg(tf.reshape(tf.slice(logarithms, [0, 0], [own.size, 1]), [own.size])), filled);
}

/** The queue with this step's teacher embeddings before the old ones; the oldest fall out. Empty slots take no place of a negative, being 0. */
export function enqueue(queue: tf.Tensor2D, teacher: tf.Tensor2D, filled: tf.Tensor1D): tf.Tensor2D {
  return detached(() => {
    const fresh = tf.mul(teacher, tf.expandDims(filled, 1));
    return tf.slice(tf.concat([fresh, queue], 0), [0, 0], [queue.shape[0], queue.shape[1]]) as tf.Tensor2D;
  });
}

function meanOverFilled(values: tf.Tensor1D, filled: tf.Tensor1D): tf.Scalar {
  return tf.div(tf.sum<tf.Scalar>(tf.mul(values, filled)), tf.maximum(tf.sum(filled), 1));
}
