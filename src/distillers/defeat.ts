/**
 * DeFeat: Distilling Object Detectors via Decoupled Features (Guo et al., CVPR 2021).
 * Letters as in `docs/methods/defeat.md`: S, T features, r the adapter, D = (r(S) − T)², M the cells of objects.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { Parameters } from '../engine/parameters.ts';
import { defeatCard } from '../experiment/methods/defeat.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { asCandidates } from './assigned.ts';
import { anchorClassParts, candidateSets, type HeadParts } from './defeatHead.ts';
import { objectMask } from './defeatMasks.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { hintAdapter } from './hint.ts';
import { at, fed, mapLevels, type MapLevel } from './maps.ts';
import { decayFactor } from './pace.ts';
import { collect, sameAnchors, sameClasses, sharing } from './pairing.ts';

export type DefeatConfig = Extract<MethodConfig, { method: 'defeat' }>;

type Inputs = Readonly<Record<string, tf.Tensor>>;

// Taps: every level of the pyramid, and with `head` the class logits of the student's own positives and negatives.

interface Tap {
  readonly level: MapLevel;
  readonly index: number;
  readonly stride: number;
  readonly adapter: Layer;
}

/** D, [N, H, W, C]. */
function squaredError(teacher: DetectorOutputs, student: DetectorOutputs, { index, adapter }: Tap): tf.Tensor4D {
  const target = detached(() => tf.clone(at(teacher.features, index)));
  return tf.square(tf.sub<tf.Tensor4D>(adapter(at(student.features, index)), target));
}

// Adapters: a 3×3 convolution for each level.

function createTaps(parameters: Parameters, { teacher, student, inputSize }: DistillerContext): Tap[] {
  return mapLevels(student, inputSize).map((level, index) => ({
    level, index, stride: at(student.levels, index).stride,
    adapter: hintAdapter(parameters, `distill.defeat.${level.name}.align`, student.featureChannels, teacher.featureChannels),
  }));
}

// Loss: w_f L_fg + w_b L_bg (+ w_cf L_cf + w_cb L_cb).

/** Σ D·M / max(1, 2 C ΣM) and the same outside. */
function neckParts(error: tf.Tensor4D, mask: tf.Tensor): { readonly foreground: tf.Scalar; readonly background: tf.Scalar } {
  const channels = error.shape[3];
  const perCell = tf.sum(error, 3);
  const half = (weights: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.mul(perCell, weights)), tf.maximum(1, tf.mul(tf.sum(weights), 2 * channels)));
  return { foreground: half(mask), background: half(tf.sub(1, mask)) };
}

/** Over all levels together. */
function headParts(teacher: DetectorOutputs, student: DetectorOutputs, taps: readonly Tap[], classes: number, temperature: number, inputs: Inputs): HeadParts {
  const rows = ({ logits }: DetectorOutputs): tf.Tensor => tf.concat(taps.map(({ index }) => asCandidates(at(logits, index), classes)), 1);
  const set = (name: string): tf.Tensor => tf.concat(taps.map(({ level }) => fed(inputs, `${name}.${level.name}`)), 1);
  return anchorClassParts(rows(student), detached(() => rows(teacher)), set('positives'), set('negatives'), temperature);
}

function maskInputs({ truth }: BatchTruth, taps: readonly Tap[]): HostTensors {
  const boxes = truth.map((image) => image.boxes);
  return Object.fromEntries(taps.map(({ level, index, stride }) =>
    [`mask.${level.name}`, float32([truth.length, level.rows, level.columns], objectMask(level, stride, index, taps.length, boxes))]));
}

// Pictures: the cells of objects, and where features differ on either side.

function levelPictures(teacher: DetectorOutputs, student: DetectorOutputs, tap: Tap, inputs: Inputs): Picture[] {
  const level = tap.level.name;
  const mask = fed(inputs, `mask.${level}`);
  const error = tf.mean(squaredError(teacher, student, tap), 3);
  return [
    { kind: 'objects', role: 'shared', level, values: mask },
    { kind: 'objectError', role: 'difference', level, values: tf.mul(error, mask) },
    { kind: 'backgroundError', role: 'difference', level, values: tf.mul(error, tf.sub(1, mask)) },
  ];
}

function create(config: DefeatConfig, context: DistillerContext): Distiller {
  const { student } = context;
  const parameters = new Parameters(context.random);
  const taps = createTaps(parameters, context);
  const levels = taps.map(({ level }) => level);
  return {
    id: 'defeat',
    parameters,
    inputs: (batch) => ({
      ...maskInputs(batch, taps), decay: decayFactor(batch, config.decay),
      ...(config.head ? candidateSets(batch.assignments, levels, student.anchorsPerCell) : {}),
    }),
    loss: (teacher, own, inputs) => {
      const weighted = (loss: tf.Scalar, weight: number): tf.Scalar => tf.mul(tf.mul(loss, config.weight * weight), fed(inputs, 'decay'));
      const necks = taps.map((tap) => neckParts(squaredError(teacher, own, tap), fed(inputs, `mask.${tap.level.name}`)));
      const neck = (part: 'foreground' | 'background'): tf.Scalar => weighted(tf.addN(necks.map((parts) => parts[part])), config[part] / taps.length);
      const losses = { foreground: neck('foreground'), background: neck('background') };
      if (!config.head) return losses;
      const head = headParts(teacher, own, taps, student.classes.length, config.temperature, inputs);
      return { ...losses, headForeground: weighted(head.foreground, config.headForeground), headBackground: weighted(head.background, config.headBackground) };
    },
    pictures: (teacher, own, inputs) => taps.flatMap((tap) => levelPictures(teacher, own, tap, inputs)),
  };
}

export const defeat: Method<DefeatConfig> = {
  ...defeatCard,
  pictures: {
    objects: { title: 'Object cells', form: 'map', caption: 'Cells inside the boxes that belong to this level. An object marks one level only; all others count it as background.' },
    objectError: { title: 'Object error', form: 'map', caption: 'Mean squared difference of the adapted student from the teacher over channels, inside the object cells.' },
    backgroundError: { title: 'Background error', form: 'map', caption: 'The same difference outside the object cells; it is averaged over its own area and has its own weight.' },
  },
  problems: (teacher, student, { head }) => collect(teacher, student, [...sharing(defeatCard), ...(head ? [sameClasses, sameAnchors] : [])]),
  create,
};
