/**
 * LD: Localization Distillation for Dense Object Detection (Zheng et al., CVPR 2022; Localization Distillation for Object Detection,
 * TPAMI 2023). Letters as in `docs/methods/ld.md`: p, q the distributions of a side by teacher and student, c the student's confidence,
 * v the weight in the valuable localisation region.
 */
import * as tf from '@tensorflow/tfjs';
import { type AnchorLevels } from '../detectors/atssThresholds.ts';
import { type DetectorOutputs } from '../detectors/detector.ts';
import { softmaxDivergence } from '../engine/ops/crossEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { meanSquare } from '../engine/ops/squares.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { ldCard } from '../experiment/methods/ld.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { regionInputs } from './ldRegions.ts';
import { at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';

export type LdConfig = Extract<MethodConfig, { method: 'ld' }>;

// Taps: distributions of sides and class logits of every level; features only for imitation.

const SIDES = 4;

interface Tap {
  readonly level: MapLevel;
  /** Logits of each side's bins, [M, 4, B] for M anchors of the batch. */
  readonly sides: { readonly student: tf.Tensor3D; readonly teacher: tf.Tensor3D };
  /** Class logits, [M, K]. */
  readonly classes: { readonly student: tf.Tensor2D; readonly teacher: tf.Tensor2D };
  /** c: the student's largest class score, out of reach of gradients, [M]. */
  readonly confidence: tf.Tensor1D;
}

function tapLevel(teacher: DetectorOutputs, student: DetectorOutputs, level: MapLevel, index: number, bins: number, classes: number): Tap {
  const sides = ({ regression }: DetectorOutputs): tf.Tensor3D => tf.reshape(at(regression, index), [-1, SIDES, bins]);
  const logits = (outputs: DetectorOutputs): tf.Tensor2D => tf.reshape(at(outputs.logits, index), [-1, classes]);
  return {
    level,
    sides: { student: sides(student), teacher: detached(() => sides(teacher)) },
    classes: { student: logits(student), teacher: detached(() => logits(teacher)) },
    confidence: detached(() => tf.sigmoid(tf.max<tf.Tensor1D>(logits(student), 1))),
  };
}

const equalWidths: Check = (teacher, student) => teacher.featureChannels === student.featureChannels ? undefined : new DistillError(
  'DL580', 'LD\'s feature imitation compares features channel by channel, and teacher and student have different widths.',
  { expected: `${teacher.featureChannels} channels (teacher)`, got: `${student.featureChannels} channels (student)`, advice: 'Give both the same `neck.channels`, or set `imitation: none`.' },
);

// Adapters: none.

// Loss: over the levels, Σ c · KL over positives, Σ v · KL over the region, and class KL and imitation as means.

type Part = 'main' | 'region' | 'classes' | 'imitation';

/** Σ over sides of T² · mean over bins of p (log p − log q), [M]. */
function sideDivergence({ sides }: Tap, temperature: number): tf.Tensor1D {
  const bins = sides.student.shape[2];
  return tf.mul(tf.sum<tf.Tensor1D>(softmaxDivergence(sides.student, sides.teacher, temperature), 1), temperature ** 2 / bins);
}

/** T² · mean over classes of p (log p − log q), [M]. */
function classDivergence({ classes }: Tap, temperature: number): tf.Tensor1D {
  return tf.mul<tf.Tensor1D>(softmaxDivergence(classes.student, classes.teacher, temperature), temperature ** 2 / classes.student.shape[1]);
}

/** Mean over channels of (S − T)², [M]. */
function featureDistance(teacher: DetectorOutputs, student: DetectorOutputs, index: number): tf.Tensor1D {
  const target = detached(() => tf.clone(at(teacher.features, index)));
  return tf.reshape(meanSquare(tf.sub(at(student.features, index), target)), [-1]);
}

function levelLoss(tap: Tap, config: LdConfig, inputs: Inputs): Record<'main' | 'region' | 'classes', tf.Scalar> {
  const { level: { name }, confidence } = tap;
  const divergence = sideDivergence(tap, config.temperature);
  const positive = fed(inputs, `positive.${name}`);
  const share = tf.slice1d(fed(inputs, `shares.${name}`) as tf.Tensor1D, 0, 1);
  return {
    main: tf.mul(tf.sum(tf.mul(divergence, tf.mul(positive, confidence))), config.weight / SIDES),
    region: tf.mul(tf.sum(tf.mul(divergence, fed(inputs, `valuable.${name}`))), config.vlrWeight / SIDES ** 2),
    classes: tf.mul(tf.sum(tf.mul(classDivergence(tap, config.classTemperature), tf.mul(positive, share))), config.classWeight),
  };
}

function imitationLoss(teacher: DetectorOutputs, student: DetectorOutputs, { name }: MapLevel, index: number, inputs: Inputs): tf.Scalar {
  const share = tf.slice1d(fed(inputs, `shares.${name}`) as tf.Tensor1D, 1, 1);
  return tf.sum(tf.mul(featureDistance(teacher, student, index), tf.mul(fed(inputs, `imitated.${name}`), share)));
}

// Pictures: the regions and their weights, the divergence of each cell, and the sides' distributions.

function levelPictures(tap: Tap, config: LdConfig, batch: number, inputs: Inputs): Picture[] {
  const { level: { name, rows, columns }, sides, confidence } = tap;
  const map = (kind: string, role: Picture['role'], values: tf.Tensor): Picture => ({ kind, role, level: name, values: tf.reshape(values, [batch, rows, columns]) });
  const positive = tf.reshape(fed(inputs, `positive.${name}`), [batch, 1, rows * columns]);
  const share = tf.divNoNan(positive, tf.sum(positive, 2, true));
  const bars = (role: Picture['role'], logits: tf.Tensor3D): Picture => {
    const rowsOf = tf.reshape(tf.softmax(tf.mul(logits, 1 / config.temperature)), [batch, rows * columns, logits.size / logits.shape[0]]);
    return { kind: 'sides', role, level: name, values: tf.squeeze(tf.matMul(share, rowsOf), [1]) };
  };
  return [
    map('positives', 'shared', fed(inputs, `positive.${name}`)),
    map('region', 'shared', fed(inputs, `valuable.${name}`)),
    ...(config.imitation === 'none' ? [] : [map('imitation', 'shared', fed(inputs, `imitated.${name}`))]),
    map('confidence', 'student', confidence),
    map('divergence', 'shared', sideDivergence(tap, config.temperature)),
    bars('teacher', sides.teacher),
    bars('student', sides.student),
  ];
}

function create(config: LdConfig, context: DistillerContext): Distiller {
  const { student: traits, inputSize } = context;
  const levels = mapLevels(traits, inputSize);
  const { boxCoding } = traits;
  if (boxCoding?.form !== 'distribution') throw new Error('LD needs distributions of sides');
  const anchors: AnchorLevels = { corners: boxCoding.anchors(inputSize), perLevel: levels.map(({ places }) => places * traits.anchorsPerCell) };
  const taps = (teacher: DetectorOutputs, student: DetectorOutputs): Tap[] =>
    levels.map((level, index) => tapLevel(teacher, student, level, index, boxCoding.bins, traits.classes.length));
  return {
    id: 'ld',
    parameters: new Parameters(context.random),
    inputs: (batch) => regionInputs(batch, levels, anchors, { overlap: config.vlrOverlap, gamma: config.gamma, candidates: config.candidates, imitation: config.imitation }),
    loss: (teacher, student, inputs) => {
      const byLevel = taps(teacher, student).map((tap) => levelLoss(tap, config, inputs));
      const total = (part: Exclude<Part, 'imitation'>): tf.Scalar => tf.addN(byLevel.map((parts) => parts[part]));
      const normalized = (sum: tf.Scalar): tf.Scalar => config.normalize === 'sum' ? sum : tf.div(sum, fed(inputs, 'positives'));
      const imitations = config.imitation === 'none' ? [] : levels.map((level, index) => imitationLoss(teacher, student, level, index, inputs));
      return {
        main: normalized(total('main')), region: normalized(total('region')), classes: total('classes'),
        ...(imitations.length === 0 ? {} : { imitation: tf.mul<tf.Scalar>(tf.addN(imitations), config.imitationWeight) }),
      };
    },
    pictures: (teacher, student, inputs) => taps(teacher, student).flatMap((tap) => levelPictures(tap, config, at(student.logits, 0).shape[0], inputs)),
  };
}

export const ld: Method<LdConfig> = {
  ...ldCard,
  pictures: {
    positives: { title: 'Positives', form: 'map', caption: 'Cells that serve an object: here the main part compares sides, weighted by the student\'s confidence.' },
    region: { title: 'Valuable localisation region', form: 'map', caption: 'Cells that nearly serve an object, weighted by how much their anchor overlaps it.' },
    imitation: { title: 'Imitation region', form: 'map', caption: 'Cells where features are imitated.' },
    confidence: { title: 'Confidence', form: 'map', caption: 'The student\'s largest class score: what a positive weighs in the main part.' },
    divergence: { title: 'Difference of sides', form: 'map', caption: 'How far the student\'s four side distributions are from the teacher\'s, temperature applied.' },
    sides: { title: 'Distributions of sides', form: 'bars', caption: 'Where positives put the sides of their boxes, softened by the temperature: left, top, right and bottom one after the other, each from 0 strides on; the mean over positives.' },
  },
  problems: (teacher, student, { imitation }) => collect(teacher, student, [...sharing(ldCard), ...(imitation === 'none' ? [] : [equalWidths])]),
  create,
};
