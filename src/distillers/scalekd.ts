/**
 * ScaleKD: Distilling Scale-Aware Knowledge in Small Object Detector (Zhu et al., CVPR 2023). No reference code exists: what the
 * paper's summaries leave open is our choice, and `docs/methods/scalekd.md` says so. Letters as there: S, T maps, F the assistant's.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type HeadOutputs } from '../detectors/detector.ts';
import { area } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { resizeBilinear } from '../engine/ops/resize.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { scalekdCard } from '../experiment/methods/scalekd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { featureScaler } from './shared/deviations.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture, type StepTensors, type TrainedNetworks } from './distiller.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { warmupFactor } from './shared/pace.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';
import { createAssistant, type Assistant } from './scalekdAssistant.ts';
import { averageWindow, branchesOf, branchLoss, studentBranches, type StudentBranches } from './scalekdBranches.ts';
import { imitation, predictionInputs, predictionsOf } from './scalekdPredictions.ts';

export type ScalekdConfig = Extract<MethodConfig, { method: 'scalekd' }>;

// Taps: features of every level, and the predictions of teacher, student and assistant.

const sameDetector: Check = (teacher, student) => teacher.detector === student.detector ? undefined : new DistillError(
  'DL571', 'ScaleKD trains its assistant with the teacher\'s head and the student\'s loss, which must belong to the same detector.',
  { expected: `the teacher's detector ${teacher.detector}`, got: student.detector, advice: 'Give both networks the same `detector`.' },
);

function networksOf({ networks }: DistillerContext): Required<TrainedNetworks> {
  if (networks?.teacher === undefined) throw new Error('ScaleKD sends features through the teacher\'s head, and was given none');
  return { student: networks.student, teacher: networks.teacher };
}

/** The cell of each image's smallest object on the finest level, [N, H·W]; none where there is no object. */
function smallestInputs({ truth }: BatchTruth, { rows, columns, places }: MapLevel, stride: number): HostTensors {
  const chosen = new Float32Array(truth.length * places);
  truth.forEach(({ boxes }, image) => {
    const [smallest] = boxes.toSorted((a, b) => area(a) - area(b));
    if (smallest === undefined) return;
    const cell = (from: number, to: number, cells: number): number => Math.min(Math.max(Math.floor((from + to) / 2 / stride), 0), cells - 1);
    chosen[image * places + cell(smallest[1], smallest[3], rows) * columns + cell(smallest[0], smallest[2], columns)] = 1;
  });
  return { smallest: float32([truth.length, places], chosen) };
}

// Adapters: the student's branches, the assistant's attention, and a 1×1 convolution where widths differ.

interface Adapters {
  readonly branches: StudentBranches;
  readonly align: Layer;
  readonly assistant: Assistant;
}

function createAdapters(parameters: Parameters, levels: readonly MapLevel[], config: ScalekdConfig, { teacher, student }: DistillerContext): Adapters[] {
  const [from, channels] = [student.featureChannels, teacher.featureChannels];
  return levels.map((level) => ({
    branches: studentBranches(parameters, `distill.scalekd.${level.name}`, config.dilations, from, channels),
    align: alignmentIfNeeded(parameters, `distill.scalekd.${level.name}.align`, from, channels),
    assistant: createAssistant(parameters, `distill.scalekd.${level.name}.assistant`, level, { channels, rates: config.rates, heads: config.heads, maxTokens: config.maxTokens }),
  }));
}

// Loss: branches of features; the assistant's detection; classes and boxes from the teacher to the assistant and on to the student.

function scaleLoss(teacher: readonly tf.Tensor4D[], student: readonly tf.Tensor4D[], adapters: readonly Adapters[], { dilations, branchWeights }: ScalekdConfig): tf.Scalar {
  return tf.addN(adapters.map(({ branches }, level) => {
    const target = detachedBranches(at(teacher, level), dilations);
    return branchLoss(branches(at(student, level)), target, branchWeights);
  }));
}

function detachedBranches(map: tf.Tensor4D, dilations: readonly number[]): tf.Tensor4D[] {
  return dilations.map((rate) => detached(() => at(branchesOf(map, [rate], averageWindow), 0)));
}

/** Predictions of the teacher's head on the assistant's maps. */
function assist(teacher: DetectorOutputs, student: DetectorOutputs, adapters: readonly Adapters[], networks: Required<TrainedNetworks>): HeadOutputs {
  const maps = adapters.map(({ align, assistant }, level) => assistant.run(align(at(student.features, level)), detached(() => tf.clone(at(teacher.features, level)))));
  return networks.teacher.head.run(maps);
}

function lossesOf(teacher: DetectorOutputs, student: DetectorOutputs, adapters: readonly Adapters[], context: DistillerContext, inputs: Inputs, { targets }: StepTensors): Record<'assistant' | 'classification' | 'box', tf.Scalar> {
  const networks = networksOf(context);
  const assisted = assist(teacher, student, adapters, networks);
  const [own, between, above] = [
    predictionsOf(student, context.student, context.inputSize), predictionsOf(assisted, context.teacher, context.inputSize), predictionsOf(teacher, context.teacher, context.inputSize),
  ];
  const [toAssistant, toStudent] = [imitation(between, above, inputs), imitation(own, between, inputs)];
  return {
    assistant: tf.addN(Object.values(networks.student.loss(assisted, targets))),
    classification: tf.add(toAssistant.classification, toStudent.classification), box: tf.add(toAssistant.box, toStudent.box),
  };
}

// Pictures: how far apart the branches are, and where the assistant looks for the smallest object.

const BRANCHES = ['firstBranch', 'secondBranch', 'thirdBranch'] as const;

function levelPictures(teacher: tf.Tensor4D, student: tf.Tensor4D, { name }: MapLevel, { branches }: Adapters, dilations: readonly number[]): Picture[] {
  const target = detachedBranches(teacher, dilations);
  return branches(student).map((branch, index): Picture => ({ kind: at(BRANCHES, index), role: 'difference', level: name, values: tf.mean(tf.abs(tf.sub(branch, at(target, index))), 3) }));
}

function attentionPicture(teacher: tf.Tensor4D, student: tf.Tensor4D, { name, rows, columns }: MapLevel, { align, assistant }: Adapters, inputs: Inputs): Picture {
  const chosen = fed(inputs, 'smallest') as tf.Tensor2D;
  const looks = assistant.looks(align(student), teacher, chosen);
  const shown = tf.mul(resizeBilinear(tf.expandDims(looks, 3), [rows, columns]), tf.reshape(tf.sum(chosen, 1), [looks.shape[0], 1, 1, 1]));
  return { kind: 'attention', role: 'teacher', level: name, values: tf.squeeze(shown, [3]) };
}

function create(config: ScalekdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, levels, config, context);
  // The branches alone: what goes through a head must be as large as the head knows it.
  const scaled = featureScaler(config.scale, levels, context);
  return {
    id: 'scalekd',
    parameters,
    inputs: (batch) => ({
      ...predictionInputs(batch), ...smallestInputs(batch, at(levels, 0), at(context.student.levels, 0).stride),
      ...(config.warmup === 0 ? {} : { warmup: warmupFactor(batch, config.warmup) }),
    }),
    loss: (teacher, student, inputs, step) => {
      const parts = { branches: scaleLoss(scaled(teacher.features), scaled(student.features), adapters, config), ...lossesOf(teacher, student, adapters, context, inputs, step) };
      return Object.fromEntries((Object.keys(parts) as (keyof typeof parts)[]).map((part) => {
        const weighted = tf.mul<tf.Scalar>(parts[part], config.weight * config[part]);
        // The assistant learns from the start: what it says counts later.
        return [part, config.warmup === 0 || part === 'assistant' ? weighted : tf.mul<tf.Scalar>(weighted, fed(inputs, 'warmup'))];
      }));
    },
    pictures: (teacher, student, inputs) => [
      ...levels.flatMap((level, index) => levelPictures(at(scaled(teacher.features), index), at(scaled(student.features), index), level, at(adapters, index), config.dilations)),
      attentionPicture(at(teacher.features, 0), at(student.features, 0), at(levels, 0), at(adapters, 0), inputs),
    ],
  };
}

export const scalekd: Method<ScalekdConfig> = {
  ...scalekdCard,
  pictures: {
    firstBranch: { title: 'Difference, first branch', form: 'map', caption: 'How far the student\'s features are from the teacher\'s through the window of the first dilation (by default neighbouring cells: small objects).' },
    secondBranch: { title: 'Difference, second branch', form: 'map', caption: 'The same through the second dilation.' },
    thirdBranch: { title: 'Difference, third branch', form: 'map', caption: 'The same through the third dilation: large objects and surroundings.' },
    attention: { title: 'Assistant\'s attention', form: 'map', caption: 'Where on the teacher\'s finest map the assistant looks from the cell of the image\'s smallest object; sums to 1 over its keys.' },
  },
  problems: (teacher, student) => collect(teacher, student, [...sharing(scalekdCard), sameDetector]),
  create,
};
