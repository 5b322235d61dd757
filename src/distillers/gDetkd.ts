/**
 * G-DetKD: a general distillation framework by semantic-guided feature imitation and contrast of regions (Yao et al., ICCV 2021).
 * No official code exists; constants that the paper's description leaves open are ours, and `docs/methods/g-detkd.md` says so.
 * Letters as there: S, T_l pooled regions, a their blend over levels, u, v embeddings, τ temperatures.
 */
import * as tf from '@tensorflow/tfjs';
import { type Layer } from '../engine/layers/conv.ts';
import { zeros } from '../engine/layers/init.ts';
import { linear, type RowLayer } from '../engine/layers/linear.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pooledLevels, pooledRegions } from '../engine/ops/roiAlign.ts';
import { unitRows } from '../engine/ops/unitRows.ts';
import { Parameters } from '../engine/parameters.ts';
import { gDetkdCard } from '../experiment/methods/gDetkd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { candidateBoxes } from './shared/detections.ts';
import { inverseDeviations } from './shared/deviations.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { blendLevels, contrastLoss, enqueue, imitationLoss, type Blend } from './gDetkdLosses.ts';
import { regionsOf, regionTensors } from './gDetkdRegions.ts';
import { at, fed, mapLevels } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';

export type GDetkdConfig = Extract<MethodConfig, { method: 'g-detkd' }>;

// Taps: regions of the student's pyramid at their own level, of the teacher's at every level.

interface Tap {
  /** [N·R, G, G, C], aligned to the teacher's width. */
  readonly student: tf.Tensor4D;
  /** By level, [N·R, G, G, C]. */
  readonly teacher: readonly tf.Tensor4D[];
  /** [N·R]. */
  readonly filled: tf.Tensor1D;
}

function tapRegions(teacher: readonly tf.Tensor4D[], student: readonly tf.Tensor4D[], { align }: Adapters, inputs: Inputs): Tap {
  const filled = fed(inputs, 'student.filled');
  return {
    student: pooledRegions('student', student.map((map, level) => at(align, level)(map)), inputs),
    teacher: pooledLevels('teacher', teacher, inputs).map((regions) => detached(() => tf.clone(regions))),
    filled: tf.reshape(filled, [filled.size]),
  };
}

/** One factor for all maps of both networks, whose levels need not agree: 1 / mean of the teacher's deviations. */
function commonScale({ scale }: GDetkdConfig, context: DistillerContext): (maps: readonly tf.Tensor4D[]) => readonly tf.Tensor4D[] {
  if (scale === 'paper') return (maps) => maps;
  const inverse = inverseDeviations(mapLevels(context.teacher, context.inputSize), context);
  const factor = inverse.length / inverse.reduce((sum, value) => sum + 1 / value, 0);
  return (maps) => maps.map((map) => tf.mul(map, factor));
}

// Adapters: f, by which a region asks for levels, with its temperature; projections of the contrast; a queue of past embeddings.

interface Adapters {
  readonly align: readonly Layer[];
  readonly ask: RowLayer;
  /** ln τ₁. */
  readonly temperature: tf.Variable;
  readonly student: RowLayer;
  readonly teacher: RowLayer;
  readonly queue: tf.Variable | undefined;
}

function createAdapters(parameters: Parameters, { embedding, queue }: GDetkdConfig, { teacher, student }: DistillerContext): Adapters {
  const [from, to] = [student.featureChannels, teacher.featureChannels];
  return {
    align: student.levels.map(({ name }) => alignmentIfNeeded(parameters, `distill.g-detkd.${name}.align`, from, to)),
    ask: linear(parameters, 'distill.g-detkd.ask', { in: to, out: to }),
    temperature: parameters.create('distill.g-detkd.temperature', [], zeros, { decay: false }),
    student: linear(parameters, 'distill.g-detkd.student', { in: to, out: embedding }),
    teacher: linear(parameters, 'distill.g-detkd.teacher', { in: to, out: embedding }),
    queue: queue === 0 ? undefined : parameters.create('distill.g-detkd.queue', [queue, embedding], zeros, { trainable: false, decay: false }),
  };
}

// Loss: λ_1 mean (S − Σ a_l T_l)² + λ_2 contrast of u with v.

/** Mean over a region's cells, [M, C]. */
function centre(regions: tf.Tensor4D): tf.Tensor2D {
  return tf.mean(regions, [1, 2]);
}

function flat(regions: tf.Tensor4D): tf.Tensor2D {
  return tf.reshape(regions, [regions.shape[0], regions.size / regions.shape[0]]);
}

/** f is a 1×1 convolution averaged over cells, which is the same as a linear map of the average. */
function blend({ student, teacher }: Tap, { ask, temperature }: Adapters): Blend {
  const asked = (regions: tf.Tensor4D): tf.Tensor2D => ask(centre(regions)) as tf.Tensor2D;
  return blendLevels(asked(student), teacher.map(asked), teacher.map(flat), tf.exp(temperature));
}

function embeddings({ student, teacher }: Tap, adapters: Adapters, inputs: Inputs): { readonly student: tf.Tensor2D; readonly teacher: tf.Tensor2D } {
  const shares = fed(inputs, 'teacherLevel');
  const levels = tf.split(tf.reshape(shares, [shares.size / teacher.length, teacher.length]), teacher.length, 1);
  const own = tf.addN(teacher.map((regions, level) => tf.mul<tf.Tensor2D>(centre(regions), at(levels, level))));
  return { student: unitRows(adapters.student(centre(student)) as tf.Tensor2D), teacher: unitRows(adapters.teacher(own) as tf.Tensor2D) };
}

// Pictures: which teacher levels the student's levels ask for, and how well each region is recognised.

function picturesOf(tap: Tap, adapters: Adapters, inputs: Inputs): Picture[] {
  const { weights } = blend(tap, adapters);
  const [ofStudent, boxes] = [fed(inputs, 'studentLevel') as tf.Tensor3D, fed(inputs, 'boxes')];
  const [batch, slots, levels] = ofStudent.shape;
  const asked = tf.matMul(ofStudent, tf.reshape<tf.Rank.R3>(weights, [batch, slots, tap.teacher.length]), true, false);
  const counts = tf.maximum(tf.reshape(tf.sum(ofStudent, 1), [batch, levels, 1]), 1);
  const { student, teacher } = embeddings(tap, adapters, inputs);
  const likeness = tf.reshape(tf.sum(tf.mul(student, teacher), 1), [batch, slots, 1]);
  return [
    { kind: 'blend', role: 'shared', level: 'all', values: tf.div(asked, counts) },
    { kind: 'regions', role: 'shared', level: 'all', values: tf.concat([boxes, likeness], 2) },
  ];
}

function create(config: GDetkdConfig, context: DistillerContext): Distiller {
  const { student: traits, teacher: teacherTraits, inputSize } = context;
  const parameters = new Parameters(context.random);
  const adapters = createAdapters(parameters, config, context);
  const { queue } = adapters;
  const scaled = commonScale(config, context);
  return {
    id: 'g-detkd',
    parameters,
    observe: { run: (_, student) => candidateBoxes(student, traits, inputSize) },
    inputs: (batch, observed) => regionTensors(regionsOf(batch, observed, config), traits, teacherTraits, inputSize, config),
    loss: (teacher, student, inputs, { mode }) => {
      const tap = tapRegions(scaled(teacher.features), scaled(student.features), adapters, inputs);
      const pair = embeddings(tap, adapters, inputs);
      const contrast = contrastLoss({ ...pair, negatives: fed(inputs, 'negatives') as tf.Tensor2D, filled: tap.filled, ...(queue === undefined ? {} : { queue: queue as tf.Tensor2D }) }, config.temperature);
      if (queue !== undefined && mode.training) mode.updates.push([queue, enqueue(queue as tf.Tensor2D, pair.teacher, tap.filled)]);
      return {
        imitation: tf.mul(imitationLoss(flat(tap.student), blend(tap, adapters), tap.filled), config.weight * config.imitation),
        contrast: tf.mul(contrast, config.weight * config.contrast),
      };
    },
    pictures: (teacher, student, inputs) => picturesOf(tapRegions(scaled(teacher.features), scaled(student.features), adapters, inputs), adapters, inputs),
  };
}

export const gDetkd: Method<GDetkdConfig> = {
  ...gDetkdCard,
  pictures: {
    blend: { title: 'Levels asked for', form: 'matrix', caption: 'Which teacher levels (columns) the regions of each student level (rows) take their features from; rows sum to 1, levels without regions are 0.' },
    regions: { title: 'Regions', form: 'boxes', caption: 'The objects of the image and the student\'s best detections, with the likeness of the student\'s embedding to the teacher\'s, −1 to 1.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(gDetkdCard)),
  create,
};
