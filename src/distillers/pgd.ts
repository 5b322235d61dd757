/**
 * PGD: Prediction-Guided Distillation for Dense Object Detection (Yang et al., ECCV 2022).
 * Letters as in `docs/methods/pgd.md`: S, T features, w, b weights of foreground and background, A and C spatial and channel attention, τ temperature.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorOutputs, type DetectorTraits } from '../detectors/detector.ts';
import { float32, type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { relu } from '../engine/layers/activation.ts';
import { Parameters } from '../engine/parameters.ts';
import { Random } from '../engine/random.ts';
import { DistillError } from '../errors.ts';
import { pgdCard, pgdDefaults, type PgdDefaults } from '../experiment/methods/pgd.ts';
import { type MethodConfig } from '../experiment/schema.ts';
import { alignmentIfNeeded } from './shared/align.ts';
import { asCandidates, candidateCentres, codingOf } from './shared/assigned.ts';
import { attentionOf } from './shared/attention.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type Inputs, type Method, type Picture } from './distiller.ts';
import { asMap, asPlaces, at, fed, mapLevels, type MapLevel } from './shared/maps.ts';
import { collect, sharing, type Check } from './shared/pairing.ts';
import { levelLosses, type LevelLosses, type LevelMaps, type Pair } from './pgdLosses.ts';
import { imageMaps, type ImageMaps, type MapSetting } from './pgdMaps.ts';

export type PgdConfig = Extract<MethodConfig, { method: 'pgd' }>;

// Taps: the first block of either tower, after its activation; for the maps the teacher's class logits and boxes, seen before the step.

type Branch = 'classification' | 'regression';

function tap(teacher: DetectorOutputs, student: DetectorOutputs, branch: Branch, index: number, adapter: Layer): Pair {
  const first = ({ towers }: DetectorOutputs): tf.Tensor4D => relu(at(at(towers[branch], index), 0));
  return { student: asPlaces(adapter(first(student))), teacher: asPlaces(first(teacher)) };
}

/** The teacher's predictions, all candidates of an image together. */
function predictions({ logits, regression }: DetectorOutputs, traits: DetectorTraits, inputSize: readonly [number, number]): Record<string, tf.Tensor> {
  const coding = codingOf(traits);
  return {
    logits: tf.concat(logits.map((map) => asCandidates(map, traits.classes.length)), 1),
    boxes: tf.concat(regression.map((map, level) => coding.decode(map, level, inputSize)), 1),
  };
}

const towersToTap: Check = (teacher, student) => {
  const lacking = [['teacher', teacher] as const, ['student', student] as const].find(([, { towers }]) => (towers?.blocks ?? 0) === 0);
  return lacking === undefined ? undefined : new DistillError('DL561', `PGD compares what the first convolution of each tower puts out, and the ${lacking[0]}'s head has none.`, {
    expected: 'at least 1 convolution in the towers', got: '0', advice: 'Set `head.convs` to 1 or more.',
  });
};

// Adapters: none where towers are equally wide, as published; else a 1×1 convolution of the student's features for each branch and level.

function createAdapters(parameters: Parameters, { name }: MapLevel, { student, teacher }: DistillerContext): Record<Branch, Layer> {
  const [from, to] = [student.towers?.channels ?? 0, teacher.towers?.channels ?? 0];
  const create = (branch: Branch): Layer => alignmentIfNeeded(parameters, `distill.pgd.${name}.${branch}`, from, to);
  return { classification: create('classification'), regression: create('regression') };
}

// Loss: Σ λ (α L_fg + β L_bg) + δ (L_at + L_at of the boxes) + γ L_box, over levels.

/** The published weights, but where the experiment says otherwise. */
function constants({ alpha, beta, gamma, topK }: PgdConfig, { detector }: DetectorTraits): PgdDefaults {
  const published = pgdDefaults(detector);
  return { alpha: alpha ?? published.alpha, beta: beta ?? published.beta, gamma: gamma ?? published.gamma, topK: topK ?? published.topK };
}

function weightOf(part: keyof LevelLosses, level: number, { weight, delta, levelWeights }: PgdConfig, { alpha, beta, gamma }: PgdDefaults): number {
  const lambda = levelWeights?.[level] ?? 1 + level / 4;
  return weight * { foreground: lambda * alpha, background: lambda * beta, attention: delta, box: gamma, boxAttention: delta }[part];
}

function mapSetting(config: PgdConfig, { student, teacher, inputSize }: DistillerContext, topK: number): MapSetting {
  const coding = codingOf(student);
  const points = coding.form === 'distances';
  const all = candidateCentres(coding, inputSize);
  // One of a cell's anchors, which share their centre.
  const centres = all.filter((_, index) => Math.floor(index / 2) % student.anchorsPerCell === 0);
  return {
    classes: teacher.classes.length, anchorsPerCell: teacher.anchorsPerCell, centres, topK,
    classExponent: config.classExponent, boxExponent: config.boxExponent, swap: config.swapXY && points, clearIgnored: !points, noise: config.noise,
  };
}

/** `classification.<level>`, `box.<level>`, `background.<level>`, `quality.<level>`: [N, H·W] each. */
export function mapInputs({ truth, random = Random.of(1) }: BatchTruth, { logits, boxes }: HostTensors, levels: readonly MapLevel[], setting: MapSetting): HostTensors {
  if (logits === undefined || boxes === undefined) throw new Error('PGD was not shown the teacher\'s predictions');
  const of = ({ data }: HostTensor, image: number): Float32Array | Int32Array => data.subarray((image * data.length) / truth.length, ((image + 1) * data.length) / truth.length);
  const images = truth.map((own, image) => imageMaps(own, { logits: of(logits, image), boxes: of(boxes, image) }, setting, random));
  const result: Record<string, HostTensor> = {};
  for (const kind of ['classification', 'box', 'background', 'quality'] as const satisfies readonly (keyof ImageMaps)[]) {
    let first = 0;
    for (const { name, places } of levels) {
      const values = new Float32Array(truth.length * places);
      images.forEach((maps, image) => { values.set(maps[kind].subarray(first, first + places), image * places); });
      result[`${kind}.${name}`] = float32([truth.length, places], values);
      first += places;
    }
  }
  return result;
}

function levelMaps({ name }: MapLevel, inputs: Inputs): LevelMaps {
  return { classification: fed(inputs, `classification.${name}`), box: fed(inputs, `box.${name}`), background: fed(inputs, `background.${name}`) };
}

// Pictures: the weight maps, the quality they come from, and where both classification towers look.

function levelPictures(level: MapLevel, pair: Pair, temperature: number, inputs: Inputs): Picture[] {
  const map = (kind: string, role: Picture['role'], values: tf.Tensor): Picture => ({ kind, role, level: level.name, values: asMap(values as tf.Tensor2D, level) });
  const [student, teacher] = [attentionOf(pair.student, temperature).spatial, attentionOf(pair.teacher, temperature).spatial];
  return [
    ...(['classification', 'box', 'background', 'quality'] as const).map((kind) => map(kind, kind === 'quality' ? 'teacher' : 'shared', fed(inputs, `${kind}.${level.name}`))),
    map('attention', 'teacher', teacher),
    map('attention', 'student', student),
    map('attention', 'difference', tf.sub(student, teacher)),
  ];
}

function create(config: PgdConfig, context: DistillerContext): Distiller {
  const levels = mapLevels(context.student, context.inputSize);
  const parameters = new Parameters(context.random);
  const adapters = levels.map((level) => createAdapters(parameters, level, context));
  const own = constants(config, context.student);
  const setting = mapSetting(config, context, own.topK);
  const pair = (teacher: DetectorOutputs, student: DetectorOutputs, branch: Branch, index: number): Pair => tap(teacher, student, branch, index, at(adapters, index)[branch]);
  return {
    id: 'pgd',
    parameters,
    observe: { run: (teacher) => predictions(teacher, context.teacher, context.inputSize) },
    inputs: (batch, observed) => mapInputs(batch, observed, levels, setting),
    loss: (teacher, student, inputs) => {
      const byLevel = levels.map((level, index) =>
        levelLosses(pair(teacher, student, 'classification', index), pair(teacher, student, 'regression', index), levelMaps(level, inputs), config));
      const part = (name: keyof LevelLosses): tf.Scalar => tf.addN(byLevel.map((losses, level) => tf.mul<tf.Scalar>(losses[name], weightOf(name, level, config, own))));
      return { foreground: part('foreground'), background: part('background'), attention: part('attention'), box: part('box'), boxAttention: part('boxAttention') };
    },
    pictures: (teacher, student, inputs) => levels.flatMap((level, index) => levelPictures(level, pair(teacher, student, 'classification', index), config.temperature, inputs)),
  };
}

export const pgd: Method<PgdConfig> = {
  ...pgdCard,
  pictures: {
    classification: { title: 'Weights for classes', form: 'map', caption: 'Where the teacher classifies each object best: a Gaussian over its K best cells; the classification tower imitates there. 0 outside.' },
    box: { title: 'Weights for boxes', form: 'map', caption: 'Where the teacher predicts each object\'s box best: a Gaussian over its K best cells; the regression tower imitates there. 0 outside.' },
    background: { title: 'Background mask', form: 'map', caption: 'Cells whose centre lies in no object. Cells in an object that are not among its best are neither foreground nor background.' },
    quality: { title: 'Quality', form: 'map', caption: 'How well the teacher predicts any object from each cell: class probability and IoU with the object, multiplied with exponents; 0 to 1.' },
    attention: { title: 'Spatial attention', form: 'map', signed: true, caption: 'Where the first block of the classification tower looks: softmax over all places of the mean absolute activation divided by τ; the mean is 1.' },
  },
  problems: (teacher, student) => collect(teacher, student, [...sharing(pgdCard), towersToTap]),
  create,
};
