import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { type ForwardMode } from '../../../src/detectors/detector.ts';
import { blendLevels, contrastLoss, enqueue, imitationLoss } from '../../../src/distillers/gDetkdLosses.ts';
import { negatives, regionsOf } from '../../../src/distillers/gDetkdRegions.ts';
import { gDetkdOptions } from '../../../src/experiment/methods/gDetkd.ts';
import { float32, int32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { buildDistillers, measure, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const value = (x: tf.Tensor): number => x.dataSync()[0] ?? Number.NaN;
const rows = (count: number, width: number, seed: number): tf.Tensor2D => tf.randomNormal<tf.Rank.R2>([count, width], 0, 1, 'float32', seed);
const one = tf.scalar(1);
const config = (options: Record<string, unknown> = {}): ReturnType<typeof gDetkdOptions.parse> => gDetkdOptions.parse({ method: 'g-detkd', maxRegions: 3, poolSize: 2, queue: 8, embedding: 4, ...options });
const coding = deltaCoding({ anchors: () => Float32Array.from({ length: 94 * 4 }, (_, index) => [2, 3, 20, 25][index % 4] ?? 0), perLevel: () => [70, 24], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } });
const withBoxes = (scene: Scene): Scene => ({ ...scene, traits: { student: { boxCoding: coding }, teacher: { boxCoding: coding } } });

describe('G-DetKD', () => {
  it('with one level the blend is that level: plain imitation of regions', () => {
    const [student, teacher] = [rows(4, 6, 1), rows(4, 6, 2)];
    const blend = blendLevels(rows(4, 3, 3), [rows(4, 3, 4)], [teacher], one);
    expect(value(imitationLoss(student, blend, tf.ones([4])))).toBeCloseTo(value(tf.mean(tf.square(tf.sub(student, teacher)))), 5);
  });

  it('equal levels count alike, and lose what one of them would', () => {
    const [student, teacher, asked] = [rows(4, 6, 1), rows(4, 6, 2), rows(4, 3, 4)];
    const blend = blendLevels(rows(4, 3, 3), [asked, asked, asked], [teacher, teacher, teacher], one);
    expect([...blend.weights.dataSync()].every((weight) => Math.abs(weight - 1 / 3) < 1e-6)).toBe(true);
    expect(value(imitationLoss(student, blend, tf.ones([4])))).toBeCloseTo(value(tf.mean(tf.square(tf.sub(student, teacher)))), 5);
  });

  it('a low temperature asks for the most alike level alone', () => {
    const own = tf.tensor2d([[1, 0], [0, 1]]);
    const { weights } = blendLevels(own, [tf.tensor2d([[1, 0], [0, 0.5]]), tf.tensor2d([[0.5, 0], [0, 1]])], [own, own], tf.scalar(1e-3));
    expect([...weights.dataSync()].map((weight) => Math.round(weight * 1e6) / 1e6)).toEqual([1, 0, 0, 1]);
  });

  it('no region loses nothing, and empty slots do not count', () => {
    const [student, teacher] = [rows(3, 4, 1), rows(3, 4, 2)];
    const blend = blendLevels(rows(3, 2, 3), [rows(3, 2, 4)], [teacher], one);
    expect(value(imitationLoss(student, blend, tf.zeros([3])))).toBe(0);
    expect(value(imitationLoss(student, blend, tf.tensor1d([0, 1, 0])))).toBeCloseTo(value(tf.mean(tf.square(tf.sub(tf.slice(student, [1, 0], [1, 4]), tf.slice(teacher, [1, 0], [1, 4]))))), 5);
    expect(value(contrastLoss({ student, teacher, negatives: tf.zeros([3, 3]), filled: tf.zeros([3]) }, 0.07))).toBe(0);
  });

  it('no negatives left: exactly 0', () => {
    const unit = tf.tensor2d([[0.6, 0.8]]);
    const alone = { student: unit, teacher: tf.tensor2d([[1, 0]]), negatives: tf.zeros<tf.Rank.R2>([1, 1]), filled: tf.ones<tf.Rank.R1>([1]) };
    expect(value(contrastLoss(alone, 0.07))).toBe(0);
    expect(value(contrastLoss({ ...alone, queue: tf.zeros([5, 2]) }, 0.07)), 'an empty queue').toBe(0);
  });

  it('orthogonal embeddings that agree lose log(1 + n exp(−1/τ))', () => {
    const unit = tf.eye(4);
    const others = tf.sub<tf.Tensor2D>(tf.ones([4, 4]), tf.eye(4));
    for (const temperature of [0.5, 0.07]) {
      expect(value(contrastLoss({ student: unit, teacher: unit, negatives: others, filled: tf.ones([4]) }, temperature))).toBeCloseTo(Math.log(1 + 3 * Math.exp(-1 / temperature)), 6);
    }
    const queue = tf.tensor2d([[0, 0, 0, 0], [0, 0.6, 0, 0.8]]);
    expect(value(contrastLoss({ student: tf.slice2d(unit, [0, 0], [1, 4]), teacher: tf.slice2d(unit, [0, 0], [1, 4]), negatives: tf.zeros([1, 1]), filled: tf.ones([1]), queue }, 0.5))).toBeCloseTo(Math.log(1 + Math.exp(-2)), 5);
  });

  it('regions that overlap too much are never negatives of each other, save in different images', () => {
    const boxes = [[0, 0, 10, 10], [0, 0, 10, 11], [50, 50, 60, 60], [0, 0, 10, 10], undefined, undefined] as const;
    const mask = negatives(boxes, 3, 0.5);
    expect(Array.from({ length: 6 }, (_, row) => [...mask.slice(6 * row, 6 * row + 6)])).toEqual([
      [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0], [1, 1, 0, 1, 0, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0],
    ]);
  });

  it('takes objects first, then the student\'s detections, as far as slots reach', () => {
    const { batch } = makeScene({ boxes: [[[0, 0, 4, 4], [0, 0, 30, 30]]] });
    const observed: HostTensors = { scores: float32([1, 2], Float32Array.of(0.9, 0.8)), labels: int32([1, 2], Int32Array.of(0, 1)), boxes: float32([1, 2, 4], Float32Array.of(1, 1, 9, 9, 2, 2, 8, 8)) };
    const of = (maxRegions: number): readonly number[] | undefined => regionsOf(batch, observed, { maxRegions, nms: 0.5, poolSize: 2, overlap: 0.5 })[0]?.map(([, , x2]) => x2);
    expect([of(3), of(1)]).toEqual([[4, 30, 9], [30]]);
  });

  it('the queue holds teacher embeddings, the newest first, and learns only in training', () => {
    const kept = enqueue(tf.tensor2d([[9, 9], [8, 8], [7, 7]]), tf.tensor2d([[1, 1], [2, 2]]), tf.tensor1d([1, 0]));
    expect([...kept.dataSync()]).toEqual([1, 1, 0, 0, 9, 9]);
    const scene = withBoxes(makeScene());
    const [distiller] = buildDistillers([config()], scene);
    const outputs = (maps: Scene['student']): Parameters<NonNullable<typeof distiller>['loss']>[0] => {
      const list = (kind: 'features' | 'logits' | 'regression'): tf.Tensor4D[] => (maps[kind] ?? []).map(({ data, shape }) => tf.tensor<tf.Rank.R4>(data, shape as [number, number, number, number]));
      return { backbone: [], features: list('features'), logits: list('logits'), regression: list('regression'), towers: { classification: [], regression: [] } };
    };
    const inputs = Object.fromEntries(Object.entries(distiller?.inputs(scene.batch, {}) ?? {}).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]));
    for (const training of [true, false]) {
      const mode: ForwardMode = { training, updates: [] };
      distiller?.loss(outputs(scene.teacher), outputs(scene.student), inputs, { images: tf.zeros([2, 40, 56, 3]), targets: {}, mode });
      expect(mode.updates.map(([variable, next]) => [variable.shape, next.shape])).toEqual(training ? [[[8, 4], [8, 4]]] : []);
    }
  });

  it('serves pairs of other widths and numbers of levels', async () => {
    const scene = withBoxes(makeScene({ studentChannels: 3, teacherChannels: 5 }));
    const oneLevel: Scene = {
      ...scene, teacher: { features: scene.teacher.features?.slice(0, 1) ?? [] },
      traits: { student: { boxCoding: coding }, teacher: { boxCoding: coding, levels: [{ name: 'L0', stride: 8 }], grid: () => [[5, 7]] } },
    };
    const measured = await measure(buildDistillers([config()], oneLevel), oneLevel, onCpu);
    expect(measured.pictures['g-detkd.blend.shared.all']?.shape).toEqual([2, 2, 1]);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
    expect(measured.losses['g-detkd.imitation']).toBeGreaterThan(0);
  });
});
