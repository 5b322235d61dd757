/**
 * PFI: prediction-guided feature imitation (Li et al., "Knowledge Distillation for Object Detection via Rank Mimicking and
 * Prediction-guided Feature Imitation", AAAI 2022). Letters as in `docs/methods/pfi.md`: P and F squared differences of predictions
 * and features at a place. No official code exists; what is a reading of the paper has an option.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { float32 } from '../engine/hostTensor.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { detached } from '../engine/ops/gradient.ts';
import { meanSquare, rowNorms } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { pfiCard } from '../experiment/methods/pfi.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type PfiConfig = Extract<MethodConfig, { method: 'pfi' }>;

// Taps: class logits and FPN features of every level.

interface Tap {
  readonly level: MapLevel;
  /** P, [N, H, W]. */
  readonly prediction: tf.Tensor3D;
  /** F, [N, H, W]. */
  readonly feature: tf.Tensor3D;
}

// Adapters: φ, a 1×1 convolution of the student's features where widths differ (or always, on request).

function createAdapter(parameters: Parameters, { name }: MapLevel, { adapter }: PfiConfig, { teacher, student }: DistillerContext): Layer | undefined {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  if (from === to && adapter === 'auto') return undefined;
  return conv2d(parameters, `distill.pfi.${name}.align`, { in: from, out: to, kernel: 1, biasInit: pytorchBias(from) });
}

// Loss: L_PFI = β (1/L) Σ_l mean P·F, or one of the other readings.

/** P = mean over anchors and classes of (s − t)²; F = mean over channels of (φ(f) − g)². */
function tapLevel(teacher: DetectorOutputs, student: DetectorOutputs, level: MapLevel, index: number, adapter: Layer | undefined, config: PfiConfig): Tap {
  const squash = (logits: tf.Tensor4D): tf.Tensor4D => (config.prediction === 'probability' ? tf.sigmoid(logits) : tf.clone(logits));
  const target = detached(() => squash(at(teacher.logits, index)));
  const predict = (): tf.Tensor3D => meanSquare(tf.sub(squash(at(student.logits, index)), target)) as tf.Tensor3D;
  const own = at(student.features, index);
  const other = detached(() => tf.clone(at(teacher.features, index)));
  return {
    level,
    prediction: config.detachPrediction ? detached(predict) : predict(),
    feature: meanSquare(tf.sub(adapter?.(own) ?? own, other)) as tf.Tensor3D,
  };
}

function levelLoss({ prediction, feature, level }: Tap, form: PfiConfig['form']): tf.Scalar {
  const product = tf.mul<tf.Tensor3D>(prediction, feature);
  if (form === 'mean') return tf.mean(product);
  if (form === 'squared') return tf.mean(tf.square(product));
  const rows = tf.reshape<tf.Rank.R2>(product, [product.shape[0], level.places]);
  return tf.mul(tf.mean(rowNorms(rows)), 1 / rows.size);
}

// Pictures: where predictions differ, where features differ, and where both do.

function levelPictures({ level: { name }, prediction, feature }: Tap): Picture[] {
  return [
    { kind: 'predictionDifference', role: 'difference', level: name, values: prediction },
    { kind: 'featureDifference', role: 'difference', level: name, values: feature },
    { kind: 'product', role: 'shared', level: name, values: tf.mul(prediction, feature) },
  ];
}

function create(config: PfiConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, config, context));
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Tap[] =>
    levels.map((level, index) => tapLevel(teacher, student, level, index, adapters[index], config));
  return {
    id: 'pfi',
    parameters,
    inputs: ({ step }) => config.warmup === 0 ? {}
      : { warmup: float32([], new Float32Array([step === undefined ? 1 : Math.min(1, step / config.warmup)])) },
    loss: (teacher, student, inputs) => {
      const sum = tf.addN(taps(teacher, student).map((tap) => levelLoss(tap, config.form)));
      const weighted = tf.mul<tf.Scalar>(sum, config.weight / levels.length);
      return { imitation: config.warmup === 0 ? weighted : tf.mul(weighted, fed(inputs, 'warmup')) };
    },
    pictures: (teacher, student) => taps(teacher, student).flatMap(levelPictures),
  };
}

export const pfi: Method<PfiConfig> = {
  ...pfiCard,
  pictures: {
    predictionDifference: { title: 'Prediction difference', form: 'map', caption: 'Where student and teacher disagree on classes: mean squared difference of their class predictions at each cell.' },
    featureDifference: { title: 'Feature difference', form: 'map', caption: 'Where their features differ: mean squared difference over channels. It rarely lies where predictions differ.' },
    product: { title: 'Weighted difference', form: 'map', caption: 'What the loss averages: feature difference times prediction difference, so features count where predictions are wrong.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(pfiCard)),
  create,
};
