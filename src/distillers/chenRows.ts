/**
 * Losses over rows (sampled anchors or regions): weighted soft and hard classes, bounded and smooth regression, hints. Nothing here
 * knows of detectors, so that dense heads, proposal networks and box heads use the same.
 */
import * as tf from '@tensorflow/tfjs';
import { absolute } from '../engine/ops/absolute.ts';
import { detached } from '../engine/ops/gradient.ts';
import { oneHot } from '../engine/ops/oneHot.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';

export interface ClassRows {
  /** Logits with a background among them, [M, C]. */
  readonly student: tf.Tensor2D;
  readonly teacher: tf.Tensor2D;
  /** int32 [M], into the C logits. */
  readonly labels: tf.Tensor1D;
  /** What each row counts, [M]: 1 / n; 0 leaves it out. */
  readonly weights: tf.Tensor1D;
}

/** −Σ rows · Σ_c w_c P^t_c log P^s_c. @param classWeights w, of each of the C logits */
export function softClassLoss({ student, teacher, weights }: Omit<ClassRows, 'labels'>, classWeights: readonly number[], temperature: number): tf.Scalar {
  const target = detached(() => tf.mul(tf.softmax(tf.mul(teacher, 1 / temperature)), tf.tensor1d([...classWeights])));
  return weighed(tf.mul(target, tf.logSoftmax(tf.mul<tf.Tensor2D>(student, 1 / temperature))), weights);
}

/** −Σ rows · log P^s of the row's class. */
export function hardClassLoss({ student, labels, weights }: Omit<ClassRows, 'teacher'>): tf.Scalar {
  const target = detached(() => oneHot(labels, student.shape[1]));
  return weighed(tf.mul(target, tf.logSoftmax(student)), weights);
}

function weighed(products: tf.Tensor, weights: tf.Tensor1D): tf.Scalar {
  return tf.neg(tf.sum<tf.Scalar>(tf.mul(tf.sum(products, 1), weights)));
}

export interface BoxRows {
  /** Deltas, [M, 4], all three in the same units. */
  readonly student: tf.Tensor2D;
  readonly teacher: tf.Tensor2D;
  readonly target: tf.Tensor2D;
  /** 1 / n for rows with an object, 0 elsewhere, [M]. */
  readonly weights: tf.Tensor1D;
}

/** 1 where the student's squared error plus the margin is above the teacher's, [M]; no gradient. */
export function boundActive({ student, teacher, target }: Omit<BoxRows, 'weights'>, margin: number): tf.Tensor1D {
  return detached(() => {
    const error = (deltas: tf.Tensor2D): tf.Tensor => tf.sum(tf.square(tf.sub(deltas, target)), 1);
    return tf.cast(tf.greater(tf.add(error(student), margin), error(teacher)), 'float32') as tf.Tensor1D;
  });
}

/** Σ rows · ‖R_s − y‖² where the bound is active. */
export function boundedLoss(rows: BoxRows, margin: number): tf.Scalar {
  const weight = tf.mul(rows.weights, boundActive(rows, margin));
  return tf.sum(tf.mul(tf.sum(tf.square(tf.sub(rows.student, rows.target)), 1), weight));
}

/** Σ rows · Σ of smooth L1 with its turning point at 1: with c = min(|d|, 1), c² / 2 + |d| − c. */
export function smoothLoss({ student, target, weights }: Omit<BoxRows, 'teacher'>): tf.Scalar {
  const size = absolute(tf.sub<tf.Tensor2D>(student, target));
  const inner = tf.minimum(size, 1);
  return tf.sum(tf.mul(tf.sum(tf.add(tf.mul(tf.square(inner), 0.5), tf.sub(size, inner)), 1), weights));
}

/** Mean over all elements of (V − Z)² or |V − Z|. @param teacher Z, constant */
export function hintLoss(student: tf.Tensor4D, teacher: tf.Tensor4D, norm: 'l2' | 'l1'): tf.Scalar {
  const difference = tf.sub<tf.Tensor4D>(student, detached(() => tf.clone(teacher)));
  return norm === 'l2' ? tf.mul(sumOfSquares(difference), 1 / difference.size) : tf.mean(absolute(difference));
}
