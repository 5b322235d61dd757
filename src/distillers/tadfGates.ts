/** TADF's gated losses: a candidate counts only where the teacher does better on its object than the student. */
import * as tf from '@tensorflow/tfjs';
import { absolute } from '../engine/ops/absolute.ts';
import { softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';

/** 1 where `counted` and the teacher is strictly better, else 0; constant. All [R], or of one shape. */
export function gate(teacher: () => tf.Tensor, student: () => tf.Tensor, counted: tf.Tensor): tf.Tensor {
  return detached(() => tf.mul(tf.cast(tf.greater(teacher(), student()), 'float32'), counted));
}

/** Σ over the kept / max(1, number of the kept). */
export function keptMean(losses: tf.Tensor, kept: tf.Tensor): tf.Scalar {
  return tf.div(tf.sum(tf.mul(losses, kept)), tf.maximum(tf.sum(kept), 1));
}

/** Σ over the last dimension of ½d² where |d| < 1, else |d| − ½. */
export function smoothDistance(difference: tf.Tensor): tf.Tensor {
  const size = absolute(difference);
  const inner = tf.minimum(size, 1);
  return tf.sum(tf.add(tf.mul(tf.square(inner), 0.5), tf.sub(size, inner)), -1);
}

/**
 * For a head with a softmax over classes and background: KL(p_t ‖ p_s) of the regions whose own class the teacher finds likelier.
 * @param student [R, K + 1] logits @param teacher the same, constant @param classes [R, K + 1], 1 at the region's class, rows of 0 do not count
 */
export function regionClassLoss(student: tf.Tensor, teacher: tf.Tensor, classes: tf.Tensor): tf.Scalar {
  const own = (logits: tf.Tensor): tf.Tensor => tf.sum(tf.mul(tf.softmax(logits), classes), -1);
  const kept = gate(() => own(teacher), () => own(student), tf.sum(classes, -1));
  return keptMean(softmaxDivergence(student, teacher), kept);
}

/** Decoded boxes of both networks and those of the objects, [..., 4] each. */
export interface Boxes {
  readonly student: () => tf.Tensor;
  readonly teacher: () => tf.Tensor;
  readonly objects: tf.Tensor;
}

/** 1 where the teacher's box overlaps the object more. @param positives of the boxes' shape without its last dimension */
export function boxGate({ student, teacher, objects }: Boxes, positives: tf.Tensor): tf.Tensor {
  return gate(() => boxIou(teacher(), objects), () => boxIou(student(), objects), positives);
}

/** @param difference of the regressions, [R, 4] @param positives [R] */
export function regionBoxLoss(difference: tf.Tensor, boxes: Boxes, positives: tf.Tensor): tf.Scalar {
  return keptMean(smoothDistance(difference), boxGate(boxes, positives));
}
