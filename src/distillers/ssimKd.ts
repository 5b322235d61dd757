/**
 * SSIM-KD: Structural Knowledge Distillation for Object Detection (de Rijk et al., NeurIPS 2022).
 * Letters as in `docs/methods/ssim-kd.md`: S, T features brought to 0 … 1, μ, σ² and cov their moments in a Gaussian window.
 * No training code was released; over what features are brought to 0 … 1 is a reading.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { gaussianBlur } from '../engine/ops/gaussianBlur.ts';
import { detached } from '../engine/ops/gradient.ts';
import { minMax } from '../engine/ops/minMax.ts';
import { Parameters } from '../engine/parameters.ts';
import { ssimKdCard } from '../experiment/methods/ssimKd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment, alignmentIfNeeded } from './shared/align.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { at, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type SsimKdConfig = Extract<MethodConfig, { method: 'ssim-kd' }>;

// Taps: the neck's output at every level, brought to 0 … 1.

/** Axes over which least and largest are taken, of [N, H, W, C]. */
const AXES: Readonly<Record<Exclude<SsimKdConfig['normalise'], 'none'>, readonly number[]>> = {
  perTensor: [0, 1, 2, 3], perImage: [1, 2, 3], perChannel: [0, 1, 2], perImageChannel: [1, 2],
};

function normalised(map: tf.Tensor4D, normalise: SsimKdConfig['normalise']): tf.Tensor4D {
  return normalise === 'none' ? tf.clone(map) : minMax(map, AXES[normalise]);
}

// Adapters: a 1×1 convolution of the student's features where widths differ (or always, on request).

function createAdapter(parameters: Parameters, { name }: MapLevel, { adapter }: SsimKdConfig, { teacher, student }: DistillerContext): Layer {
  const create = adapter === 'always' ? alignment : alignmentIfNeeded;
  return create(parameters, `distill.ssim-kd.${name}.align`, student.featureChannels, teacher.featureChannels);
}

// Loss: λ Σ_l mean of (1 − SSIM) / 2.

/** All [N, H, W, C]; SSIM is the product of the first two. */
interface Similarity {
  /** How well means agree, 0 … 1. */
  readonly luminance: tf.Tensor4D;
  /** How well deviations and patterns agree, −1 … 1. */
  readonly structure: tf.Tensor4D;
  /** (1 − SSIM) / 2, 0 … 1. */
  readonly difference: tf.Tensor4D;
}

/** Keeps a quotient finite whose denominator is 0 (only with tiny k1, k2). */
const LEAST = 1e-12;

/** @param T constant */
function compare(S: tf.Tensor4D, T: tf.Tensor4D, { window, deviation, k1, k2 }: SsimKdConfig): Similarity {
  const blur = (x: tf.Tensor4D): tf.Tensor4D => gaussianBlur(x, window, deviation);
  const [c1, c2] = [k1 ** 2, k2 ** 2];
  const [mS, mT, squareT] = [blur(S), detached(() => blur(T)), detached(() => blur(tf.square(T)))];
  const products = tf.mul(mS, mT);
  const squares = tf.add(tf.square(mS), tf.square(mT));
  const covariance = tf.sub(blur(tf.mul(S, T)), products);
  const variances = tf.sub(tf.add(blur(tf.square(S)), squareT), squares);
  const [means, spread] = [tf.add(squares, c1), tf.add(variances, c2)];
  const [luminance, structure] = [tf.add(tf.mul(products, 2), c1), tf.add(tf.mul(covariance, 2), c2)];
  const similarity = tf.div(tf.mul(luminance, structure), tf.add(tf.mul(means, spread), LEAST));
  return {
    luminance: tf.div(luminance, means),
    structure: tf.div(structure, spread),
    difference: tf.clipByValue(tf.mul<tf.Tensor4D>(tf.sub(1, similarity), 0.5), 0, 1),
  };
}

// Pictures: where structures differ, and its two factors.

function levelPictures({ luminance, structure, difference }: Similarity, level: string): Picture[] {
  const map = (kind: string, role: Picture['role'], values: tf.Tensor4D): Picture => ({ kind, role, level, values: tf.mean(values, 3) });
  return [map('dssim', 'difference', difference), map('luminance', 'shared', luminance), map('structure', 'shared', structure)];
}

function create(config: SsimKdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, config, context));
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Similarity[] => levels.map((_, index) => {
    const own = normalised(at(adapters, index)(at(student.features, index)), config.normalise);
    return compare(own, detached(() => normalised(at(teacher.features, index), config.normalise)), config);
  });
  return {
    id: 'ssim-kd',
    parameters,
    inputs: () => ({}),
    loss: (teacher, student) => ({ structure: tf.mul<tf.Scalar>(tf.addN(taps(teacher, student).map(({ difference }) => tf.mean<tf.Scalar>(difference))), config.weight) }),
    pictures: (teacher, student) => taps(teacher, student).flatMap((tap, index) => levelPictures(tap, at(levels, index).name)),
  };
}

export const ssimKd: Method<SsimKdConfig> = {
  ...ssimKdCard,
  pictures: {
    dssim: { title: 'Structural difference', form: 'map', caption: 'Where the features\' structure differs: (1 − SSIM) / 2 around each cell, averaged over channels. 0: the same, 0.5: unrelated, 1: reversed.' },
    luminance: { title: 'Agreement of means', form: 'map', caption: 'How well the local means of both networks agree, 0 to 1, averaged over channels.' },
    structure: { title: 'Agreement of patterns', form: 'map', caption: 'How well local deviations and patterns agree once means are taken off, −1 to 1, averaged over channels.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(ssimKdCard)),
  create,
};
