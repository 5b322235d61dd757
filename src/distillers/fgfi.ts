/**
 * FGFI: Distilling Object Detectors with Fine-grained Feature Imitation (Wang et al., CVPR 2019).
 * Letters as in `docs/methods/fgfi.md`: S, T features, r the adapter, M the imitated cells, φ the threshold.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { relu } from '../engine/layers/activation.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { Parameters } from '../engine/parameters.ts';
import { fgfiCard, fgfiDefaults } from '../experiment/methods/fgfi.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { anchoredLevels, imitationMask, type AnchoredLevel } from './fgfiMasks.ts';
import { hintAdapter } from './shared/hint.ts';
import { at, fed } from './shared/maps.ts';
import { boxesAt } from './shared/ownLevel.ts';
import { delayFactor } from './shared/pace.ts';
import { collect, sharing } from './shared/pairing.ts';

export type FgfiConfig = Extract<MethodConfig, { method: 'fgfi' }>;

// Taps: every level of the pyramid, or the one of the wanted stride.

interface Tap {
  readonly level: AnchoredLevel;
  /** Of the pyramid. */
  readonly index: number;
  readonly adapter: Layer;
}

function tappedLevels({ levels }: DetectorTraits, { variant, stride }: FgfiConfig): number[] {
  if (variant === 'fpn') return levels.map((_, index) => index);
  return [Math.max(0, levels.findIndex((level) => level.stride === stride))];
}

// Adapters: a 3×3 convolution for each level, with a rectifier in the single-level variant.

function createAdapter(parameters: Parameters, level: string, { variant }: FgfiConfig, { teacher, student }: DistillerContext): Layer {
  const conv = hintAdapter(parameters, `distill.fgfi.${level}.align`, student.featureChannels, teacher.featureChannels);
  return variant === 'single' ? (x) => relu(conv(x)) : conv;
}

// Loss: λ mean over levels of Σ M (r(S) − T)² / max(1, 2 C ΣM); the single level leaves C out.

/** (r(S) − T)², [N, H, W, C]. */
function squaredError(teacher: DetectorOutputs, student: DetectorOutputs, { index, adapter }: Tap): tf.Tensor4D {
  const target = detached(() => tf.clone(at(teacher.features, index)));
  return tf.square(tf.sub<tf.Tensor4D>(adapter(at(student.features, index)), target));
}

function levelLoss(error: tf.Tensor4D, mask: tf.Tensor, variant: FgfiConfig['variant']): tf.Scalar {
  const [batch, rows, columns, channels] = error.shape;
  const weights = tf.reshape(mask, [batch, rows, columns, 1]);
  const divisor = tf.maximum(1, tf.mul(tf.sum(mask), variant === 'single' ? 2 : 2 * channels));
  return tf.div(tf.sum(tf.mul(error, weights)), divisor);
}

function maskInputs({ truth }: BatchTruth, taps: readonly Tap[], levels: number, { variant, threshold }: FgfiConfig): HostTensors {
  const boxes = truth.map((image) => image.boxes);
  return Object.fromEntries(taps.flatMap(({ level, index }) => {
    const { mask, overlap } = variant === 'single' ? imitationMask(level, boxes, threshold, 'pixels') : imitationMask(level, boxesAt(index, levels, boxes), threshold, 'lengths');
    const shape = [truth.length, level.rows, level.columns];
    return [[`mask.${level.name}`, float32(shape, mask)], [`overlap.${level.name}`, float32(shape, overlap)]];
  }));
}

// Pictures: the imitated cells, what their choice rests on, where they differ.

function levelPictures(teacher: DetectorOutputs, student: DetectorOutputs, tap: Tap, inputs: Inputs): Picture[] {
  const { name: level } = tap.level;
  const mask = fed(inputs, `mask.${level}`);
  return [
    { kind: 'imitation', role: 'shared', level, values: mask },
    { kind: 'overlap', role: 'shared', level, values: fed(inputs, `overlap.${level}`) },
    { kind: 'error', role: 'difference', level, values: tf.mul(tf.mean(squaredError(teacher, student, tap), 3), mask) },
  ];
}

function create(config: FgfiConfig, context: DistillerContext): Distiller {
  const { student, inputSize } = context;
  const { weight, delay } = { ...fgfiDefaults(config.variant), ...given(config) };
  const parameters = new Parameters(context.random);
  const anchored = anchoredLevels(student, inputSize);
  const taps = tappedLevels(student, config).map((index): Tap => {
    const level = at(anchored, index);
    return { level, index, adapter: createAdapter(parameters, level.name, config, context) };
  });
  return {
    id: 'fgfi',
    parameters,
    inputs: (batch) => ({ ...maskInputs(batch, taps, anchored.length, config), begun: delayFactor(batch, delay) }),
    loss: (teacher, own, inputs) => {
      const losses = taps.map((tap) => levelLoss(squaredError(teacher, own, tap), fed(inputs, `mask.${tap.level.name}`), config.variant));
      return { imitation: tf.mul(tf.mul<tf.Scalar>(tf.addN(losses), weight / taps.length), fed(inputs, 'begun')) };
    },
    pictures: (teacher, own, inputs) => taps.flatMap((tap) => levelPictures(teacher, own, tap, inputs)),
  };
}

/** Without the keys that were left out, which would hide the defaults. */
function given({ weight, delay }: FgfiConfig): Partial<ReturnType<typeof fgfiDefaults>> {
  return { ...(weight === undefined ? {} : { weight }), ...(delay === undefined ? {} : { delay }) };
}

export const fgfi: Method<FgfiConfig> = {
  ...fgfiCard,
  pictures: {
    imitation: { title: 'Imitated cells', form: 'map', caption: 'Cells that own an anchor which overlaps an object nearly as well as the best one; only these are imitated.' },
    overlap: { title: 'Best overlap', form: 'map', caption: 'The best IoU of a cell\'s anchors with the objects of this level: what the choice of cells rests on.' },
    error: { title: 'Imitation error', form: 'map', caption: 'Where the adapted student still differs from the teacher: mean squared difference over channels, at the imitated cells.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(fgfiCard)),
  create,
};
