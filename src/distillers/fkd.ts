/**
 * FKD: Improve Object Detection with Feature-based Knowledge Distillation (Zhang & Ma, ICLR 2021), called structured knowledge
 * distillation in its TPAMI 2023 extension. Letters as in `docs/methods/fkd.md`: S, T features, A attention, M mask, NL non-local blocks.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { detached } from '../engine/ops/gradient.ts';
import { wholeNorm } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { fkdCard, fkdDefaults, type FkdWeights } from '../experiment/methods/fkd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment } from './shared/align.ts';
import { attentionOf } from './shared/attention.ts';
import { type Distiller, type DistillerContext, type Method, type Picture } from './distiller.ts';
import { nonLocalBlock, type NonLocalBlock } from './fkdNonLocal.ts';
import { asMap, asPlaces, at, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type FkdConfig = Extract<MethodConfig, { method: 'fkd' }>;

// Taps: the neck's output at every level, teacher level against student level.

interface Tap {
  readonly level: MapLevel;
  readonly student: tf.Tensor4D;
  /** Out of reach of gradients; what its own non-local block makes of it is not, for the block's weights. */
  readonly teacher: tf.Tensor4D;
}

// Adapters: of each level, four adapters of the student's side and a non-local block on either side; none shared between levels.

interface Adapters {
  readonly feature: Layer;
  readonly channel: RowLayer;
  readonly spatial: Layer;
  readonly nonlocal: Layer;
  readonly studentBlock: NonLocalBlock;
  readonly teacherBlock: NonLocalBlock;
}

function createAdapters(parameters: Parameters, { name }: MapLevel, index: number, config: FkdConfig, { student, teacher }: DistillerContext): Adapters {
  const prefix = `distill.fkd.${name}`;
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  const shape = { reduction: ofLevel(config.reduction, index), pooling: ofLevel(config.pooling, index) };
  return {
    feature: alignment(parameters, `${prefix}.feat_adapt`, from, to),
    channel: linear(parameters, `${prefix}.channel_adapt`, { in: from, out: to }),
    spatial: conv2d(parameters, `${prefix}.spatial_adapt`, { in: 1, out: 1, kernel: 3, biasInit: pytorchBias(9) }),
    nonlocal: alignment(parameters, `${prefix}.nonlocal_adapt`, from, to),
    studentBlock: nonLocalBlock(parameters, `${prefix}.student_nonlocal`, { ...shape, channels: from, trainable: true }),
    teacherBlock: nonLocalBlock(parameters, `${prefix}.teacher_nonlocal`, { ...shape, channels: to, trainable: !config.freezeTeacherNonLocal }),
  };
}

/** The last entry counts for all levels that have none. */
function ofLevel(values: readonly number[], index: number): number {
  return at(values, Math.min(index, values.length - 1));
}

// Loss: w1 L_feat + w2 L_channel + w3 L_spatial + w4 L_nonlocal, each the length of a difference over the whole batch, summed over levels.

type Part = 'feature' | 'channel' | 'spatial' | 'nonlocal';
const PARTS: readonly Part[] = ['feature', 'channel', 'spatial', 'nonlocal'];

function weightsOf(config: FkdConfig, detector: string): Record<Part, number> {
  const defaults = fkdDefaults(detector);
  const of = (key: keyof FkdWeights): number => config.weight * (config[key] ?? defaults[key]);
  return { feature: of('featureWeight'), channel: of('channelWeight'), spatial: of('spatialWeight'), nonlocal: of('nonlocalWeight') };
}

/** M, the mean of both networks' attention, [N, H·W]. */
function maskOf({ student, teacher }: Tap, temperature: number): tf.Tensor2D {
  const [own, other] = [attentionOf(asPlaces(student), temperature), attentionOf(asPlaces(teacher), temperature)];
  return tf.mul(tf.add<tf.Tensor2D>(own.spatial, other.spatial), 0.5);
}

/** The same of channels, [N, C]; where widths differ the student's are those that the adapter makes. */
function channelMaskOf({ student, teacher }: Tap, adapted: tf.Tensor4D, temperature: number): tf.Tensor2D {
  const own = student.shape[3] === teacher.shape[3] ? student : adapted;
  const [ofStudent, ofTeacher] = [attentionOf(asPlaces(own), temperature), attentionOf(asPlaces(teacher), temperature)];
  return tf.mul(tf.add<tf.Tensor2D>(ofStudent.channel, ofTeacher.channel), 0.5);
}

function levelLoss(tap: Tap, adapters: Adapters, { temperature, useChannelMask }: FkdConfig): Record<Part, tf.Scalar> {
  const { student, teacher } = tap;
  const adapted = adapters.feature(student);
  const [batch, , , channels] = teacher.shape;
  // Σ d² M = Σ (d √M)²
  const root = detached(() => {
    const spatial = tf.reshape(tf.sqrt(maskOf(tap, temperature)), [batch, -1, 1]);
    return useChannelMask ? tf.mul(spatial, tf.reshape(tf.sqrt(channelMaskOf(tap, adapted, temperature)), [batch, 1, channels])) : spatial;
  });
  const channelMeans = (x: tf.Tensor4D): tf.Tensor => tf.mean(asPlaces(x), 1);
  const spatialMeans = (x: tf.Tensor4D): tf.Tensor4D => tf.mean(x, 3, true);
  return {
    feature: wholeNorm(tf.mul(tf.sub(asPlaces(teacher), asPlaces(adapted)), root)),
    channel: wholeNorm(tf.sub(channelMeans(teacher), adapters.channel(channelMeans(student)))),
    spatial: wholeNorm(tf.sub(spatialMeans(teacher), adapters.spatial(spatialMeans(student)))),
    nonlocal: wholeNorm(tf.sub(adapters.nonlocal(adapters.studentBlock.apply(student)), adapters.teacherBlock.apply(teacher))),
  };
}

// Pictures: the mask and both attentions, how the middle place relates to others, attention of channels.

function levelPictures(tap: Tap, adapters: Adapters, { temperature }: FkdConfig): Picture[] {
  const { level, student, teacher } = tap;
  const [own, other] = [attentionOf(asPlaces(student), temperature), attentionOf(asPlaces(teacher), temperature)];
  const map = (kind: string, role: Picture['role'], values: tf.Tensor): Picture => ({ kind, role, level: level.name, values });
  return [
    map('mask', 'shared', asMap(maskOf(tap, temperature), level)),
    map('attention', 'teacher', asMap(other.spatial, level)),
    map('attention', 'student', asMap(own.spatial, level)),
    map('attention', 'difference', asMap(tf.sub(own.spatial, other.spatial), level)),
    map('relation', 'teacher', adapters.teacherBlock.relation(teacher)),
    map('relation', 'student', adapters.studentBlock.relation(student)),
    map('channelAttention', 'teacher', other.channel),
    map('channelAttention', 'student', own.channel),
  ];
}

function create(config: FkdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const weights = weightsOf(config, context.student.detector);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level, index) => createAdapters(parameters, level, index, config, context));
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Tap[] =>
    levels.map((level, index) => ({ level, student: at(student.features, index), teacher: detached(() => tf.clone(at(teacher.features, index))) }));
  return {
    id: 'fkd',
    parameters,
    inputs: () => ({}),
    loss: (teacher, student) => {
      const byLevel = taps(teacher, student).map((tap, index) => levelLoss(tap, at(adapters, index), config));
      return Object.fromEntries(PARTS.map((part) => [part, tf.mul<tf.Scalar>(tf.addN(byLevel.map((losses) => losses[part])), weights[part])]));
    },
    pictures: (teacher, student) => taps(teacher, student).flatMap((tap, index) => levelPictures(tap, at(adapters, index), config)),
  };
}

export const fkd: Method<FkdConfig> = {
  ...fkdCard,
  pictures: {
    mask: { title: 'Mask', form: 'map', caption: 'What the feature difference is weighed by: the mean of both networks\' attention; the mean is 1.' },
    attention: { title: 'Spatial attention', form: 'map', signed: true, caption: 'Where the network looks: softmax over all places of the mean absolute activation divided by the temperature; the mean is 1.' },
    relation: { title: 'Relation of the middle', form: 'map', caption: 'How the place in the middle of the map relates to all others in the trained non-local block, on its pooled grid; of any sign.' },
    channelAttention: { title: 'Channel attention', form: 'bars', caption: 'Which channels speak: softmax over channels of the mean absolute activation divided by the temperature; the mean is 1.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(fkdCard)),
  create,
};
