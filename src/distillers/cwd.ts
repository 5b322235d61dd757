/**
 * CWD: Channel-wise Knowledge Distillation for Dense Prediction (Shu et al., ICCV 2021).
 * Letters as in `docs/methods/cwd.md`: p, q a channel's distribution over the places of its map, of teacher and student, τ temperature.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { float32 } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { placeDivergence, placeLogSoftmax } from '../engine/ops/placeSoftmax.ts';
import { Parameters } from '../engine/parameters.ts';
import { cwdCard } from '../experiment/methods/cwd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment, alignmentIfNeeded } from './shared/align.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { asMap, asPlaces, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sameAnchors, sameClasses, sharing } from './shared/pairing.ts';

export type CwdConfig = Extract<MethodConfig, { method: 'cwd' }>;

// Taps: features or class logits of every level.

interface Tap {
  readonly level: MapLevel;
  /** x / τ and y / τ, [N, H·W, C]; the teacher's is out of reach of gradients. */
  readonly student: tf.Tensor3D;
  readonly teacher: tf.Tensor3D;
}

function tapLevel(teacher: DetectorOutputs, student: DetectorOutputs, level: MapLevel, index: number, align: Layer, config: CwdConfig, inputs: Inputs): Tap {
  const prepared = (map: tf.Tensor4D): tf.Tensor3D => {
    const scaled = tf.mul<tf.Tensor3D>(asPlaces(map), 1 / config.temperature);
    return config.maskPadding ? tf.add(scaled, fed(inputs, `padding.${level.name}`)) : scaled;
  };
  return { level, student: prepared(align(at(student[config.tap], index))), teacher: detached(() => prepared(at(teacher[config.tap], index))) };
}

/** Low enough that nothing of the softmax is left, and far from the ends of float32. */
const OUTSIDE = -1e9;

/** [N, H·W, 1]: 0 in cells that show some of the image, `OUTSIDE` in those that show padding only. */
function paddingOf(level: MapLevel, { inputSize, contentSizes }: BatchTruth): ReturnType<typeof float32> {
  const values = contentSizes.flatMap(([height, width]) => Array.from({ length: level.places }, (_, place) => {
    const [row, column] = [Math.floor(place / level.columns), place % level.columns];
    return row * inputSize[0] < height * level.rows && column * inputSize[1] < width * level.columns ? 0 : OUTSIDE;
  }));
  return float32([contentSizes.length, level.places, 1], Float32Array.from(values));
}

// Adapters: a 1×1 convolution of the student's features where widths differ (or always, on request).

function createAdapter(parameters: Parameters, { name }: MapLevel, { tap, align }: CwdConfig, { teacher, student }: DistillerContext): Layer {
  if (tap === 'logits') return (x) => x;
  const create = align === 'always' ? alignment : alignmentIfNeeded;
  return create(parameters, `distill.cwd.${name}.align`, student.featureChannels, teacher.featureChannels);
}

// Loss: w τ² / (N·C) Σ p (log p − log q), summed over levels; C is the teacher's.

const WEIGHTS = { features: 10, logits: 5 } as const;

function levelLoss({ student, teacher }: Tap, { temperature, constant }: CwdConfig): tf.Scalar {
  const [batch, , channels] = teacher.shape;
  return tf.mul(placeDivergence(student, teacher, constant === 'kl'), temperature ** 2 / (batch * channels));
}

// Pictures: both distributions of one channel, their means over channels, and where they differ.

function levelPictures({ level, student, teacher }: Tap, { channel }: CwdConfig): Picture[] {
  const [batch, places, channels] = teacher.shape;
  const [own, other] = [placeLogSoftmax(student), placeLogSoftmax(teacher)];
  const [q, p] = [tf.exp(own), tf.exp(other)];
  const shown = (values: tf.Tensor3D): tf.Tensor2D => tf.reshape(tf.slice(values, [0, 0, Math.min(channel, channels - 1)], [batch, places, 1]), [batch, places]);
  const map = (kind: string, role: Picture['role'], values: tf.Tensor2D): Picture => ({ kind, role, level: level.name, values: asMap(values, level) });
  const [meanStudent, meanTeacher] = [tf.mean<tf.Tensor2D>(q, 2), tf.mean<tf.Tensor2D>(p, 2)];
  return [
    map('distribution', 'teacher', shown(p)),
    map('distribution', 'student', shown(q)),
    map('distribution', 'difference', tf.sub(shown(q), shown(p))),
    map('meanDistribution', 'teacher', meanTeacher),
    map('meanDistribution', 'student', meanStudent),
    map('meanDistribution', 'difference', tf.sub(meanStudent, meanTeacher)),
    map('divergence', 'difference', tf.sum<tf.Tensor2D>(tf.mul(p, tf.sub(other, own)), 2)),
  ];
}

function create(config: CwdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize).slice(0, config.levels);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, config, context));
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs): Tap[] =>
    levels.map((level, index) => tapLevel(teacher, student, level, index, at(adapters, index), config, inputs));
  return {
    id: 'cwd',
    parameters,
    inputs: (batch) => config.maskPadding ? Object.fromEntries(levels.map((level) => [`padding.${level.name}`, paddingOf(level, batch)])) : {},
    loss: (teacher, student, inputs) => {
      const sum = tf.addN(taps(teacher, student, inputs).map((tap) => levelLoss(tap, config)));
      return { divergence: tf.mul<tf.Scalar>(sum, config.weight ?? WEIGHTS[config.tap]) };
    },
    pictures: (teacher, student, inputs) => taps(teacher, student, inputs).flatMap((tap) => levelPictures(tap, config)),
  };
}

export const cwd: Method<CwdConfig> = {
  ...cwdCard,
  pictures: {
    distribution: { title: 'Distribution of one channel', form: 'map', signed: true, caption: 'Where the channel chosen by `channel` is active: softmax over all places, which sums to 1.' },
    meanDistribution: { title: 'Mean distribution', form: 'map', signed: true, caption: 'Where channels are active: the softmax over all places, averaged over channels.' },
    divergence: { title: 'Divergence', form: 'map', signed: true, caption: 'Where the distributions differ, p (log p − log q) summed over channels: above 0 where the student puts less than the teacher. Its sum is what the loss averages.' },
  },
  problems: (teacher, student, { tap }) => collect(teacher, student, [...sharing(cwdCard), ...(tap === 'logits' ? [sameClasses, sameAnchors] : [])]),
  create,
};
