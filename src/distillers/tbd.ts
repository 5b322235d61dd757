/**
 * TBD: Task-Balanced Distillation for Object Detection (Tang et al., Pattern Recognition 2023).
 * Only the abstract could be read and no code exists: the formulas are our reading, as `docs/methods/tbd.md` says, with its letters:
 * p class score, u IoU with the matched object, HS their harmony, M the mixed mask, φ an adapter.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { float32, type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { oneHot } from '../engine/ops/oneHot.ts';
import { pick } from '../engine/ops/pick.ts';
import { Parameters } from '../engine/parameters.ts';
import { tbdCard } from '../experiment/methods/tbd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment } from './shared/align.ts';
import { asCandidates, codingOf, isPositive } from './shared/assigned.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { asMap, asPlaces, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing } from './shared/pairing.ts';
import { decodeBoxes, objectBoxInputs } from './shared/objectBoxes.ts';
import { scoreIndexes } from './rmCandidates.ts';
import { cellQuality, EPSILON, harmonyScore, taskShares, type CellQuality, type HarmonyForm } from './tbdMasks.ts';

export type TbdConfig = Extract<MethodConfig, { method: 'tbd' }>;

// Taps: pyramids, class logits and decoded boxes of both networks; for the masks both networks' predictions, seen before the step.

/** Each cell's anchor of highest score: its logits, its box, and which it is. */
function bestAnchors({ logits, regression }: DetectorOutputs, traits: DetectorTraits, { inputSize }: DistillerContext): { logits: tf.Tensor; boxes: tf.Tensor; anchors: tf.Tensor } {
  const [count, classes] = [traits.anchorsPerCell, traits.classes.length];
  const all = tf.concat(logits.map((map) => asCandidates(map, classes)), 1);
  const [batch, candidates] = all.shape;
  const cells = candidates / count;
  const grouped = tf.reshape(all, [batch, cells, count, classes]);
  const anchors = tf.argMax(tf.max(grouped, 3), 2);
  const chosen = tf.reshape(oneHot(tf.cast(anchors, 'int32'), count), [batch, cells, count, 1]);
  const boxes = tf.reshape(decodeBoxes(regression, codingOf(traits), inputSize), [batch, cells, count, 4]);
  return { logits: tf.sum(tf.mul(grouped, chosen), 2), boxes: tf.sum(tf.mul(boxes, chosen), 2), anchors: tf.cast(anchors, 'float32') };
}

const OBSERVED = ['logits', 'boxes', 'anchors'] as const;

function observedQuality(role: 'teacher' | 'student', { truth, assignments }: BatchTruth, observed: HostTensors, { student }: DistillerContext): CellQuality[] {
  const [logits, boxes, anchors] = OBSERVED.map((kind) => observed[`${role}.${kind}`]);
  if (logits === undefined || boxes === undefined || anchors === undefined) throw new Error('TBD was not shown the predictions');
  return truth.map((own, image) => {
    const of = ({ data }: HostTensor): ArrayLike<number> => data.subarray((image * data.length) / truth.length, ((image + 1) * data.length) / truth.length);
    return cellQuality(own, { logits: of(logits), boxes: of(boxes), anchors: of(anchors) }, at(assignments, image), student.anchorsPerCell, student.classes.length);
  });
}

/** What `cells.<level>` holds, [5, N, H·W]. */
const MAPS = ['teacherHarmony', 'studentHarmony', 'classification', 'regression', 'mixed'] as const;

/** `cells.<level>`; `balance.<level>` [N, 2], a_c and a_r; `positive` [N, all candidates], 1 / positives there; `boxes` and `score.<level>` of positives' objects. */
function batchInputs(batch: BatchTruth, observed: HostTensors, levels: readonly MapLevel[], { harmony }: TbdConfig, context: DistillerContext): HostTensors {
  const { truth, assignments } = batch;
  const [teacher, student] = [observedQuality('teacher', batch, observed, context), observedQuality('student', batch, observed, context)];
  const result: Record<string, HostTensor> = {};
  let first = 0;
  for (const { name, places } of levels) {
    const shares = taskShares(teacher, student, first, places);
    const cells = float32([MAPS.length, truth.length, places]);
    teacher.forEach((taught, image) => {
      const own = at(student, image);
      for (let place = 0; place < places; place += 1) {
        const [p, u, m] = [taught.score, taught.fit, taught.highest].map((values) => values[first + place] ?? 0) as [number, number, number];
        const values = [harmonyScore(p, u, harmony), harmonyScore(own.score[first + place] ?? 0, own.fit[first + place] ?? 0, harmony), m, u, shares.classification * m + shares.regression * u];
        values.forEach((value, map) => { cells.data[(map * truth.length + image) * places + place] = value; });
      }
    });
    result[`cells.${name}`] = cells;
    result[`balance.${name}`] = float32([truth.length, 2], Float32Array.from({ length: truth.length * 2 }, (_, index) => (index % 2 === 0 ? shares.classification : shares.regression)));
    first += places;
  }
  const positives = Math.max(1, assignments.reduce((sum, assigned) => sum + assigned.filter(isPositive).length, 0));
  const positive = Float32Array.from(assignments.flatMap((assigned) => Array.from(assigned, (object) => (isPositive(object) ? 1 / positives : 0))));
  const { anchorsPerCell, classes } = context.student;
  return {
    ...result, ...objectBoxInputs(batch), ...scoreIndexes(batch, { levels, anchorsPerCell, classes: classes.length }),
    positive: float32([truth.length, positive.length / truth.length], positive),
  };
}

// Adapters: φ, a 1×1 convolution of the student's features for each level.

function createAdapter(parameters: Parameters, { name }: MapLevel, { student, teacher }: DistillerContext): Layer {
  return alignment(parameters, `distill.tbd.${name}.align`, student.featureChannels, teacher.featureChannels);
}

// Loss: w_h Σ over positives of BCE(HS^s, HS^t) / positives + w_f Σ_l Σ M (F^T − φ(F^S))² / (C Σ M).

/** HS of every candidate with its assigned object, [N, all candidates]; means nothing outside the positives. */
function harmonies({ logits, regression }: DetectorOutputs, traits: DetectorTraits, levels: readonly MapLevel[], form: HarmonyForm, { inputSize }: DistillerContext, inputs: Inputs): tf.Tensor {
  const scores = tf.sigmoid(tf.concat(levels.map(({ name }, index) => {
    const map = at(logits, index);
    const picked = pick(map, fed(inputs, `score.${name}`) as tf.Tensor2D);
    return tf.reshape(picked, [map.shape[0], picked.size / map.shape[0]]);
  }), 1));
  const fits = boxIou(decodeBoxes(regression, codingOf(traits), inputSize), fed(inputs, 'boxes'));
  const product = tf.mul(scores, fits);
  if (form === 'product') return product;
  // The root's slope at 0 is infinite.
  if (form === 'geometric') return tf.sqrt(tf.maximum(product, EPSILON * EPSILON));
  return tf.div(tf.mul(product, 2), tf.add(tf.add(scores, fits), EPSILON));
}

function harmonyLoss(student: tf.Tensor, teacher: tf.Tensor, inputs: Inputs): tf.Scalar {
  const held = (x: tf.Tensor): tf.Tensor => tf.clipByValue(x, EPSILON, 1 - EPSILON);
  const [own, target] = [held(student), detached(() => held(teacher))];
  const entropy = tf.neg(tf.add(tf.mul(target, tf.log(own)), tf.mul(tf.sub(1, target), tf.log(tf.sub(1, own)))));
  return tf.sum(tf.mul(entropy, fed(inputs, 'positive')));
}

function levelMap({ name }: MapLevel, map: typeof MAPS[number], inputs: Inputs): tf.Tensor2D {
  return at(tf.unstack(fed(inputs, `cells.${name}`)), MAPS.indexOf(map)) as tf.Tensor2D;
}

function featureLoss(teacher: tf.Tensor4D, student: tf.Tensor4D, mask: tf.Tensor2D): tf.Scalar {
  const difference = tf.sub<tf.Tensor3D>(asPlaces(student), detached(() => asPlaces(teacher)));
  const weighed = tf.sum(tf.mul(tf.mean(tf.square(difference), 2), mask));
  return tf.div(weighed, tf.maximum(tf.sum(mask), EPSILON));
}

// Pictures: harmony of both networks, the two tasks' masks and their mixture, and how much either task counts.

function levelPictures(level: MapLevel, inputs: Inputs): Picture[] {
  const map = (kind: string, role: Picture['role'], values: tf.Tensor2D): Picture => ({ kind, role, level: level.name, values: asMap(values, level) });
  const [teacher, student, classification, regression, mixed] = MAPS.map((name) => levelMap(level, name, inputs)) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  return [
    map('harmony', 'teacher', teacher),
    map('harmony', 'student', student),
    map('harmony', 'difference', tf.sub(student, teacher)),
    map('classification', 'teacher', classification),
    map('regression', 'teacher', regression),
    map('conflict', 'teacher', tf.abs(tf.sub<tf.Tensor2D>(classification, regression))),
    map('mixed', 'shared', mixed),
    { kind: 'balance', role: 'shared', level: level.name, values: fed(inputs, `balance.${level.name}`) },
  ];
}

function create(config: TbdConfig, context: DistillerContext): Distiller {
  const { student: traits, teacher: teacherTraits } = context;
  const levels = mapLevels(traits, context.inputSize);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapter(parameters, level, context));
  return {
    id: 'tbd',
    parameters,
    observe: {
      run: (teacher, student) => Object.fromEntries([['teacher', bestAnchors(teacher, teacherTraits, context)] as const, ['student', bestAnchors(student, traits, context)] as const]
        .flatMap(([role, seen]) => OBSERVED.map((kind) => [`${role}.${kind}`, seen[kind]]))),
    },
    inputs: (batch, observed) => batchInputs(batch, observed, levels, config, context),
    loss: (teacher, student, inputs) => {
      const target = detached(() => harmonies(teacher, teacherTraits, levels, config.harmony, context, inputs));
      const imitation = levels.map((level, index) => featureLoss(at(teacher.features, index), at(adapters, index)(at(student.features, index)), levelMap(level, 'mixed', inputs)));
      return {
        harmony: tf.mul(harmonyLoss(harmonies(student, traits, levels, config.harmony, context, inputs), target, inputs), config.weight * config.harmonyWeight),
        feature: tf.mul(tf.addN(imitation), config.weight * config.featureWeight),
      };
    },
    pictures: (_, __, inputs) => levels.flatMap((level) => levelPictures(level, inputs)),
  };
}

export const tbd: Method<TbdConfig> = {
  ...tbdCard,
  pictures: {
    harmony: { title: 'Harmony', form: 'map', signed: true, caption: 'Where class score and fit of the box are both high, by each cell\'s best anchor: 1 is a sure and well-placed prediction.' },
    classification: { title: 'Classification mask', form: 'map', caption: 'The teacher\'s highest class probability: where its classification is worth imitating.' },
    regression: { title: 'Regression mask', form: 'map', caption: 'IoU of the teacher\'s box with its object: where its localisation is worth imitating; 0 where there is no overlap.' },
    conflict: { title: 'Conflict of tasks', form: 'map', caption: 'Difference of the two masks: cells that classify well and locate badly, or the other way round.' },
    mixed: { title: 'Mixed mask', form: 'map', caption: 'What the feature loss weighs by: both masks, each by its task\'s share.' },
    balance: { title: 'Balance of tasks', form: 'bars', caption: 'Shares of classification and of regression at this level, over the whole batch: the task in which the student lags more counts more.' },
  },
  problems: (teacher, student) => collect(teacher, student, sharing(tbdCard)),
  create,
};
