/**
 * One golden of a dense detector: the network's whole life on one batch (features, head, targets, losses, gradients, detections) as a pure
 * function of its inputs, so that it runs op by op and captured alike, and its comparison.
 */
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { type Detector } from '../../../src/detectors/detector.ts';
import { toPytorch } from '../../../src/detectors/layout.ts';
import { type Box, type Detection, type GroundTruth } from '../../../src/engine/boxes.ts';
import { float32, type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { type Parameter } from '../../../src/engine/parameters.ts';
import { type StepFunction } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { openSession } from './execute.ts';
import { channelsFirst, expectNear, expectRelative, expectSummary, type Summary } from './summary.ts';

export interface Golden {
  readonly detector: Detector;
  readonly images: HostTensor;
  /** Network input [height, width]. */
  readonly size: readonly [number, number];
  /** Unpadded. */
  readonly contentSize: readonly [number, number];
  readonly truth: readonly GroundTruth[];
  readonly features: readonly Summary[];
  readonly logits: readonly Summary[];
  readonly regression: readonly Summary[];
  readonly centerness?: readonly Summary[];
  /** By the golden's own record its gradients jump under noise of rounding's size. */
  readonly atBend: boolean;
  /** Half a unit of the last place of stored samples: gradients of torchvision's cases have 7 decimals, some are below 1e-5. */
  readonly rounding: number;
  /** torchvision's head values are [N, anchors, channels]. */
  readonly joined: boolean;
  /** Anchors as corners, or points. */
  readonly priors: { readonly count: number; readonly rows: readonly (readonly [index: number, values: readonly number[]])[]; readonly sum: number; readonly perLevel?: readonly number[] };
  readonly assignment?: readonly { readonly positive: number; readonly negative: number; readonly ignored: number; readonly index: readonly number[]; readonly gt: readonly number[] }[];
  /** By part. */
  readonly losses: Readonly<Record<string, number>>;
  readonly total?: number;
  /** By part, then by level. */
  readonly perLevel?: Readonly<Record<string, readonly number[]>>;
  /** By our names. */
  readonly grads: Readonly<Record<string, Summary>>;
  readonly detections: readonly { readonly count: number; readonly boxes: readonly Box[]; readonly scores: readonly number[]; readonly labels: readonly number[] }[];
}

const OUTPUT_TOLERANCE = 1e-4;
const GRADIENT_TOLERANCE = 1e-3;

/**
 * Activations that lie within rounding of a rectifier's bend fall on either side of it, and gradients jump with them. Noise of this size
 * on the image, which the reference's own gradients were tried with, moves them; of a case `atBend` all numbers must agree under one of
 * a few draws of it.
 */
const NOISE = { size: 2e-6, draws: 8 } as const;

export async function checkGolden(golden: Golden, capture: boolean): Promise<void> {
  const { detector, size, truth } = golden;
  checkPriors(golden);
  const targets = detector.targets(truth, size);
  checkAssignment(golden, targets.assignments);
  const levels = anchorsByLevel(golden);
  const inputs = { images: golden.images, ...targets.tensors, ...levelMasks(targets.tensors, levels) };
  const learners = Object.keys(golden.grads).map((name) => parameterOf(detector, name));
  const session = await openSession(capture, step(detector, learners, levels.length), inputs, detector.parameters.all().map(({ variable }) => variable));
  try {
    const results = session.run(inputs);
    checkOutputs(golden, results);
    checkLosses(golden, results);
    const candidates = Object.fromEntries(Object.entries(results).filter(([key]) => key.startsWith('candidate.')).map(([key, value]) => [key.slice('candidate.'.length), value]));
    checkDetections(golden, detector.detections(candidates, truth.map(() => golden.contentSize)));
    let wrong = failureOf(() => { checkGradients(golden, learners, results); });
    const atBend = golden.atBend || (capture && wrong !== undefined && await jumps(golden, learners, levels.length, inputs));
    for (let draw = 1; atBend && wrong !== undefined && draw <= NOISE.draws; draw += 1) {
      const noisy = session.run({ ...inputs, images: disturb(golden.images, Random.of(draw)) });
      if (failureOf(() => { checkOutputs(golden, noisy); checkLosses(golden, noisy); checkGradients(golden, learners, noisy); }) === undefined) wrong = undefined;
    }
    if (wrong !== undefined) throw wrong;
  } finally {
    session.dispose();
  }
}

/**
 * Whether a case is at a bend by our own op-by-op gradients: they agree as they are, and not under every draw of the noise. Captured
 * convolutions round otherwise (`engine.convolutions: fast`) and may fall on the other side of it; nobody has noted that for every golden.
 */
async function jumps(golden: Golden, learners: readonly Parameter[], levels: number, inputs: HostTensors): Promise<boolean> {
  const session = await openSession(false, step(golden.detector, learners, levels), inputs, golden.detector.parameters.all().map(({ variable }) => variable));
  try {
    const fails = (images: HostTensor): boolean => failureOf(() => { checkGradients(golden, learners, session.run({ ...inputs, images })); }) !== undefined;
    return !fails(golden.images) && Array.from({ length: NOISE.draws }, (_, draw) => Random.of(draw + 1)).some((random) => fails(disturb(golden.images, random)));
  } finally {
    session.dispose();
  }
}

function checkGradients({ grads, rounding }: Golden, learners: readonly Parameter[], results: HostTensors): void {
  for (const { name, variable, layout } of learners) {
    const summary = grads[name];
    const gradient = toPytorch(Float32Array.from(need(results, `grad.${name}`).data), variable.shape, layout);
    if (summary !== undefined) expectSummary(gradient.data, gradient.shape, summary, GRADIENT_TOLERANCE, `gradient of ${name}`, rounding);
  }
}

function failureOf(check: () => void): Error | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function disturb({ shape, data }: HostTensor, random: Random): HostTensor {
  return float32(shape, Float32Array.from(data, (value) => value + random.uniform(-NOISE.size, NOISE.size)));
}

function step(detector: Detector, learners: readonly Parameter[], levels: number): StepFunction {
  return (inputs) => {
    const outputs: Record<string, tf.Tensor> = {};
    const { value, grads } = tf.variableGrads(() => {
      const forward = detector.forward(inputs.images as tf.Tensor4D, { training: true, updates: [] });
      for (const kind of ['features', 'logits', 'regression', 'centerness'] as const) forward[kind]?.forEach((map, level) => (outputs[`${kind}.${level}`] = tf.keep(map)));
      for (const [name, tensor] of Object.entries(detector.candidates(forward))) outputs[`candidate.${name}`] = tf.keep(tensor);
      for (let level = 0; level < levels; level += 1) {
        const masked = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, inputs[`${name}.${level}`] ?? tensor]));
        for (const [part, loss] of Object.entries(detector.loss(forward, masked))) outputs[`level.${level}.${part}`] = tf.keep(loss);
      }
      const parts = detector.loss(forward, inputs);
      for (const [part, loss] of Object.entries(parts)) outputs[`loss.${part}`] = tf.keep(loss);
      return tf.addN(Object.values(parts));
    }, learners.map(({ variable }) => variable));
    for (const { name, variable } of learners) outputs[`grad.${name}`] = grads[variable.name] as tf.Tensor;
    return { outputs: { ...outputs, 'loss.total': value } };
  };
}

function anchorsByLevel({ detector: { traits }, size }: Pick<Golden, 'detector' | 'size'>): number[] {
  return traits.levels.map(({ stride }) => Math.ceil(size[0] / stride) * Math.ceil(size[1] / stride) * traits.anchorsPerCell);
}

/** The weights of the losses with all but one level at 0: a level's share of a loss is the loss under them. */
function levelMasks(tensors: HostTensors, levels: readonly number[]): Record<string, HostTensor> {
  const masks: Record<string, HostTensor> = {};
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (!name.endsWith('Weights')) continue;
    let start = 0;
    for (const [level, count] of levels.entries()) {
      const [from, to] = [start, start + count];
      masks[`${name}.${level}`] = float32(shape, Float32Array.from(data, (value, flat) => (flat % (shape[1] ?? 1) >= from && flat % (shape[1] ?? 1) < to ? value : 0)));
      start = to;
    }
  }
  return masks;
}

function checkPriors({ detector, size, priors }: Golden): void {
  const coding = detector.traits.boxCoding;
  if (coding === undefined) throw new Error('the detector has no coding of boxes');
  const [values, width] = coding.form === 'distances' ? [coding.points(size), 2] : [coding.anchors(size), 4];
  expect(values.length / width, 'number of priors').toBe(priors.count);
  for (const [index, row] of priors.rows) {
    row.forEach((value, side) => { expectNear(values[index * width + side] ?? NaN, value, 1e-6 * Math.max(1, Math.abs(value)), `prior ${index}`); });
  }
  expectRelative(values.reduce((sum, value) => sum + value, 0), priors.sum, 1e-6, 'sum of the priors');
  if (priors.perLevel !== undefined) expect(anchorsByLevel({ detector, size })).toEqual(priors.perLevel);
}

function checkAssignment({ assignment }: Golden, assignments: readonly Int32Array[]): void {
  assignment?.forEach((expected, image) => {
    const objects = [...(assignments[image] ?? [])];
    const positives = objects.flatMap((object, index) => (object > 0 ? [{ index, gt: object - 1 }] : []));
    expect({ positive: positives.length, negative: objects.filter((object) => object === 0).length, ignored: objects.filter((object) => object < 0).length }, `assignment of image ${image}`)
      .toEqual({ positive: expected.positive, negative: expected.negative, ignored: expected.ignored });
    const shown = positives.slice(0, expected.index.length);
    expect(shown.map(({ index }) => index)).toEqual(expected.index);
    expect(shown.map(({ gt }) => gt)).toEqual(expected.gt);
  });
}

function checkOutputs({ features, logits, regression, centerness = [], joined, detector: { traits } }: Golden, results: HostTensors): void {
  features.forEach((summary, level) => { checkMap(need(results, `features.${level}`), summary, `P${level + 3}`); });
  for (const [kind, summaries, depth] of [['logits', logits, traits.classes.length], ['regression', regression, 4], ['centerness', centerness, 1]] as const) {
    if (!joined) summaries.forEach((summary, level) => { checkMap(need(results, `${kind}.${level}`), summary, `${kind} of P${level + 3}`); });
    else if (summaries.length > 0) {
      const levels = traits.levels.map((_, level) => need(results, `${kind}.${level}`));
      const batch = levels[0]?.shape[0] ?? 0;
      const rows = joinImages(levels, batch);
      for (const summary of summaries) expectSummary(rows, [batch, rows.length / batch / depth, depth], summary, OUTPUT_TOLERANCE, kind);
    }
  }
}

/** Levels [N, …] as one flat array, image by image. */
function joinImages(levels: readonly HostTensor[], batch: number): Float32Array {
  const result = new Float32Array(levels.reduce((sum, { data }) => sum + data.length, 0));
  let written = 0;
  for (let image = 0; image < batch; image += 1) {
    for (const { data } of levels) {
      const each = data.length / batch;
      result.set(data.subarray(image * each, (image + 1) * each), written);
      written += each;
    }
  }
  return result;
}

function checkMap(map: HostTensor, summary: Summary, what: string): void {
  const { shape, data } = channelsFirst(map);
  expectSummary(data, shape, summary, OUTPUT_TOLERANCE, what);
}

function checkLosses(golden: Golden, results: HostTensors): void {
  const { losses, total, perLevel = {} } = golden;
  const scalar = (name: string): number => need(results, name).data[0] ?? NaN;
  for (const [part, value] of Object.entries(losses)) expectRelative(scalar(`loss.${part}`), value, OUTPUT_TOLERANCE, part);
  expectRelative(scalar('loss.total'), total ?? Object.values(losses).reduce((sum, value) => sum + value, 0), OUTPUT_TOLERANCE, 'total');
  for (const [part, values] of Object.entries(perLevel)) {
    values.forEach((value, level) => { expectRelative(scalar(`level.${level}.${part}`) * shareOf(golden, part, level, results), value, OUTPUT_TOLERANCE, `${part} of P${level + 3}`); });
  }
}

/** GFL divides its boxes' losses by what the positives weigh: for a level alone by less than for all. */
function shareOf({ detector: { traits }, truth, size, detector }: Golden, part: string, level: number, results: HostTensors): number {
  if (traits.boxCoding?.form !== 'distribution' || part === 'classification') return 1;
  const { assignments } = detector.targets(truth, size);
  let offset = 0;
  const weights = traits.levels.map((_, index) => {
    const { data, shape: [batch = 0, rows = 0, columns = 0] } = need(results, `logits.${index}`);
    const [cells, classes] = [rows * columns, traits.classes.length];
    let sum = 0;
    for (let image = 0; image < batch; image += 1) {
      for (let cell = 0; cell < cells; cell += 1) {
        const first = (image * cells + cell) * classes;
        if ((assignments[image]?.[offset + cell] ?? 0) > 0) sum += 1 / (1 + Math.exp(-Math.max(...data.subarray(first, first + classes))));
      }
    }
    offset += cells;
    return sum;
  });
  return Math.max(1, weights[level] ?? 0) / Math.max(1, weights.reduce((sum, value) => sum + value, 0));
}

/** Scores closer than this may change places. */
const TIE = 1e-5;

function checkDetections({ detections, size }: Golden, found: readonly (readonly Detection[])[]): void {
  expect(found.length).toBe(detections.length);
  detections.forEach(({ count, boxes, scores, labels }, image) => {
    const left = [...(found[image] ?? [])];
    expect(left.length, `detections in image ${image}`).toBe(count);
    boxes.forEach((box, rank) => {
      const score = scores[rank] ?? NaN;
      const near = (other: Detection): boolean => other.label === labels[rank] && Math.abs(other.score - score) <= TIE
        && other.box.every((value, side) => Math.abs(value - (box[side] ?? NaN)) <= OUTPUT_TOLERANCE * Math.max(...size));
      const match = left.findIndex(near);
      expect(match, `image ${image}, detection ${rank}: ${box.join(', ')} with ${score} is not among ${JSON.stringify(left.slice(0, 3))}`).toBeGreaterThanOrEqual(0);
      // What comes before it is no better by more than a tie.
      expect(left.slice(0, match).every((better) => better.score - score <= TIE), `image ${image}, detection ${rank}: order`).toBe(true);
      left.splice(match, 1);
    });
  });
}

function parameterOf(detector: Detector, name: string): Parameter {
  const parameter = detector.parameters.get(name);
  if (parameter === undefined) throw new Error(`the detector has no ${name}`);
  return parameter;
}

function need(tensors: HostTensors, name: string): HostTensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no ${name} came back`);
  return tensor;
}
