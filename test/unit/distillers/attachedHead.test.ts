import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { inference, type DetectorOutputs, type DetectorTraits } from '../../../src/detectors/detector.ts';
import { type BatchTruth, type Distiller } from '../../../src/distillers/distiller.ts';
import { cosines, imitationLoss, pooledLevel } from '../../../src/distillers/mimicdet.ts';
import { keepProposals, levelAt, proposalCandidates, type Proposal } from '../../../src/distillers/shared/proposals.ts';
import { sampleRegions } from '../../../src/distillers/shared/regionSamples.ts';
import { checkPair, createDistillers } from '../../../src/distillers/table.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { float32, int32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { methodSchema } from '../../../src/experiment/schema.ts';
import { runLosses, type Ran } from '../../goldens/support/run.ts';
import { onCpu, randomMap } from './support.ts';

const SIZE = [40, 56] as const;
const GRID = [[5, 7], [3, 4]] as const;
const PER_LEVEL = [70, 24];
const corners = GRID.flatMap(([rows, columns], level) => Array.from({ length: rows * columns * 2 }, (_, index) => {
  const [stride, cell] = [8 * 2 ** level, Math.floor(index / 2)];
  const [x, y, half] = [(cell % columns) * stride, Math.floor(cell / columns) * stride, stride * (1 + (index % 2))];
  return [x - half, y - half, x + half, y + half];
}));
const traits: DetectorTraits = {
  detector: 'retinanet', backbone: 'tiny', classes: ['disc', 'star', 'ring'], levels: [{ name: 'P3', stride: 8 }, { name: 'P4', stride: 16 }], featureChannels: 4, anchorsPerCell: 2, towers: { channels: 5, blocks: 2 },
  boxCoding: deltaCoding({ anchors: () => Float32Array.from(corners.flat()), perLevel: () => PER_LEVEL, deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } }),
};

const WIDTHS = { features: 4, logits: 6, regression: 8, classification: 5, boxes: 5 } as const;
const maps: HostTensors = Object.fromEntries(Object.entries(WIDTHS).flatMap(([kind, width], seed) => GRID.map(([rows, columns], level) => [`${kind}.${level}`, randomMap([2, rows, columns, width], 10 * seed + level, kind === 'regression' ? 0.1 : 1)])));

function outputsOf(tensors: Readonly<Record<string, tf.Tensor>>): DetectorOutputs {
  const list = (kind: string): tf.Tensor4D[] => GRID.map((_, level) => tensors[`${kind}.${level}`] as tf.Tensor4D);
  // The first block is not what is read.
  const tower = (kind: string): tf.Tensor4D[][] => list(kind).map((map) => [tf.zerosLike(map), map]);
  return { backbone: [], features: list('features'), logits: list('logits'), regression: list('regression'), towers: { classification: tower('classification'), regression: tower('boxes') } };
}

const batchOf = (boxes: readonly (readonly Box[])[], step?: number): BatchTruth => ({
  truth: boxes.map((own) => ({ boxes: own, labels: own.map((_, index) => index % 3), ignored: [] })), inputSize: SIZE, contentSizes: boxes.map(() => SIZE), assignments: [], ...(step === undefined ? {} : { step }),
});
const OBJECTS = batchOf([[[3, 4, 20, 30], [10, 10, 50, 38]], [[0.5, 1, 12, 9]]]);

function build(method: string, options: Readonly<Record<string, unknown>> = {}): Distiller {
  const config = methodSchema.parse({ method, regions: 16, hidden: 6, output: 3, candidates: 50, proposals: 40, ...options });
  const [distiller] = createDistillers([config], { teacher: traits, student: traits, inputSize: SIZE, batch: 2, random: Random.of(1), statistics: { featureDeviation: [] } });
  if (distiller === undefined) throw new Error('no distiller');
  return distiller;
}

async function inputsFor(distiller: Distiller, batch: BatchTruth, looks: boolean): Promise<HostTensors> {
  const step = { images: undefined as unknown as tf.Tensor4D, targets: {}, mode: inference() };
  const observed = looks ? await onCpu((tensors) => ({ outputs: distiller.observe?.run(outputsOf(tensors), outputsOf(tensors), {}, step) ?? {} }), maps, []) : {};
  return distiller.inputs(batch, observed);
}

async function run(distiller: Distiller, batch: BatchTruth = OBJECTS, looks = true): Promise<Ran & { readonly fed: HostTensors }> {
  const fed = await inputsFor(distiller, batch, looks);
  const step = { images: undefined as unknown as tf.Tensor4D, targets: {}, mode: inference() };
  const ran = await runLosses({ ...maps, ...fed }, {
    watched: Object.keys(maps), parameters: distiller.parameters.all(),
    losses: (tensors) => distiller.loss(outputsOf(tensors), outputsOf(tensors), tensors, step),
    shown: (tensors) => Object.fromEntries(distiller.pictures(outputsOf(tensors), outputsOf(tensors), tensors, step).map(({ kind, level, values }) => [`${kind}.${level}`, values])),
  }, onCpu);
  return { ...ran, fed };
}

const touched = ({ gradients }: Ran, start: string): boolean => Object.entries(gradients).some(([name, values]) => name.startsWith(start) && values.some((value) => value !== 0));
const finite = ({ losses, gradients, shown }: Ran): boolean => [...Object.values(losses), ...Object.values(gradients).flatMap((values) => [...values]), ...Object.values(shown).flatMap(({ data }) => [...data])].every((value) => Number.isFinite(value));

describe('proposals', () => {
  it('keep the anchor that they came from through suppression, clipped to the image', async () => {
    const observed = await onCpu((tensors) => ({ outputs: proposalCandidates(outputsOf(tensors), traits, SIZE, 20) }), maps, []);
    expect(observed.boxes?.shape).toEqual([2, 40, 4]);
    const [kept = []] = keepProposals(observed, [SIZE, SIZE], { nms: 0.7, proposals: 30, perLevel: PER_LEVEL });
    expect(kept.length).toBeGreaterThan(5);
    for (const { box, anchor } of kept) {
      const place = observed.anchors?.data.indexOf(anchor) ?? -1;
      const raw = [...observed.boxes?.data.subarray(place * 4, place * 4 + 4) ?? []];
      expect(raw.map((value, side) => Math.min(Math.max(value, 0), side % 2 === 0 ? 56 : 40))).toEqual([...box]);
    }
    expect(levelAt(69, PER_LEVEL)).toBe(0);
    expect(levelAt(70, PER_LEVEL)).toBe(1);
  });

  it('are suppressed within their level only', () => {
    const observed = { scores: float32([1, 3], Float32Array.of(3, 2, 1)), boxes: float32([1, 3, 4], Float32Array.of(0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9)), anchors: int32([1, 3], Int32Array.of(0, 80, 4)) };
    expect(keepProposals(observed, [SIZE], { nms: 0.7, proposals: 9, perLevel: PER_LEVEL })[0]?.map(({ anchor }) => anchor)).toEqual([0, 80]);
    expect(keepProposals({}, [SIZE], { nms: 0.7, proposals: 9, perLevel: PER_LEVEL })).toEqual([[]]);
  });

  it('become positives first, at most their share, and no background in ignored regions', () => {
    const settings = { regions: 8, positiveShare: 0.25, positiveIou: 0.5, withTruth: true };
    const proposals = Array.from({ length: 20 }, (_, anchor): Proposal => ({ anchor, box: anchor < 10 ? [0, 0, 10 + anchor * 0.1, 10] : [30, 0, 40 + anchor, 10] }));
    const drawn = sampleRegions(proposals, { boxes: [[0, 0, 10, 10]], labels: [2], ignored: [] }, settings, Random.of(1));
    expect(drawn.map(({ object }) => object)).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
    expect(sampleRegions(proposals, { boxes: [[0, 0, 10, 10]], labels: [2], ignored: [[25, 0, 99, 20]] }, settings, Random.of(1)).map(({ object }) => object)).toEqual([1, 1]);
    expect(sampleRegions([], { boxes: [[0, 0, 10, 10]], labels: [2], ignored: [] }, settings, Random.of(1))).toEqual([{ box: [0, 0, 10, 10], object: 1 }]);
    expect(sampleRegions([], { boxes: [[0, 0, 10, 10]], labels: [2], ignored: [] }, { ...settings, withTruth: false }, Random.of(1))).toEqual([]);
  });
});

describe('HEAD', () => {
  it('teaches the tower 0, not nothing over nothing, where only boxes of the ground truth are regions', async () => {
    const ran = await run(build('head'), OBJECTS, false);
    expect(ran.losses.cross).toBe(0);
    expect(ran.losses.classes).toBeGreaterThan(0);
    expect(touched(ran, 'classification')).toBe(false);
    expect(finite(ran)).toBe(true);
  });

  it('warms up from exactly 0', async () => {
    const distiller = build('head');
    expect((await run(distiller, { ...OBJECTS, step: 0 })).losses.cross).toBe(0);
    const [half, full] = [await run(distiller, { ...OBJECTS, step: 1000 }), await run(distiller)];
    expect(half.losses.cross).toBeCloseTo((full.losses.cross ?? 0) / 2, 5);
  });

  it('teaches without objects, too: background regions have features', async () => {
    const ran = await run(build('head'), batchOf([[], []]));
    expect(ran.losses.boxes).toBe(0);
    expect(ran.losses.cross).toBeGreaterThan(0);
    expect(finite(ran)).toBe(true);
  });

  it('takes the assistant as a constant in what the tower learns', async () => {
    const ran = await run(build('head', { assistant: 0 }));
    expect(touched(ran, 'classification')).toBe(true);
    expect(touched(ran, 'features')).toBe(false);
    expect(touched(ran, 'distill.head.assistant')).toBe(false);
    const own = await run(build('head', { weight: 0 }));
    expect(touched(own, 'features')).toBe(true);
    expect(touched(own, 'classification')).toBe(false);
  });

  it('counts the cells that it taught', async () => {
    const { shown, fed } = await run(build('head'));
    const counted = ['P3', 'P4'].reduce((sum, level) => sum + [...shown[`cells.${level}`]?.data ?? []].reduce((own, value) => own + value, 0), 0);
    expect(counted).toBe([...fed.kept?.data ?? []].filter((value) => value > 0).length);
    expect(shown['regions.all']?.shape).toEqual([2, 16, 5]);
  });
});

describe('MimicDet', () => {
  it('compares directions: 0 for equal vectors, 2 for opposite ones, whatever their length, and no division by 0', async () => {
    await tf.setBackend('cpu');
    const rows = tf.tensor2d([[1, 2, -1], [0.5, 0, 3]]);
    const one = tf.tensor1d([0.5, 0.5]);
    expect(imitationLoss(rows, rows, one).dataSync()[0]).toBeCloseTo(0, 6);
    expect(imitationLoss(rows, tf.neg(rows), one).dataSync()[0]).toBeCloseTo(2, 6);
    expect(imitationLoss(rows, tf.mul(rows, 7), one).dataSync()[0]).toBeCloseTo(0, 6);
    expect([...cosines(rows, tf.zerosLike(rows)).dataSync()]).toEqual([0, 0]);
    expect(tf.grad((x) => imitationLoss(x as tf.Tensor2D, rows, one))(tf.zerosLike(rows)).dataSync().every((value) => value === 0)).toBe(true);
  });

  it('pools from the finer level, the finest from itself', async () => {
    expect([0, 1, 2, 3, 4].map((level) => pooledLevel(level, 4, true))).toEqual([0, 0, 1, 2, 3]);
    expect([0, 1, 2, 3, 4].map((level) => pooledLevel(level, 5, false))).toEqual([0, 1, 2, 3, 4]);
    const staggered = await run(build('mimicdet'));
    expect(touched(staggered, 'features.0')).toBe(true);
    expect(touched(staggered, 'features.1')).toBe(false);
    expect(touched(await run(build('mimicdet', { staggered: false })), 'features.1')).toBe(true);
  });

  it('imitates boxes at positives only, and nothing without regions', async () => {
    const none = await run(build('mimicdet'), batchOf([[], []]));
    expect(none.losses.mimicBoxes).toBe(0);
    expect(none.losses.mimicClasses).toBeGreaterThan(0);
    expect(touched(none, 'boxes')).toBe(false);
    const nothing = await run(build('mimicdet'), OBJECTS, false);
    expect(Object.values(nothing.losses).map(Math.abs)).toEqual([0, 0, 0, 0]);
    expect(finite(none) && finite(nothing)).toBe(true);
  });

  it('takes the attached head as a constant unless told otherwise', async () => {
    expect(touched(await run(build('mimicdet', { head: 0 })), 'features')).toBe(false);
    expect(touched(await run(build('mimicdet', { head: 0, detach: false })), 'features')).toBe(true);
  });

  it('needs towers, as HEAD does', () => {
    const codes = (method: string, towers: NonNullable<DetectorTraits['towers']>): string[] => {
      const student = { ...traits, towers };
      return checkPair([methodSchema.parse({ method })], student, student).map(({ code }) => code);
    };
    for (const method of ['head', 'mimicdet']) {
      expect(codes(method, { channels: 5, blocks: 2 })).toEqual([]);
      expect(codes(method, { channels: 5, blocks: 0 })).toEqual(['DL584']);
    }
  });
});
