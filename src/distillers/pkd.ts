/**
 * PKD: General Distillation Framework for Object Detectors via Pearson Correlation Coefficient (Cao et al., NeurIPS 2022).
 * Letters as in `docs/methods/pkd.md`: S, T features, norm(·) a channel brought to mean 0 and deviation 1 over the batch, r their correlation.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { resizeBilinear } from '../engine/ops/resize.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { standardizeColumns } from '../engine/ops/standardize.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { pkdCard, pkdWeight } from '../experiment/methods/pkd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { at } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';

export type PkdConfig = Extract<MethodConfig, { method: 'pkd' }>;

/** Beside the deviation, not under its root. */
const EPSILON = 1e-6;

// Taps: the first levels of both pyramids, matched by index whatever their strides.

const levelsToCompare: Check = (teacher, student) => {
  const lacking = [['teacher', teacher] as const, ['student', student] as const].find(([, { levels }]) => levels.length === 0);
  return lacking === undefined ? undefined : new DistillError('DL550', `PKD compares feature maps, and the ${lacking[0]} has none.`, {
    expected: 'at least one level on both sides', advice: 'Pair detectors that have a neck.',
  });
};

interface Tap {
  readonly name: string;
  /** norm(S) and norm(T), channels beside all places of the batch, [N·H·W, C]. */
  readonly student: tf.Tensor2D;
  readonly teacher: tf.Tensor2D;
  /** [N, H, W, C] of both. */
  readonly shape: readonly [number, number, number, number];
}

function tapLevel(teacher: tf.Tensor4D, student: tf.Tensor4D, name: string, align: Layer, resize: PkdConfig['resize']): Tap {
  const [, rows, columns] = resize === 'student' ? teacher.shape : student.shape;
  const [own, other] = [(): tf.Tensor4D => resizeBilinear(align(student), [rows, columns]), (): tf.Tensor4D => resizeBilinear(teacher, [rows, columns])];
  return { name, student: normalised(own()), teacher: detached(() => normalised(other())), shape: [teacher.shape[0], rows, columns, teacher.shape[3]] };
}

/** Each channel over all places of all images of the batch. */
function normalised(map: tf.Tensor4D): tf.Tensor2D {
  const channels = map.shape[3];
  return standardizeColumns(tf.reshape(map, [map.size / channels, channels]), EPSILON);
}

// Adapters: a 1×1 convolution where widths differ; none is published for equal ones.

function createAdapter(parameters: Parameters, name: string, { teacher, student }: DistillerContext): Layer {
  return alignmentIfNeeded(parameters, `distill.pkd.${name}.align`, student.featureChannels, teacher.featureChannels);
}

// Loss: w Σ_l ½ mean (norm(S) − norm(T))², which is w Σ_l mean over channels of (1 − r).

function levelLoss({ student, teacher }: Tap): tf.Scalar {
  return tf.mul(sumOfSquares(tf.sub(student, teacher)), 0.5 / student.size);
}

// Pictures: the correlation of each channel, where normalised maps differ, and their size.

function levelPictures({ name: level, student, teacher, shape }: Tap): Picture[] {
  const [batch, rows, columns, channels] = shape;
  const map = (values: tf.Tensor): tf.Tensor => tf.reshape(tf.mean(values, 1), [batch, rows, columns]);
  const [own, other] = [map(tf.abs(student)), map(tf.abs(teacher))];
  const correlation = tf.mul(tf.sum(tf.mul(student, teacher), 0, true), 1 / Math.max(1, batch * rows * columns - 1));
  return [
    { kind: 'correlation', role: 'shared', level, values: tf.tile(tf.reshape(correlation, [1, channels]), [batch, 1]) },
    { kind: 'difference', role: 'difference', level, values: map(tf.square(tf.sub(student, teacher))) },
    { kind: 'activation', role: 'teacher', level, values: other },
    { kind: 'activation', role: 'student', level, values: own },
    { kind: 'activation', role: 'difference', level, values: tf.sub(own, other) },
  ];
}

function create(config: PkdConfig, context: DistillerContext): Distiller {
  const { student, teacher } = context;
  const weight = config.weight ?? pkdWeight(teacher.detector, student.detector);
  const names = student.levels.slice(0, Math.min(config.levels, teacher.levels.length)).map(({ name }) => name);
  const parameters = new Parameters(context.random);
  const adapters = names.map((name) => createAdapter(parameters, name, context));
  const taps = (taught: DetectorOutputs, own: DetectorOutputs): Tap[] =>
    names.map((name, index) => tapLevel(at(taught.features, index), at(own.features, index), name, at(adapters, index), config.resize));
  return {
    id: 'pkd',
    parameters,
    inputs: () => ({}),
    loss: (taught, own) => ({ correlation: tf.mul<tf.Scalar>(tf.addN(taps(taught, own).map(levelLoss)), weight) }),
    pictures: (taught, own) => taps(taught, own).flatMap(levelPictures),
  };
}

export const pkd: Method<PkdConfig> = {
  ...pkdCard,
  pictures: {
    correlation: { title: 'Correlation', form: 'bars', caption: 'How well each channel of the student follows the teacher\'s: Pearson\'s r over all places of all images shown, −1 to 1. The loss pulls it to 1.' },
    difference: { title: 'Difference', form: 'map', caption: 'Where the patterns differ: squared difference of both maps, each channel brought to mean 0 and deviation 1, averaged over channels.' },
    activation: { title: 'Normalised activation', form: 'map', signed: true, caption: 'Where channels leave their mean: absolute value of the normalised maps, averaged over channels.' },
  },
  problems: (teacher, student) => collect(teacher, student, [...sharing(pkdCard), levelsToCompare]),
  create,
};
