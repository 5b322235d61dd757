/**
 * FGD: Focal and Global Knowledge Distillation for Detectors (Yang et al., CVPR 2022).
 * Letters as in `docs/methods/fgd.md`: S, T features, M masks of boxes, A^S and A^C spatial and channel attention, τ temperature.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits } from '../detectors/detector.ts';
import { float32 } from '../engine/hostTensor.ts';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias } from '../engine/layers/init.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { detached } from '../engine/ops/gradient.ts';
import { sumOfSquares, weightedSquares } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { fgdDefaults } from '../experiment/methods/fgdDefaults.ts';
import { fgdCard } from '../experiment/methods/fgd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { attentionOf } from './shared/attention.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { inverseDeviations } from './shared/deviations.ts';
import { contextBlock, type ContextBlock } from './fgdContext.ts';
import { boxMasks } from './fgdMasks.ts';
import { asMap, asPlaces, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';

export type FgdConfig = Extract<MethodConfig, { method: 'fgd' }>;

// Taps: the output of every level's last convolution, teacher level against student level.

const enoughChannels: Check = (teacher) => teacher.featureChannels >= 4 ? undefined : new DistillError(
  'DL510', 'FGD needs at least 4 channels in the teacher\'s feature maps: its global part normalises over half of them.',
  { expected: '4 or more', got: String(teacher.featureChannels), advice: 'Use a teacher with a wider neck (`neck.channels`).' },
);

interface Tap {
  readonly level: MapLevel;
  /** Student's map, aligned to the teacher's width, [N, H, W, C]. */
  readonly student: tf.Tensor4D;
  /** Teacher's map, out of reach of gradients; what is made of it is so too, save for the weights of its own block. */
  readonly teacher: tf.Tensor4D;
}

// Adapters: a 1×1 convolution where widths differ, and a global-context block on either side; none shared between levels.

interface Adapters {
  readonly align: Layer | undefined;
  readonly student: ContextBlock;
  readonly teacher: ContextBlock;
}

function createAdapters(parameters: Parameters, level: MapLevel, studentChannels: number, channels: number): Adapters {
  const prefix = `distill.fgd.${level.name}`;
  return {
    align: studentChannels === channels ? undefined
      : conv2d(parameters, `${prefix}.align`, { in: studentChannels, out: channels, kernel: 1, biasInit: pytorchBias(studentChannels) }),
    student: contextBlock(parameters, prefix, 's', channels),
    teacher: contextBlock(parameters, prefix, 't', channels),
  };
}

// Loss: α L_fg + β L_bg + γ L_at + λ L_re, summed over levels.

interface Weights { readonly foreground: number; readonly background: number; readonly attention: number; readonly global: number }
type Part = keyof Weights;
const PARTS: readonly Part[] = ['foreground', 'background', 'attention', 'global'];

/** What the published weights are tuned for: 256 channels, 5 levels, the cells of an 800 × 1333 input. */
const PUBLISHED = { channels: 256, levels: 5, cells: 22_400 };

function weightsOf(config: FgdConfig, { student, teacher }: DistillerContext, levels: readonly MapLevel[]): Weights & { temperature: number } {
  const { temperature, alpha, beta, gamma, lambda } = { ...fgdDefaults(student.detector), ...defined(config) };
  const cells = levels.reduce((sum, { places }) => sum + places, 0);
  const normalized = config.scale === 'normalized';
  const channels = normalized ? PUBLISHED.channels / teacher.featureChannels : 1;
  const perLevel = normalized ? PUBLISHED.levels / levels.length : 1;
  const perCell = normalized ? PUBLISHED.cells / cells : 1;
  return {
    temperature,
    foreground: config.weight * alpha * channels * perLevel,
    background: config.weight * beta * channels * perLevel,
    attention: config.weight * gamma * perCell,
    global: config.weight * lambda * perCell * channels,
  };
}

/** Without the keys that were left out, which would hide the defaults. */
function defined({ temperature, alpha, beta, gamma, lambda }: FgdConfig): Partial<ReturnType<typeof fgdDefaults>> {
  const given = { temperature, alpha, beta, gamma, lambda };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function levelLoss({ level, student, teacher }: Tap, adapters: Adapters, temperature: number, inputs: Inputs): Record<Part, tf.Scalar> {
  const [S, T] = [asPlaces(student), asPlaces(teacher)];
  const [batch, , channels] = S.shape;
  const own = attentionOf(S, temperature);
  const { spatial, channel } = attentionOf(T, temperature);
  const difference = tf.sub<tf.Tensor3D>(S, T);
  // Σ_c D / A^S: the teacher's attention weighs both features.
  const focal = weightedSquares(difference, channel);
  const masked = (mask: string): tf.Scalar => {
    const weight = tf.mul(spatial, fed(inputs, `${mask}.${level.name}`));
    return tf.sum(tf.mul(focal, weight));
  };
  const additions = tf.sub(adapters.student.addition(student), adapters.teacher.addition(teacher));
  return {
    foreground: masked('foreground'),
    background: masked('background'),
    attention: tf.add(tf.sum(absolute(tf.sub(channel, own.channel))), tf.sum(absolute(tf.sub(spatial, own.spatial)))),
    // GC(S) − GC(T) = (S − T) + (what either block adds).
    global: sumOfSquares(tf.add(difference, tf.reshape(additions, [batch, 1, channels]))),
  };
}

// Pictures: masks of boxes, attention of both networks, where the global-context blocks look.

function levelPictures({ level, student, teacher }: Tap, adapters: Adapters, temperature: number, inputs: Inputs): Picture[] {
  const [ofStudent, ofTeacher] = [attentionOf(asPlaces(student), temperature), attentionOf(asPlaces(teacher), temperature)];
  const map = (kind: string, role: Picture['role'], values: tf.Tensor2D): Picture => ({ kind, role, level: level.name, values: asMap(values, level) });
  const bars = (role: Picture['role'], values: tf.Tensor2D): Picture => ({ kind: 'channelAttention', role, level: level.name, values });
  return [
    map('fg', 'shared', fed(inputs, `foreground.${level.name}`) as tf.Tensor2D),
    map('bg', 'shared', fed(inputs, `background.${level.name}`) as tf.Tensor2D),
    map('spatialAttention', 'teacher', ofTeacher.spatial),
    map('spatialAttention', 'student', ofStudent.spatial),
    map('spatialAttention', 'difference', tf.sub(ofStudent.spatial, ofTeacher.spatial)),
    map('context', 'teacher', adapters.teacher.attention(teacher)),
    map('context', 'student', adapters.student.attention(student)),
    bars('teacher', ofTeacher.channel),
    bars('student', ofStudent.channel),
  ];
}

function create(config: FgdConfig, context: DistillerContext): Distiller {
  const { teacher: teacherTraits, student: studentTraits } = context;
  const levels = mapLevels(studentTraits, context.inputSize);
  const { temperature, ...weights } = weightsOf(config, context, levels);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapters(parameters, level, studentTraits.featureChannels, teacherTraits.featureChannels));
  const factors = config.scale === 'normalized' ? inverseDeviations(levels, context) : undefined;

  const tap = (teacher: readonly tf.Tensor4D[], student: readonly tf.Tensor4D[], index: number): Tap => {
    const scaled = (map: tf.Tensor4D): tf.Tensor4D => factors === undefined ? map : tf.mul(map, at(factors, index));
    const own = scaled(at(student, index));
    return {
      level: at(levels, index), student: at(adapters, index).align?.(own) ?? own,
      teacher: detached(() => factors === undefined ? tf.clone(at(teacher, index)) : scaled(at(teacher, index))),
    };
  };

  return {
    id: 'fgd',
    parameters,
    inputs: ({ truth, inputSize, contentSizes }) => {
      const scales = truth.map((_, image) => config.boxScale === 'image' ? at(contentSizes, image) : inputSize);
      const boxes = truth.map((image) => image.boxes);
      return Object.fromEntries(levels.flatMap((level) => {
        const shape = [truth.length, level.places];
        const { foreground, background } = boxMasks(level, boxes, scales);
        return [[`foreground.${level.name}`, float32(shape, foreground)], [`background.${level.name}`, float32(shape, background)]];
      }));
    },
    loss: (teacher, student, inputs) => {
      const byLevel = levels.map((_, index) => levelLoss(tap(teacher.features, student.features, index), at(adapters, index), temperature, inputs));
      return Object.fromEntries(PARTS.map((part) => [part, tf.mul<tf.Scalar>(tf.addN(byLevel.map((losses) => losses[part])), weights[part] / at(student.features, 0).shape[0])]));
    },
    pictures: (teacher, student, inputs) =>
      levels.flatMap((_, index) => levelPictures(tap(teacher.features, student.features, index), at(adapters, index), temperature, inputs)),
  };
}

export const fgd: Method<FgdConfig> = {
  ...fgdCard,
  pictures: {
    fg: { title: 'Foreground mask', form: 'map', caption: 'What counts as object: each cell inside a box weighs 1 / (cells of the box); where boxes overlap the smallest wins.' },
    bg: { title: 'Background mask', form: 'map', caption: 'What counts as background: all cells outside boxes weigh the same and sum to 1.' },
    spatialAttention: { title: 'Spatial attention', form: 'map', signed: true, caption: 'Where the network looks: softmax over all places of the mean absolute activation divided by τ; the mean is 1.' },
    context: { title: 'Global context', form: 'map', caption: 'Where the trained global-context block takes its context from: a softmax over all places that sums to 1.' },
    channelAttention: { title: 'Channel attention', form: 'bars', caption: 'Which channels speak: softmax over channels of the mean absolute activation divided by τ; the mean is 1.' },
  },
  problems: (teacher: DetectorTraits, student: DetectorTraits) => collect(teacher, student, [...sharing(fgdCard), enoughChannels]),
  create,
};
