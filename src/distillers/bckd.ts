/**
 * BCKD: Bridging Cross-task Protocol Inconsistency for Distillation in Dense Object Detection (Yang et al., ICCV 2023).
 * Letters as in `docs/methods/bckd.md`: p, t class probabilities of student and teacher, b their boxes, m which candidates count,
 * u the largest gap of a candidate, n the normaliser.
 */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding, type DetectorOutputs } from '../detectors/detector.ts';
import { float32 } from '../engine/hostTensor.ts';
import { gapEntropy } from '../engine/ops/gapEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxOverlap } from '../engine/ops/iou.ts';
import { Parameters } from '../engine/parameters.ts';
import { bckdCard } from '../experiment/methods/bckd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates, assignedLevels, bestOfCell, codingOf, comparisonScale, countedCandidates, DIVISOR_EPSILON, isPositive, positivesByImage } from './shared/assigned.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { type HostTensors } from '../engine/hostTensor.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type BckdConfig = Extract<MethodConfig, { method: 'bckd' }>;

// Taps: class logits and decoded boxes of both networks, all candidates of every level.

interface Tap {
  readonly level: MapLevel;
  /** Student's logits, [N, H·W·A, K]. */
  readonly logits: tf.Tensor3D;
  /** t, out of reach of gradients, of the same shape. */
  readonly target: tf.Tensor3D;
  /** b^s, [N, H·W·A, 4]. */
  readonly boxes: tf.Tensor3D;
  /** b^t, out of reach of gradients. */
  readonly targetBoxes: tf.Tensor3D;
}

function tapLevel(teacher: DetectorOutputs, student: DetectorOutputs, level: MapLevel, index: number, context: DistillerContext): Tap {
  const classes = context.student.classes.length;
  const coding = codingOf(context.student);
  const scale = comparisonScale(coding, context.student.levels, index);
  const boxes = (own: BoxCoding, outputs: DetectorOutputs): tf.Tensor3D => tf.mul(own.decode(at(outputs.regression, index), index, context.inputSize), scale);
  return {
    level,
    logits: asCandidates(at(student.logits, index), classes),
    target: detached(() => tf.sigmoid(asCandidates(at(teacher.logits, index), classes))),
    boxes: boxes(coding, student),
    targetBoxes: detached(() => boxes(codingOf(context.teacher), teacher)),
  };
}

/** m of each level, and 1 / n of those that take part. */
function levelInputs({ assignments }: BatchTruth, levels: readonly MapLevel[], { student }: DistillerContext, config: BckdConfig): HostTensors {
  const share = 1 / (positivesByImage(assignments) + DIVISOR_EPSILON);
  return Object.fromEntries(assignedLevels(assignments, levels, student.anchorsPerCell).flatMap((assigned) => {
    const takesPart = !config.skipLevelsWithoutPositives || assigned.objects.some(isPositive);
    const { level: { name }, width } = assigned;
    return [
      [`counted.${name}`, float32([assignments.length, width], countedCandidates(assigned))],
      [`share.${name}`, float32([], new Float32Array([takesPart ? share : 0]))],
    ];
  }));
}

// Adapters: none.

// Loss: w_c Σ m Σ_k |t − p|^β BCE(p, t) / n + w_r Σ u (1 − GIoU(b^s, b^t)) / n, summed over levels.

/** u = m · max_k |t − p|, [N, H·W·A]; no gradient. */
function gaps({ level, logits, target }: Tap, inputs: Inputs): tf.Tensor2D {
  return detached(() => tf.mul<tf.Tensor2D>(tf.max(tf.abs(tf.sub(tf.sigmoid(logits), target)), 2), fed(inputs, `counted.${level.name}`)));
}

/** 1 − GIoU, 0 … 2, [N, H·W·A]. */
function boxDistances({ boxes, targetBoxes }: Tap): tf.Tensor {
  return tf.sub(1, boxOverlap(boxes, targetBoxes).giou);
}

function levelLoss(tap: Tap, config: BckdConfig, inputs: Inputs): { classification: tf.Scalar; localisation: tf.Scalar } {
  const { level: { name }, logits, target } = tap;
  const share = fed(inputs, `share.${name}`);
  const entropy = tf.sum(gapEntropy(logits, target, config), 2);
  return {
    classification: tf.mul(tf.sum(tf.mul(entropy, fed(inputs, `counted.${name}`))), share),
    localisation: tf.mul(tf.sum(tf.mul(boxDistances(tap), gaps(tap, inputs))), share),
  };
}

// Pictures: where classes disagree, what either network scores, where boxes disagree.

function levelPictures(tap: Tap, inputs: Inputs): Picture[] {
  const { level, logits, target } = tap;
  const map = (kind: string, role: Picture['role'], values: tf.Tensor): Picture => ({ kind, role, level: level.name, values: bestOfCell(values, level) });
  return [
    map('gap', 'difference', gaps(tap, inputs)),
    map('score', 'teacher', tf.max(target, 2)),
    map('score', 'student', tf.max(tf.sigmoid(logits), 2)),
    map('boxDistance', 'difference', boxDistances(tap)),
  ];
}

function create(config: BckdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Tap[] => levels.map((level, index) => tapLevel(teacher, student, level, index, context));
  return {
    id: 'bckd',
    parameters: new Parameters(context.random),
    inputs: (batch) => levelInputs(batch, levels, context, config),
    loss: (teacher, student, inputs) => {
      const byLevel = taps(teacher, student).map((tap) => levelLoss(tap, config, inputs));
      const part = (name: 'classification' | 'localisation'): tf.Scalar => tf.mul(tf.addN(byLevel.map((losses) => losses[name])), config.weight * config[name]);
      return { classification: part('classification'), localisation: part('localisation') };
    },
    pictures: (teacher, student, inputs) => taps(teacher, student).flatMap((tap) => levelPictures(tap, inputs)),
  };
}

export const bckd: Method<BckdConfig> = {
  ...bckdCard,
  pictures: {
    gap: { title: 'Where classes disagree', form: 'map', caption: 'The largest gap between the two class probabilities of a candidate, the worst anchor of each cell: it weighs both parts of the loss. 0 where candidates are ignored.' },
    score: { title: 'Class score', form: 'map', caption: 'The highest class probability of each cell.' },
    boxDistance: { title: 'Where boxes disagree', form: 'map', caption: '1 − GIoU of the two decoded boxes, the worst anchor of each cell: 0 where they are the same, up to 2 where they are far apart.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(bckdCard)),
  create,
};
