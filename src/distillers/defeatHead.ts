/** DeFeat's class terms: divergence of the teacher's classes from the student's, positives and negatives apart. */
import * as tf from '@tensorflow/tfjs';
import { type Assignment } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { binaryDivergence, softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { assignedLevels, isPositive } from './shared/assigned.ts';
import { type MapLevel } from './shared/maps.ts';

export interface HeadParts {
  readonly foreground: tf.Scalar;
  readonly background: tf.Scalar;
}

/**
 * The two-stage head's terms, T² · mean over the positives and over the negatives of KL(softmax(t / T) ‖ softmax(s / T)).
 * @param student [R, K + 1] logits @param teacher the same, constant @param positives [R], 1 for regions with an object
 * @param negatives [R], 1 for background
 */
export function regionClassParts(student: tf.Tensor, teacher: tf.Tensor, positives: tf.Tensor, negatives: tf.Tensor, temperature: number): HeadParts {
  return apart(softmaxDivergence(student, teacher, temperature), positives, negatives, temperature);
}

/** The same for a one-stage head: every class by itself. @param student [R, K] logits @param teacher the same, constant */
export function anchorClassParts(student: tf.Tensor, teacher: tf.Tensor, positives: tf.Tensor, negatives: tf.Tensor, temperature: number): HeadParts {
  return apart(tf.sum(binaryDivergence(student, teacher, temperature), -1), positives, negatives, temperature);
}

/** Sums in the place of means where a set is empty: 0. */
function apart(divergence: tf.Tensor, positives: tf.Tensor, negatives: tf.Tensor, temperature: number): HeadParts {
  const mean = (mask: tf.Tensor): tf.Scalar => tf.mul(tf.div(tf.sum(tf.mul(divergence, mask)), tf.maximum(tf.sum(mask), 1)), temperature ** 2);
  return { foreground: mean(positives), background: mean(negatives) };
}

/** `positives.<level>` and `negatives.<level>`, [N, cells · anchors]; what the assignment ignores is neither. */
export function candidateSets(assignments: readonly Assignment[], levels: readonly MapLevel[], anchorsPerCell: number): HostTensors {
  return Object.fromEntries(assignedLevels(assignments, levels, anchorsPerCell).flatMap(({ level: { name }, width, objects }) => {
    const mask = (counts: (object: number) => boolean): HostTensors[string] => float32([assignments.length, width], Float32Array.from(objects, (object) => (counts(object) ? 1 : 0)));
    return [[`positives.${name}`, mask(isPositive)], [`negatives.${name}`, mask((object) => object === 0)]];
  }));
}
