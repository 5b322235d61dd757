/**
 * Chen et al., Learning Efficient Object Detection Models with Knowledge Distillation (NeurIPS 2017), for dense detectors. Letters as in
 * `docs/methods/chen2017.md`: z logits, R deltas, y targets, V and Z hinted features. The paper has no official code.
 */
import * as tf from '@tensorflow/tfjs';
import { type DeltaCoding, type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { detached } from '../engine/ops/gradient.ts';
import { pickRows } from '../engine/ops/pick.ts';
import { Parameters } from '../engine/parameters.ts';
import { DistillError } from '../errors.ts';
import { chen2017Card } from '../experiment/methods/chen2017.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignment } from './shared/align.ts';
import { asCandidates } from './shared/assigned.ts';
import { backboneChannels } from './shared/backboneTaps.ts';
import { boundActive, boundedLoss, hardClassLoss, hintLoss, smoothLoss, softClassLoss, type BoxRows, type ClassRows } from './chenRows.ts';
import { sampleInputs } from './chenSamples.ts';
import { type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { at, fed } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';

export type Chen2017Config = Extract<MethodConfig, { method: 'chen2017' }>;

// Taps: class logits and deltas of sampled anchors; the backbone's last stage, or every level of the neck.

/** Rows of maps at the sampled anchors, [R, depth]. */
function sampled(maps: readonly tf.Tensor4D[], depth: number, inputs: Inputs): tf.Tensor2D {
  const all = tf.concat(maps.map((map) => asCandidates(map, depth)), 1);
  return pickRows(tf.reshape(all, [-1, depth]), fed(inputs, 'rows') as tf.Tensor2D);
}

/** A background logit of 0 before the others. */
function withBackground(logits: tf.Tensor2D): tf.Tensor2D {
  return tf.concat<tf.Tensor2D>([tf.zeros([logits.shape[0], 1]), logits], 1);
}

function classRows(teacher: DetectorOutputs, student: DetectorOutputs, classes: number, view: Chen2017Config['classView'], inputs: Inputs): ClassRows {
  const [labels, weights] = [fed(inputs, 'labels') as tf.Tensor1D, fed(inputs, 'weights') as tf.Tensor1D];
  const [own, other] = [sampled(student.logits, classes, inputs), detached(() => sampled(teacher.logits, classes, inputs))];
  if (view === 'softmax') return { student: withBackground(own), teacher: withBackground(other), labels, weights };
  const [rows] = own.shape;
  const single = (logits: tf.Tensor2D): tf.Tensor2D => withBackground(tf.reshape(logits, [rows * classes, 1]));
  const marks = tf.slice2d(tf.oneHot(labels, classes + 1) as tf.Tensor2D, [0, 1], [rows, classes]);
  return {
    student: single(own), teacher: single(other), labels: tf.cast(tf.reshape(marks, [rows * classes]), 'int32'),
    weights: tf.reshape(tf.tile(tf.expandDims(weights, 1), [1, classes]), [rows * classes]),
  };
}

function boxRows(teacher: DetectorOutputs, student: DetectorOutputs, inputs: Inputs): BoxRows {
  return {
    student: sampled(student.regression, 4, inputs), teacher: detached(() => sampled(teacher.regression, 4, inputs)),
    target: fed(inputs, 'targets') as tf.Tensor2D, weights: fed(inputs, 'foreground') as tf.Tensor1D,
  };
}

function deltas({ boxCoding }: DetectorTraits): DeltaCoding | undefined {
  return boxCoding?.form === 'deltas' ? boxCoding : undefined;
}

const ownLosses: Check = (_, student) => student.detector === 'retinanet' ? undefined : new DistillError(
  'DL581', '`losses: paper` puts class and box losses over sampled anchors in the place of the student\'s own, which leaves other branches of its head untrained.',
  { expected: 'a student with `detector: retinanet`', got: student.detector, advice: 'Set `losses: detector`.' },
);

const sameDeviations: Check = (teacher, student) => {
  const [expected, got] = [deltas(teacher)?.deviations.join(', '), deltas(student)?.deviations.join(', ')];
  if (expected === undefined || got === undefined || expected === got) return undefined;
  return new DistillError('DL582', 'Teacher and student scale the deltas of their boxes differently, so their errors cannot be compared.', {
    expected: `deviations ${expected} (teacher)`, got: `deviations ${got} (student)`, advice: 'Pair the same detector on both sides, or set `nu: 0`.',
  });
};

// Adapters: a 1×1 convolution of each hinted map of the student, also where widths agree.

interface Hint {
  readonly name: string;
  readonly adapter: Layer;
  readonly of: (outputs: DetectorOutputs) => tf.Tensor4D;
}

function createHints(parameters: Parameters, hint: Chen2017Config['hint'], { teacher, student }: DistillerContext): Hint[] {
  if (hint === 'none') return [];
  const make = (name: string, from: number, to: number, of: Hint['of']): Hint => ({ name, of, adapter: alignment(parameters, `distill.chen2017.${name}.adapt`, from, to) });
  if (hint === 'neck') return student.levels.map(({ name }, index) => make(name, student.featureChannels, teacher.featureChannels, ({ features }) => at(features, index)));
  // The backbone goes as deep as the levels ask: P3 alone reads C3.
  const last = Math.min(student.levels.length, 3);
  return [make(`C${last + 2}`, at(backboneChannels(student), last), at(backboneChannels(teacher), last), ({ backbone }) => at(backbone, last))];
}

// Loss: (1 − μ) L_soft + λ ν L_b + γ L_hint; with the paper's own hard losses μ L_hard and λ L_smooth besides.

function losses(teacher: DetectorOutputs, student: DetectorOutputs, hints: readonly Hint[], config: Chen2017Config, classes: number, bounded: boolean, inputs: Inputs): Record<string, tf.Scalar> {
  const { mu, nu, lambda, gamma, temperature, backgroundWeight, margin } = config;
  const rows = classRows(teacher, student, classes, config.classView, inputs);
  const weights = Array.from({ length: rows.student.shape[1] }, (_, index) => (index === 0 ? backgroundWeight : 1));
  const parts: Record<string, tf.Scalar> = { soft: tf.mul(softClassLoss(rows, weights, temperature), 1 - mu) };
  if (bounded) parts.bounded = tf.mul(boundedLoss(boxRows(teacher, student, inputs), margin), lambda * nu);
  if (config.losses === 'paper') {
    parts.hard = tf.mul(hardClassLoss(rows), mu);
    parts.regression = tf.mul(smoothLoss(boxRows(teacher, student, inputs)), lambda);
  }
  if (hints.length > 0) parts.hint = tf.mul<tf.Scalar>(tf.addN(hints.map(({ adapter, of }) => hintLoss(adapter(of(student)), of(teacher), config.hintNorm))), gamma);
  return parts;
}

// Pictures: rows where the bound is active, soft classes at rows with an object, where hinted features differ.

function rowPictures(teacher: DetectorOutputs, student: DetectorOutputs, config: Chen2017Config, { student: traits, inputSize }: DistillerContext, inputs: Inputs): Picture[] {
  const batch = at(student.logits, 0).shape[0];
  const foreground = tf.cast(tf.greater(fed(inputs, 'foreground'), 0), 'float32') as tf.Tensor1D;
  const perImage = foreground.size / batch;
  const share = tf.reshape(foreground, [batch, 1, perImage]);
  const mean = (outputs: DetectorOutputs): tf.Tensor => {
    const classes = tf.softmax(tf.mul(withBackground(sampled(outputs.logits, traits.classes.length, inputs)), 1 / config.temperature));
    return tf.squeeze(tf.matMul(tf.divNoNan(share, tf.sum(share, 2, true)), tf.reshape(classes, [batch, perImage, traits.classes.length + 1])), [1]);
  };
  const bars = (role: Picture['role'], outputs: DetectorOutputs): Picture => ({ kind: 'softClasses', role, level: 'all', values: mean(outputs) });
  const coding = deltas(traits);
  if (coding === undefined) return [bars('teacher', teacher), bars('student', student)];
  const boxes = tf.reshape<tf.Rank.R2>(tf.concat(student.regression.map((map, level) => coding.decode(map, level, inputSize)), 1), [-1, 4]);
  const valued = tf.concat([pickRows(boxes, fed(inputs, 'rows') as tf.Tensor2D), tf.expandDims(boundActive(boxRows(teacher, student, inputs), config.margin), 1)], 1);
  const shown = tf.reshape(tf.mul(valued, tf.expandDims(foreground, 1)), [batch, perImage, 5]);
  return [bars('teacher', teacher), bars('student', student), { kind: 'bound', role: 'student', level: 'all', values: shown }];
}

function hintPicture(teacher: DetectorOutputs, student: DetectorOutputs, { name, adapter, of }: Hint): Picture {
  return { kind: 'hint', role: 'difference', level: name, values: tf.mean(tf.square(tf.sub(adapter(of(student)), of(teacher))), 3) };
}

function create(config: Chen2017Config, context: DistillerContext): Distiller {
  const { student: traits, teacher: teacherTraits } = context;
  const parameters = new Parameters(context.random);
  const hints = createHints(parameters, config.hint, context);
  const coding = deltas(traits);
  const bounded = coding !== undefined && deltas(teacherTraits) !== undefined && config.nu > 0;
  return {
    id: 'chen2017',
    parameters,
    ...(config.losses === 'paper' ? { replacesDetection: true } : {}),
    inputs: (batch) => sampleInputs(batch, {
      rows: Math.min(config.rows, at(batch.assignments, 0).length), foregroundShare: config.foregroundShare, ...(coding === undefined ? {} : { coding }),
    }),
    loss: (teacher, student, inputs) => losses(teacher, student, hints, config, traits.classes.length, bounded, inputs),
    pictures: (teacher, student, inputs) => [...rowPictures(teacher, student, config, context, inputs), ...hints.map((hint) => hintPicture(teacher, student, hint))],
  };
}

export const chen2017: Method<Chen2017Config> = {
  ...chen2017Card,
  pictures: {
    softClasses: { title: 'Soft classes', form: 'bars', caption: 'What the network says of anchors with an object, background first: the mean of its soft class distributions.' },
    bound: { title: 'Bounded regression', form: 'boxes', caption: 'Boxes of sampled anchors with an object; 1 where the student is worse than the teacher, so that the bounded regression pulls at it.' },
    hint: { title: 'Hint difference', form: 'map', caption: 'Where the student\'s adapted features differ from the teacher\'s: mean squared difference over channels.' },
  },
  problems: (teacher, student, { losses: which, nu }) => collect(teacher, student, [
    ...sharing(chen2017Card), ...(which === 'paper' ? [ownLosses] : []), ...(nu > 0 ? [sameDeviations] : []),
  ]),
  create,
};
