/** CrossKD's way through the teacher's head: the student's features, brought to the teacher's scale, and what the rest of the head makes of them. */
import * as tf from '@tensorflow/tfjs';
import { type DetectorHead, type DetectorOutputs, type HeadOutputs } from '../detectors/detector.ts';
import { detached } from '../engine/ops/gradient.ts';
import { standardizeColumns } from '../engine/ops/standardize.ts';
import { at } from './shared/maps.ts';

/** Beside the deviation, not under its root. */
const EPSILON = 1e-6;

/** What both towers hold after the first r blocks, before the activation, by level. */
export interface Held {
  readonly classification: readonly tf.Tensor4D[];
  readonly regression: readonly tf.Tensor4D[];
}

export function heldMaps({ features, towers }: DetectorOutputs, block: number): Held {
  if (block === 0) return { classification: features, regression: features };
  const after = (tower: HeadOutputs['towers']['classification']): tf.Tensor4D[] => tower.map((blocks) => at(blocks, block - 1));
  return { classification: after(towers.classification), regression: after(towers.regression) };
}

/** The student's maps with the teacher's mean and deviation of each channel. */
export function alignHeld(student: Held, teacher: Held): Held {
  const align = (own: readonly tf.Tensor4D[], other: readonly tf.Tensor4D[]): tf.Tensor4D[] => own.map((map, level) => aligned(map, at(other, level)));
  return { classification: align(student.classification, teacher.classification), regression: align(student.regression, teacher.regression) };
}

/** (f − μ_s) / (σ_s + 1e-6) · σ_t + μ_t by channel, over all cells of the whole batch; μ_t, σ_t are constants. */
function aligned(student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Tensor4D {
  const places = (map: tf.Tensor4D): tf.Tensor2D => tf.reshape(map, [-1, map.shape[3]]);
  const mean = detached(() => tf.mean(places(teacher), 0, true));
  const deviation = detached(() => unbiasedDeviation(places(teacher)));
  return tf.reshape(tf.add(tf.mul(standardizeColumns(places(student), EPSILON), deviation), mean), student.shape);
}

/** Of each column, [1, C]; 0 where there is one row. */
function unbiasedDeviation(x: tf.Tensor2D): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 0, true));
  return tf.sqrt(tf.mul<tf.Tensor2D>(tf.sum(tf.square(centred), 0, true), 1 / Math.max(1, x.shape[0] - 1)));
}

/** The cross-head predictions. Gradients pass through the teacher's layers to the student's maps. */
export function crossHead(head: DetectorHead, block: number, student: Held, teacher: Held): HeadOutputs {
  return head.resume(block, alignHeld(student, teacher));
}
