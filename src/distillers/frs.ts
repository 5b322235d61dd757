/**
 * FRS: Distilling Object Detectors with Feature Richness (Du et al., NeurIPS 2021).
 * Letters as in `docs/methods/frs.md`: f, g features and s, t class logits of student and teacher, m the richness of a cell.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { binaryCrossEntropy } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { Parameters } from '../engine/parameters.ts';
import { frsCard, frsDefaults } from '../experiment/methods/frs.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { warmupFactor } from './shared/pace.ts';
import { collect, sameLevels, sharing } from './shared/pairing.ts';

export type FrsConfig = Extract<MethodConfig, { method: 'frs' }>;

// Taps: features and class logits of every level of both networks.

/** m: the best probability among a cell's anchors and classes, [N, H, W, 1]. */
function richness(logits: tf.Tensor4D): tf.Tensor4D {
  return tf.sigmoid(tf.max<tf.Tensor4D>(logits, 3, true));
}

/** Σm may be nearly 0 where the teacher is sure of nothing; the quotient stays defined. */
const LEAST_SUM = 1e-12;

/** m / Σm over the batch, out of reach of gradients. */
function shares(teacher: DetectorOutputs, level: number): tf.Tensor4D {
  return detached(() => {
    const mask = richness(at(teacher.logits, level));
    return tf.div<tf.Tensor4D>(mask, tf.maximum(tf.sum(mask), LEAST_SUM));
  });
}

// Adapters: a convolution of the student's features for each level.

function createAdapter(parameters: Parameters, { name }: MapLevel, { kernel }: FrsConfig, { teacher, student }: DistillerContext): Layer {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  return conv2d(parameters, `distill.frs.${name}.align`, { in: from, out: to, kernel, biasInit: pytorchBias(from * kernel ** 2) });
}

// Loss: w_f Σ_l Σ (g − φ(f))² m / Σm + w_c Σ_l Σ BCE(σ(s), σ(t)) m / Σm.

function featureLoss(teacher: DetectorOutputs, student: DetectorOutputs, level: number, adapter: Layer): tf.Scalar {
  const target = detached(() => tf.clone(at(teacher.features, level)));
  return tf.sum(tf.mul(tf.square(tf.sub(adapter(at(student.features, level)), target)), shares(teacher, level)));
}

/** Logarithms of probabilities are held at −100, as PyTorch holds them. */
const LOGIT_LIMIT = 100;

function classLoss(teacher: DetectorOutputs, student: DetectorOutputs, level: number): tf.Scalar {
  const target = detached(() => tf.sigmoid(at(teacher.logits, level)));
  const logits = tf.clipByValue(at(student.logits, level), -LOGIT_LIMIT, LOGIT_LIMIT);
  return tf.sum(tf.mul(binaryCrossEntropy(logits, target), shares(teacher, level)));
}

// Pictures: the richness of both networks.

function levelPictures(teacher: DetectorOutputs, student: DetectorOutputs, { name: level }: MapLevel, index: number): Picture[] {
  const [own, other] = [student, teacher].map(({ logits }) => tf.squeeze(richness(at(logits, index)), [3])) as [tf.Tensor, tf.Tensor];
  return [
    { kind: 'richness', role: 'teacher', level, values: other },
    { kind: 'richness', role: 'student', level, values: own },
    { kind: 'richness', role: 'difference', level, values: tf.sub(own, other) },
  ];
}

function create(config: FrsConfig, context: DistillerContext): Distiller {
  const { student, teacher, inputSize } = context;
  const levels = mapLevels(student, inputSize);
  const { featureWeight, classWeight } = weightsOf(config, student.detector);
  const perChannel = config.normaliseChannels ? 256 / teacher.featureChannels : 1;
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, config, context));
  return {
    id: 'frs',
    parameters,
    inputs: (batch) => ({ warmup: warmupFactor(batch, config.warmup) }),
    loss: (taught, own, inputs) => {
      const part = (losses: tf.Scalar[], weight: number): tf.Scalar => tf.mul(tf.mul(tf.addN(losses), config.weight * weight), fed(inputs, 'warmup'));
      return {
        feature: part(adapters.map((adapter, level) => featureLoss(taught, own, level, adapter)), featureWeight * perChannel),
        ...(classWeight > 0 ? { classification: part(levels.map((_, level) => classLoss(taught, own, level)), classWeight) } : {}),
      };
    },
    pictures: (taught, own) => levels.flatMap((level, index) => levelPictures(taught, own, level, index)),
  };
}

function weightsOf({ featureWeight, classWeight }: FrsConfig, detector: string): ReturnType<typeof frsDefaults> {
  const published = frsDefaults(detector);
  return { featureWeight: featureWeight ?? published.featureWeight, classWeight: classWeight ?? published.classWeight };
}

export const frs: Method<FrsConfig> = {
  ...frsCard,
  pictures: {
    richness: { title: 'Feature richness', form: 'map', signed: true, caption: 'How sure the network is of anything at a cell: its best probability over anchors and classes. The teacher\'s is the mask of both losses; rich cells outside boxes and poor ones inside are what the method is about.' },
  },
  // Without the class part, heads need not agree; features are compared all the same.
  problems: (teacher, student, config) => collect(teacher, student, weightsOf(config, student.detector).classWeight > 0 ? sharing(frsCard) : [sameLevels]),
  create,
};
