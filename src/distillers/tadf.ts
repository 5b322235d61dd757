/**
 * TADF: Distilling Object Detectors with Task Adaptive Regularization (Sun et al., arXiv 2006.13108).
 * Letters as in `docs/methods/tadf.md`: S, T features, m the Gaussian mask, p probabilities, d box regressions.
 * No code exists; what is a reading of the paper is said there.
 */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding, type DetectorOutputs } from '../detectors/detector.ts';
import { float32, int32, type HostTensors } from '../engine/hostTensor.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { kaimingNormal } from '../engine/layers/init.ts';
import { binaryDivergence } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { fpnLevel } from '../engine/ops/roiAlign.ts';
import { Parameters } from '../engine/parameters.ts';
import { tadfCard } from '../experiment/methods/tadf.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates, codingOf, isPositive } from './shared/assigned.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { asMap, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { boxesAt } from './shared/ownLevel.ts';
import { decayFactor } from './shared/pace.ts';
import { collect, sharing } from './shared/pairing.ts';
import { decodeBoxes, objectBoxInputs } from './shared/objectBoxes.ts';
import { boxGate, gate, keptMean, smoothDistance, type Boxes } from './tadfGates.ts';
import { gaussianMask } from './tadfMasks.ts';

export type TadfConfig = Extract<MethodConfig, { method: 'tadf' }>;

// Taps: features of every level; class logits and boxes of the student's positives.

interface Layout {
  readonly levels: readonly MapLevel[];
  readonly strides: readonly number[];
  readonly anchorsPerCell: number;
  readonly classes: number;
  readonly student: BoxCoding;
  readonly teacher: BoxCoding;
  /** Whether both write boxes as the same deltas of the same anchors. */
  readonly sameDeltas: boolean;
  readonly inputSize: readonly [number, number];
}

function layoutOf({ student, teacher, inputSize }: DistillerContext): Layout {
  const [own, other] = [codingOf(student), codingOf(teacher)];
  return {
    levels: mapLevels(student, inputSize), strides: student.levels.map(({ stride }) => stride), anchorsPerCell: student.anchorsPerCell,
    classes: student.classes.length, student: own, teacher: other, sameDeltas: sameDeltas(own, other, inputSize), inputSize,
  };
}

function sameDeltas(own: BoxCoding, other: BoxCoding, size: readonly [number, number]): boolean {
  if (own.form !== 'deltas' || other.form !== 'deltas') return false;
  const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean => a.length === b.length && Array.from(a).every((value, index) => value === b[index]);
  return same(own.deviations, other.deviations) && same(own.anchors(size), other.anchors(size));
}

/** [N, all candidates, K]. */
function allLogits({ logits }: DetectorOutputs, { classes }: Layout): tf.Tensor3D {
  return tf.concat(logits.map((map) => asCandidates(map, classes)), 1);
}

// Adapters: a 1×1 convolution of the student's features where widths differ.

function createAdapter(parameters: Parameters, { name }: MapLevel, { student, teacher }: DistillerContext): Layer {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  return from === to ? (x) => x : conv2d(parameters, `distill.tadf.${name}.align`, { in: from, out: to, kernel: 1, init: kaimingNormal() });
}

// Loss: λ(t) (w_f L_f + w_c L_c + w_r L_r).

/** Σ m (r(S) − T)² / (2 max(1, Σm) C). */
function featureLoss(teacher: DetectorOutputs, student: DetectorOutputs, index: number, adapter: Layer, mask: tf.Tensor): tf.Scalar {
  const target = detached(() => tf.clone(at(teacher.features, index)));
  const error = tf.mean(tf.square(tf.sub(adapter(at(student.features, index)), target)), 3);
  return tf.div(tf.sum(tf.mul(error, mask)), tf.mul(tf.maximum(tf.sum(mask), 1), 2));
}

/** Probability of each candidate's own class, [N, A]; of the first class where it has no object. */
function ownProbability(outputs: DetectorOutputs, layout: Layout, inputs: Inputs): tf.Tensor {
  const logits = allLogits(outputs, layout);
  const [batch, candidates] = logits.shape;
  return tf.sigmoid(tf.reshape(tf.gatherND(tf.reshape(logits, [logits.size]), fed(inputs, 'ownClass')), [batch, candidates]));
}

function classLoss(teacher: DetectorOutputs, student: DetectorOutputs, layout: Layout, inputs: Inputs): tf.Scalar {
  const kept = gate(() => ownProbability(teacher, layout, inputs), () => ownProbability(student, layout, inputs), fed(inputs, 'positives'));
  const target = detached(() => allLogits(teacher, layout));
  return keptMean(tf.sum(binaryDivergence(allLogits(student, layout), target), 2), kept);
}

function boxesOf(teacher: DetectorOutputs, student: DetectorOutputs, { student: own, teacher: other, inputSize }: Layout, inputs: Inputs): Boxes {
  return { student: () => decodeBoxes(student.regression, own, inputSize), teacher: () => decodeBoxes(teacher.regression, other, inputSize), objects: fed(inputs, 'boxes') };
}

/** d_s − d_t: of deltas as they are; of distances, corners in strides. [N, A, 4]. */
function regressionDifference(teacher: DetectorOutputs, student: DetectorOutputs, { strides, student: own, teacher: other, sameDeltas: asDeltas, inputSize }: Layout): tf.Tensor {
  const side = ({ regression }: DetectorOutputs, coding: BoxCoding): tf.Tensor => tf.concat(regression.map((map, level) =>
    asDeltas ? asCandidates(map, 4) : tf.mul(coding.decode(map, level, inputSize), 1 / at(strides, level))), 1);
  return tf.sub(side(student, own), detached(() => side(teacher, other)));
}

function boxLoss(teacher: DetectorOutputs, student: DetectorOutputs, layout: Layout, inputs: Inputs): tf.Scalar {
  const kept = boxGate(boxesOf(teacher, student, layout, inputs), fed(inputs, 'positives'));
  return keptMean(smoothDistance(regressionDifference(teacher, student, layout)), kept);
}

/** `positives` [N, A]; `ownClass` [N·A, 1], where the object's class lies among the logits; `boxes` [N, A, 4]. */
function candidateInputs(batch: BatchTruth, { classes }: Layout): HostTensors {
  const candidates = at(batch.assignments, 0).length;
  const positives = new Float32Array(batch.truth.length * candidates);
  const ownClass = new Int32Array(positives.length);
  batch.truth.forEach(({ labels }, image) => {
    at(batch.assignments, image).forEach((object, slot) => {
      const index = image * candidates + slot;
      positives[index] = isPositive(object) ? 1 : 0;
      ownClass[index] = index * classes + (isPositive(object) ? at(labels, object - 1) : 0);
    });
  });
  return { positives: float32([batch.truth.length, candidates], positives), ownClass: int32([ownClass.length, 1], ownClass), ...objectBoxInputs(batch) };
}

function maskInputs({ truth }: BatchTruth, { levels, strides }: Layout, config: TadfConfig): HostTensors {
  const boxes = truth.map((image) => image.boxes);
  return Object.fromEntries(levels.map((level, index) => {
    const own = config.levels === 'all' ? boxes : boxesAt(index, levels.length, boxes, fpnLevel(Math.round(Math.log2(at(strides, 0)))));
    return [`gaussian.${level.name}`, float32([truth.length, level.rows, level.columns], gaussianMask(level, at(strides, index), own, config.spread))];
  }));
}

// Pictures: the masks, and who does better on each object.

function comparisons(kind: string, difference: tf.Tensor, { levels, anchorsPerCell }: Layout, inputs: Inputs): Picture[] {
  const widths = levels.map(({ places }) => places * anchorsPerCell);
  const positives = fed(inputs, 'positives');
  const [values, counted] = [tf.split(tf.mul(difference, positives), widths, 1), tf.split(positives, widths, 1)];
  return levels.map((level, index) => {
    const ofCells = (x: tf.Tensor): tf.Tensor2D => tf.sum(tf.reshape(x, [-1, level.places, anchorsPerCell]), 2);
    return { kind, role: 'difference', level: level.name, values: asMap(tf.div(ofCells(at(values, index)), tf.maximum(ofCells(at(counted, index)), 1)), level) };
  });
}

function allPictures(teacher: DetectorOutputs, student: DetectorOutputs, layout: Layout, inputs: Inputs): Picture[] {
  const boxes = boxesOf(teacher, student, layout, inputs);
  const fits = tf.sub(boxIou(boxes.student(), boxes.objects), boxIou(boxes.teacher(), boxes.objects));
  return [
    ...layout.levels.map(({ name: level }): Picture => ({ kind: 'gaussian', role: 'shared', level, values: fed(inputs, `gaussian.${level}`) })),
    ...comparisons('classes', tf.sub(ownProbability(student, layout, inputs), ownProbability(teacher, layout, inputs)), layout, inputs),
    ...comparisons('fits', fits, layout, inputs),
  ];
}

function create(config: TadfConfig, context: DistillerContext): Distiller {
  const layout = layoutOf(context);
  const parameters = new Parameters(context.random);
  const adapters = layout.levels.map((level) => createAdapter(parameters, level, context));
  return {
    id: 'tadf',
    parameters,
    inputs: (batch) => ({ ...maskInputs(batch, layout, config), ...candidateInputs(batch, layout), decay: decayFactor(batch, config.decay) }),
    loss: (teacher, student, inputs) => {
      const weighted = (loss: tf.Scalar, weight: number): tf.Scalar => tf.mul(tf.mul(loss, config.weight * weight), fed(inputs, 'decay'));
      return {
        feature: weighted(tf.addN(layout.levels.map(({ name }, index) => featureLoss(teacher, student, index, at(adapters, index), fed(inputs, `gaussian.${name}`)))), config.featureWeight),
        classification: weighted(classLoss(teacher, student, layout, inputs), config.classWeight),
        box: weighted(boxLoss(teacher, student, layout, inputs), config.boxWeight),
      };
    },
    pictures: (teacher, student, inputs) => allPictures(teacher, student, layout, inputs),
  };
}

export const tadf: Method<TadfConfig> = {
  ...tadfCard,
  pictures: {
    gaussian: { title: 'Object mask', form: 'map', caption: 'Where features are imitated: 1 at the centre of an object, falling off to the border of its box, 0 outside.' },
    classes: { title: 'Who classifies better', form: 'map', signed: true, caption: 'Student\'s probability of the object\'s class less the teacher\'s, at the student\'s positives. Classes are distilled only where it is below 0.' },
    fits: { title: 'Whose box fits better', form: 'map', signed: true, caption: 'IoU of the student\'s box with its object less that of the teacher\'s, at the student\'s positives. Boxes are distilled only where it is below 0.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(tadfCard)),
  create,
};
