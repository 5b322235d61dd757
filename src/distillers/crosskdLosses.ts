/** CrossKD's losses between cross-head predictions and the teacher's own, in the three forms that boxes have. */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding, type HeadOutputs } from '../detectors/detector.ts';
import { centerness, sidesFrom } from '../detectors/sides.ts';
import { float32, type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { binaryCrossEntropy, softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { gapEntropy } from '../engine/ops/gapEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou, boxOverlap } from '../engine/ops/iou.ts';
import { asCandidates, assignedLevels, candidateCentres, countedCandidates, DIVISOR_EPSILON, isPositive, positivesByImage } from './shared/assigned.ts';
import { type BatchTruth, type Inputs } from './distiller.ts';
import { at, fed, type MapLevel } from './shared/maps.ts';

type Predictions = Pick<HeadOutputs, 'logits' | 'regression' | 'centerness'>;

export interface CrossSetting {
  readonly levels: readonly MapLevel[];
  readonly classes: number;
  readonly anchorsPerCell: number;
  /** The teacher's: both sides come from its head. */
  readonly coding: BoxCoding;
  readonly inputSize: readonly [number, number];
  readonly beta: number;
}

/** Least IoU under the logarithm, least sum of confidences. */
const LEAST = { iou: 1e-6, confidence: 1e-12 };

/**
 * - `counted.<level>` [N, H·W·A]: 0 where a candidate is ignored. `positive.<level>`: 1 where it is positive.
 * - `share`: 1 / n. @param own the student's coding, whose candidates are assigned
 */
export function crossInputs(batch: BatchTruth, setting: CrossSetting, own: BoxCoding): HostTensors {
  const { assignments } = batch;
  const normaliser = setting.coding.form === 'distances' ? centernessSum(batch, own) : positivesByImage(assignments);
  const byLevel = assignedLevels(assignments, setting.levels, setting.anchorsPerCell).flatMap((assigned): [string, HostTensor][] => {
    const shape = [assignments.length, assigned.width];
    return [
      [`counted.${assigned.level.name}`, float32(shape, countedCandidates(assigned))],
      [`positive.${assigned.level.name}`, float32(shape, Float32Array.from(assigned.objects, (object) => (isPositive(object) ? 1 : 0)))],
    ];
  });
  return { share: float32([], new Float32Array([1 / (normaliser + DIVISOR_EPSILON)])), ...Object.fromEntries(byLevel) };
}

/** Σ of the positives' centerness, FCOS's divisor; 1 without positives, where the official code divides by 1e-6. */
function centernessSum({ truth, assignments, inputSize }: BatchTruth, coding: BoxCoding): number {
  const centres = candidateCentres(coding, inputSize);
  let [sum, positives] = [0, 0];
  assignments.forEach((assigned, image) => {
    const boxes = at(truth, image).boxes;
    assigned.forEach((object, candidate) => {
      if (!isPositive(object)) return;
      positives += 1;
      sum += centerness(sidesFrom([centres[candidate * 2] ?? 0, centres[candidate * 2 + 1] ?? 0], at(boxes, object - 1)));
    });
  });
  return positives === 0 ? 1 : Math.max(sum, 1e-6);
}

/** u: the teacher's confidence, σ(max_k of its logits); 0 where ignored. By level, [N, H·W·A]; no gradient. */
export function confidences(teacher: Predictions, { levels, classes }: CrossSetting, inputs: Inputs): tf.Tensor2D[] {
  return levels.map(({ name }, index) => detached(() =>
    tf.mul<tf.Tensor2D>(tf.sigmoid(tf.max(asCandidates(at(teacher.logits, index), classes), 2)), fed(inputs, `counted.${name}`))));
}

/** The parts before their weights; `centerness` only where there is something to distil. */
export function crossLosses(cross: Predictions, teacher: Predictions, setting: CrossSetting, inputs: Inputs): { classification: tf.Scalar; box: tf.Scalar; centerness?: tf.Scalar } {
  const share = fed(inputs, 'share');
  const summed = (of: (level: MapLevel, index: number) => tf.Tensor): tf.Scalar => tf.mul(tf.addN(setting.levels.map((level, index) => tf.sum(of(level, index)))), share);
  const classification = summed(({ name }, index) => {
    const target = detached(() => tf.sigmoid(asCandidates(at(teacher.logits, index), setting.classes)));
    const entropy = gapEntropy(asCandidates(at(cross.logits, index), setting.classes), target, setting);
    return tf.mul(tf.sum(entropy, 2), fed(inputs, `counted.${name}`));
  });
  const weights = confidences(teacher, setting, inputs);
  const box = setting.coding.form === 'distribution' ? divergence(cross, teacher, weights, setting.coding.bins)
    : summed((_, index) => tf.mul(boxDistance(cross, teacher, index, setting), at(weights, index)));
  const [own, other] = [cross.centerness, teacher.centerness];
  if (setting.coding.form !== 'deltas' || own === undefined || other === undefined) return { classification, box };
  return {
    classification, box,
    centerness: summed(({ name }, index) => {
      const target = detached(() => tf.sigmoid(at(other, index)));
      return tf.mul(tf.reshape(binaryCrossEntropy(at(own, index), target), fed(inputs, `positive.${name}`).shape), fed(inputs, `positive.${name}`));
    }),
  };
}

/** Of each candidate, [N, H·W·A]: 1 − GIoU of decoded deltas, −ln IoU of distances. */
function boxDistance(cross: Predictions, teacher: Predictions, index: number, { coding, inputSize }: CrossSetting): tf.Tensor {
  const boxes = coding.decode(at(cross.regression, index), index, inputSize);
  const target = detached(() => coding.decode(at(teacher.regression, index), index, inputSize));
  if (coding.form === 'deltas') return tf.sub(1, boxOverlap(boxes, target).giou);
  return tf.neg(tf.log(tf.maximum(boxIou(boxes, target), LEAST.iou)));
}

/** Σ u · Σ_sides KL / 4, over the sum of all confidences. */
function divergence(cross: Predictions, teacher: Predictions, weights: readonly tf.Tensor2D[], bins: number): tf.Scalar {
  const sums = weights.map((weight, index) => {
    const sides = (map: tf.Tensor4D): tf.Tensor => tf.reshape(map, [weight.size, 4, bins]);
    const target = detached(() => sides(at(teacher.regression, index)));
    return tf.sum(tf.mul(tf.sum(softmaxDivergence(sides(at(cross.regression, index)), target), 1), tf.reshape(weight, [weight.size])));
  });
  const total = detached(() => tf.maximum(tf.addN(weights.map((weight) => tf.sum(weight))), LEAST.confidence));
  return tf.div(tf.mul(tf.addN(sums), 1 / (4 + DIVISOR_EPSILON)), total);
}
