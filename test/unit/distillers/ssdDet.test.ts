import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Distiller } from '../../../src/distillers/distiller.ts';
import { bagBoxes, bagOffsets, bagTensor, chosenObjects } from '../../../src/distillers/ssdDetBags.ts';
import { bestProposals, decodeProposals, encodeProposals, insideShare, meanBoxes, sampleMatrix, stretched } from '../../../src/distillers/ssdDetBoxes.ts';
import { iou, type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { ssdDetOptions } from '../../../src/experiment/methods/ssdDet.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, type SceneOptions } from './support.ts';

type Options = Readonly<Record<string, unknown>>;
const SMALL = { ratios: [1, 0.8], maxObjects: 2, output: 2, hidden: 6, negatives: 4, leastSide: 4 };
const STRIDED = [{ name: 'L0', stride: 8 }, { name: 'L1', stride: 16 }];

function sceneOf(options: SceneOptions = {}): Scene {
  const scene = makeScene(options);
  const traits = { levels: STRIDED.slice(0, scene.grid.length) };
  return { ...scene, traits: { student: traits, teacher: traits } };
}

function build(scene: Scene, options: Options = {}): Distiller {
  const [distiller] = buildDistillers([ssdDetOptions.parse({ method: 'ssd-det', ...SMALL, ...options })], scene);
  if (distiller === undefined) throw new Error('no distiller');
  return distiller;
}

const run = (scene: Scene, options: Options = {}, change: (distiller: Distiller) => void = () => undefined): Promise<Measured> => {
  const distiller = build(scene, options);
  change(distiller);
  return measure([distiller], scene, onCpu);
};

/** Regressors that leave every proposal where it is. */
function still(distiller: Distiller): void {
  for (const { name, variable } of distiller.parameters.all()) if (name.includes('.deltas.')) setWeight(variable, new Float32Array(variable.size));
}

const rows = (measured: Measured, kind: string): Box[] => {
  const { shape: [, places = 0] = [], data = [] } = measured.pictures[`ssd-det.${kind}.shared.all`] ?? {};
  return Array.from({ length: data.length / 5 }, (_, index) => [...data.slice(index * 5, index * 5 + 4)] as unknown as Box).filter((_, index) => places > 0 && (data[index * 5 + 2] ?? 0) > 0);
};
const truthOf = (...boxes: readonly Box[]): GroundTruth => ({ boxes, labels: boxes.map(() => 0), ignored: [] });

beforeAll(() => tf.setBackend('cpu'));

describe('SSD-Det\'s bags', () => {
  const offsets = bagOffsets([1, 1.2, 1.3, 0.8, 0.7], 0.2);

  it('hold 125 proposals: by width, by height, then in place, left, right, up, down', () => {
    expect(offsets).toHaveLength(125);
    const boxes = bagBoxes([0, 0, 10, 20], offsets);
    expect(boxes.slice(0, 5)).toEqual([[0, 0, 10, 20], [-2, 0, 8, 20], [2, 0, 12, 20], [0, -4, 10, 16], [0, 4, 10, 24]]);
    // The second combination: the same width, 1.2 times the height, moved by a fifth of that.
    expect(boxes[5]).toEqual([0, -2, 10, 22]);
    expect(boxes[9]?.[1]).toBeCloseTo(2.8, 9);
    expect(boxes[25]).toEqual([-1, 0, 11, 20]);
  });

  it('move with the box', () => {
    const [here, there] = [bagBoxes([0, 0, 10, 20], offsets), bagBoxes([5, -3, 15, 17], offsets)];
    here.forEach(([x1, y1, x2, y2], index) => {
      [x1 + 5, y1 - 3, x2 + 5, y2 - 3].forEach((value, side) => { expect(there[index]?.[side]).toBeCloseTo(value, 9); });
    });
  });

  it('are the same in the graph', () => {
    const own = bagTensor(tf.tensor2d([[3, 4, 23, 14]]), offsets).dataSync();
    bagBoxes([3, 4, 23, 14], offsets).flat().forEach((value, index) => { expect(own[index]).toBeCloseTo(value, 4); });
  });

  it('leave out objects that shaking would collapse, and the smallest where there are more than places', () => {
    const truth = truthOf([0, 0, 30, 30], [0, 0, 7, 40], [0, 0, 50, 50], [5, 5, 20, 20]);
    expect(chosenObjects(truth, { slots: 8, leastSide: 8 })).toEqual([0, 2, 3]);
    expect(chosenObjects(truth, { slots: 2, leastSide: 8 })).toEqual([0, 2]);
    expect(chosenObjects(truthOf(), { slots: 2, leastSide: 8 })).toEqual([]);
  });
});

describe('SSD-Det\'s boxes', () => {
  it('decode what they encode', () => {
    const bag = tf.tensor3d([[[0, 0, 10, 20], [4, 4, 9, 30]]]);
    const box = tf.tensor2d([[2, -3, 16, 18]]);
    [...decodeProposals(bag, encodeProposals(bag, box)).dataSync()].forEach((value, index) => { expect(value).toBeCloseTo([2, -3, 16, 18][index % 4] ?? 0, 3); });
  });

  it('count by the part that lies in the image', () => {
    expect([...insideShare(tf.tensor3d([[[0, 0, 10, 10], [-5, 0, 5, 10], [90, 90, 110, 110], [200, 0, 210, 5], [3, 3, 3, 9]]]), tf.tensor2d([[0, 0, 100, 100]])).dataSync()])
      .toEqual([1, 0.5, 0.25, 0, 0]);
  });

  it('merge by share of the best scores', () => {
    const proposals = tf.tensor3d([[[0, 0, 10, 10], [0, 0, 20, 20], [0, 0, 90, 90]]]);
    expect([...meanBoxes(bestProposals(proposals, tf.tensor2d([[0.3, 0.1, 0.05]]), 2)).dataSync()].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([0, 0, 12.5, 12.5]);
    // A bag of one proposal is that proposal.
    expect([...meanBoxes(bestProposals(tf.tensor3d([[[1, 2, 3, 4]]]), tf.tensor2d([[0.001]]), 7)).dataSync()].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([1, 2, 3, 4]);
  });

  it('take 1 as every spatial score of a bag whose scores are the same', () => {
    expect([...stretched(tf.tensor2d([[3, 3, 3], [1, 2, 5]])).dataSync()]).toEqual([1, 1, 1, 0, 0.25, 1]);
  });

  it('sample a window at the middle of each bin', () => {
    // Of a window three boxes long with two cells a box, the box itself is the third and fourth cell.
    const box = tf.tensor2d([[10, 0, 20, 10]]);
    expect([...sampleMatrix(tf.tensor3d([[[10, 0, 20, 10]]]), box, 0, 3, 2).dataSync()]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
    const moved = [...sampleMatrix(tf.tensor3d([[[12.5, 0, 22.5, 10]]]), box, 0, 3, 2).dataSync()];
    expect(moved).toEqual([0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0.5, 0.5, 0]);
  });
});

describe('SSD-Det', () => {
  it('gives the given box back, clipped, from a bag of that box alone', async () => {
    const scene = sceneOf({ boxes: [[[3, 4, 20, 30], [-6, 10, 50, 38]], [[0.5, 1, 12, 9]]] });
    const measured = await run(scene, { ratios: [1], shake: 0 }, still);
    const expected: Box[] = [[3, 4, 20, 30], [0, 10, 50, 38], [0.5, 1, 12, 9]];
    rows(measured, 'refined').forEach((box, index) => { box.forEach((value, side) => { expect(value).toBeCloseTo(expected[index]?.[side] ?? Number.NaN, 3); }); });
    expect(rows(measured, 'refined')).toHaveLength(3);
  });

  it('moves no box farther than it was shaken, twice', async () => {
    const scene = sceneOf();
    const measured = await run(scene, {}, still);
    const given = scene.batch.truth.flatMap(({ boxes }) => [...boxes]);
    rows(measured, 'refined').forEach((box, index) => {
      const [x1, y1, x2, y2] = given[index] ?? [0, 0, 0, 0];
      expect(Math.abs((box[0] + box[2] - x1 - x2) / 2)).toBeLessThanOrEqual(0.4 * (x2 - x1) + 1e-3);
      expect(Math.abs((box[1] + box[3] - y1 - y2) / 2)).toBeLessThanOrEqual(0.4 * (y2 - y1) + 1e-3);
    });
  });

  it('skips images without objects, with finite losses', async () => {
    const measured = await run(sceneOf({ boxes: [[], []] }));
    expect(measured.losses['ssd-det.bags']).toBe(0);
    expect(measured.losses['ssd-det.regression']).toBe(0);
    expect(measured.losses['ssd-det.negatives']).toBe(0);
    expect(allValues(measured).filter((value) => !Number.isFinite(value))).toEqual([]);
    expect(allValues(await run(sceneOf({ boxes: [[[3, 4, 4, 5]], [[0, 0, 56, 40]]], classes: 1 }), { leastSide: 0.5 })).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('trusts between 0 and 1, and lets no gradient through a new box', async () => {
    const scene = sceneOf();
    const measured = await run(scene);
    const { data = [] } = measured.pictures['ssd-det.refined.shared.all'] ?? {};
    [4, 9, 14].forEach((index) => {
      expect(data[index]).toBeGreaterThan(0);
      expect(data[index]).toBeLessThanOrEqual(1);
    });
    // With a bag that says nothing else, the first stage's regressor learns from its own loss alone.
    const alone = await run(scene, { bags: 0, spatial: 0 });
    expect(alone.gradients['distill.ssd-det.classes.0.weight']?.every((value) => value === 0)).toBe(true);
    expect(alone.gradients['distill.ssd-det.deltas.0.weight']?.some((value) => value !== 0)).toBe(true);
  });

  it.each(['classes.1.weight', 'instances.1.weight', 'deltas.1.weight', 'spatial.iou.weight'])('has the gradients of finite differences, by %s', async (name) => {
    const scene = sceneOf();
    const at = (by: number): Promise<Measured> => run(scene, { weight: 10 }, ({ parameters }) => {
      const parameter = parameters.get(`distill.ssd-det.${name}`);
      if (parameter === undefined) throw new Error(name);
      // A larger start than the published one, so that scores differ.
      for (const { name: own, variable } of parameters.all()) if (own.endsWith('.1.weight')) setWeight(variable, Float32Array.from({ length: variable.size }, (_, index) => 0.3 * Math.sin(3 * index)));
      setWeight(parameter.variable, Float32Array.from(parameter.variable.dataSync(), (value, index) => value + by * Math.cos(index)));
    });
    // Each of these heads reaches one part through values alone; the others see it through what carries no gradient.
    const part = `ssd-det.${{ deltas: 'regression', spatial: 'spatial' }[name.split('.')[0] ?? ''] ?? 'bags'}`;
    const [here, above, below] = [await at(0), await at(1e-3), await at(-1e-3)];
    const others = part === 'ssd-det.bags' && name.startsWith('classes') ? 'ssd-det.negatives' : undefined;
    const value = ({ losses }: Measured): number => (losses[part] ?? Number.NaN) + (others === undefined ? 0 : losses[others] ?? Number.NaN);
    const expected = (value(above) - value(below)) / 2e-3;
    const along = [...(here.gradients[`distill.ssd-det.${name}`] ?? [])].reduce((sum, gradient, index) => sum + gradient * Math.cos(index), 0);
    expect(Math.abs(expected)).toBeGreaterThan(1e-4);
    expect(Math.abs(along - expected)).toBeLessThan(0.02 * Math.abs(expected) + 2e-3);
  });

  it('puts new boxes in the place of given ones where they still lie on them', () => {
    const scene = sceneOf({ boxes: [[[3, 4, 20, 30], [10, 10, 50, 38]], [[0.5, 1, 12, 9]]] });
    const distiller = build(scene);
    const refined = float32([2, 2, 4], Float32Array.from([4, 5, 21, 31, 40, 0, 56, 8, Number.NaN, 1, 12, 9, 0, 0, 0, 0]));
    const supervised = distiller.supervise?.(scene.batch, { refined }).truth;
    expect(supervised?.map(({ boxes }) => boxes)).toEqual([[[4, 5, 21, 31], [10, 10, 50, 38]], [[0.5, 1, 12, 9]]]);
    expect(iou([40, 0, 56, 8], [10, 10, 50, 38])).toBeLessThan(0.3);
    expect(supervised?.at(0)?.labels).toEqual(scene.batch.truth[0]?.labels);
    const early = { ...scene.batch, step: 1, steps: 100 };
    expect(build(scene, { refineFrom: 0.1 }).supervise?.(early, { refined })).toEqual({});
  });

  it('hands the given boxes on to the step that learns from the new ones', () => {
    const scene = sceneOf();
    const distiller = build(scene);
    const seen = distiller.observe?.inputs?.(scene.batch) ?? {};
    const revised = { ...scene.batch, truth: scene.batch.truth.map((image) => ({ ...image, boxes: image.boxes.map((): Box => [0, 0, 30, 30]) })) };
    expect(distiller.inputs(revised, seen)).toEqual(seen);
  });
});
