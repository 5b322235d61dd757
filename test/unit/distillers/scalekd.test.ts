import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MapLevel } from '../../../src/distillers/shared/maps.ts';
import { scalekd } from '../../../src/distillers/scalekd.ts';
import { createAssistant, type Assistant } from '../../../src/distillers/scalekdAssistant.ts';
import { averageWindow, branchesOf, branchLoss, type Window } from '../../../src/distillers/scalekdBranches.ts';
import { imitation, predictionInputs } from '../../../src/distillers/scalekdPredictions.ts';
import { type HostTensors } from '../../../src/engine/hostTensor.ts';
import { dilated } from '../../../src/engine/ops/dilated.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';
import { scalekdOptions } from '../../../src/experiment/methods/scalekd.ts';
import { traitsOf } from '../../goldens/support/distiller.ts';
import { makeScene } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const random = (shape: [number, number, number, number], seed: number): tf.Tensor4D => tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', seed);
const value = (x: tf.Tensor): number => x.dataSync()[0] ?? Number.NaN;
const farthest = (a: tf.Tensor, b: tf.Tensor): number => value(tf.max(tf.abs(tf.sub(a, b))));
const level = (rows: number, columns: number): MapLevel => ({ name: 'P3', rows, columns, places: rows * columns });
const window = (taps: readonly number[]): Window => (x) => {
  const filter = tf.mul<tf.Tensor4D>(tf.reshape(tf.tensor1d([...taps]), [3, 3, 1, 1]), tf.reshape(tf.eye(x.shape[3]), [1, 1, x.shape[3], x.shape[3]]));
  return tf.conv2d(x, filter, 1, 'valid');
};

function assistantFor(rows: number, columns: number, options: { readonly rates?: readonly number[]; readonly maxTokens?: number; readonly blank?: boolean } = {}): Assistant {
  const parameters = new Parameters(Random.of(4));
  const assistant = createAssistant(parameters, 'assistant', level(rows, columns), { channels: 6, rates: options.rates ?? [1, 2, 4], heads: 5, maxTokens: options.maxTokens ?? 1024 });
  if (options.blank !== true) parameters.get('assistant.out.weight')?.variable.assign(tf.randomNormal(parameters.get('assistant.out.weight')?.variable.shape ?? [], 0, 1, 'float32', 8));
  return assistant;
}

describe('ScaleKD', () => {
  it('loses nothing where maps and windows agree', () => {
    const map = random([2, 5, 7, 3], 1);
    const [own, other] = [branchesOf(map, [1, 2, 3], window(Array.from({ length: 9 }, () => 1 / 9))), branchesOf(map, [1, 2, 3], averageWindow)];
    expect(value(branchLoss(own, other, [1]))).toBeLessThan(1e-12);
  });

  it('is plain imitation with one branch that sees its own cell alone', () => {
    const [own, other] = [tf.abs(random([2, 4, 3, 2], 1)), tf.abs(random([2, 4, 3, 2], 2))];
    const delta = window([0, 0, 0, 0, 1, 0, 0, 0, 0]);
    expect(value(branchLoss(branchesOf(own, [1], delta), branchesOf(other, [1], delta), [1]))).toBeCloseTo(value(tf.mean(tf.square(tf.sub(own, other)))), 5);
    expect(value(branchLoss(branchesOf(own, [1, 2], delta), branchesOf(other, [1, 2], delta), [0.5, 0]))).toBeCloseTo(0.5 * value(tf.mean(tf.square(tf.sub(own, other)))), 5);
  });

  it.each([[5, 7, 2], [4, 6, 3], [1, 1, 3], [9, 3, 4]])('windows of a %i × %i map with taps %i apart are those of a dilated convolution, and have a gradient', (rows, columns, rate) => {
    const [map, filter] = [random([2, rows, columns, 3], 3), random([3, 3, 3, 2], 4)];
    const own = (x: tf.Tensor4D): tf.Tensor4D => dilated(x, rate, (dealt) => tf.conv2d(dealt, filter, 1, 'valid'));
    expect(farthest(own(map), tf.conv2d(map, filter, 1, 'same', 'NHWC', rate))).toBeLessThan(1e-5);
    // Σ y · w is linear: its gradient at x gives its value back.
    const along = tf.grad((x) => tf.sum(own(x as tf.Tensor4D)))(map);
    expect(value(tf.sum(tf.mul(along, map)))).toBeCloseTo(value(tf.sum(own(map))), 3);
  });

  it('tiny maps: dilated taps see nothing but zeros', () => {
    const one = random([1, 1, 1, 2], 5);
    expect(farthest(dilated(one, 3, averageWindow), tf.mul(one, 1 / 9))).toBeLessThan(1e-6);
  });

  it('attention over a large map: keys are pooled until few enough are left', () => {
    const looks = (maxTokens: number): tf.Tensor3D => assistantFor(8, 6, { maxTokens }).looks(random([1, 8, 6, 6], 6), random([1, 8, 6, 6], 7), tf.oneHot(tf.tensor1d([3], 'int32'), 48) as tf.Tensor2D);
    expect(looks(48).shape).toEqual([1, 8, 6]);
    expect(looks(47).shape).toEqual([1, 4, 3]);
    expect(value(tf.sum(looks(12)))).toBeCloseTo(1, 5);
  });

  it('the assistant starts as the student\'s map, and then depends on the teacher\'s', () => {
    const [student, teacher] = [random([2, 3, 5, 6], 8), random([2, 3, 5, 6], 9)];
    expect(farthest(assistantFor(3, 5, { blank: true }).run(student, teacher), student)).toBe(0);
    const assistant = assistantFor(3, 5);
    expect(farthest(assistant.run(student, teacher), assistant.run(student, tf.mul(teacher, 2)))).toBeGreaterThan(1e-3);
  });

  it('predictions that agree lose nothing, and boxes count in sides of their object', () => {
    const batch = { truth: [{ boxes: [[0, 0, 10, 20], [0, 0, 0, 0]] as const, labels: [0, 0], ignored: [] }], inputSize: [32, 32] as const, contentSizes: [[32, 32]] as const, assignments: [Int32Array.of(1, 0, -1, 2)] };
    const inputs = asTensors(predictionInputs(batch));
    const [logits, boxes] = [tf.randomNormal<tf.Rank.R3>([1, 4, 2], 0, 1, 'float32', 1), tf.tensor3d([[[0, 0, 10, 20], [1, 1, 2, 2], [3, 3, 4, 4], [5, 5, 6, 6]]])];
    const same = imitation({ logits, boxes }, { logits, boxes }, inputs);
    expect([value(same.classification), value(same.box)].map((entry) => Math.round(entry * 1e5))).toEqual([0, 0]);
    const moved = tf.add<tf.Tensor3D>(boxes, tf.tensor3d([[[1, 0, 1, 0], [9, 9, 9, 9], [9, 9, 9, 9], [0, 0, 0, 0]]]));
    // The first box overlaps by 9 / 11 and is held by an equally high one of 11; two foreground anchors share.
    expect(value(imitation({ logits, boxes: moved }, { logits, boxes }, inputs).box)).toBeCloseTo((0.5 * 0.1 + (1 - 9 / 11)) / 2, 5);
  });

  it('asks for the same detector on both sides', () => {
    const scene = makeScene();
    const [own, other] = [traitsOf(scene.student, scene), traitsOf(scene.teacher, scene, { detector: 'atss' })];
    expect(scalekd.problems(other, own, scalekdOptions.parse({ method: 'scalekd' })).map(({ code }) => code)).toContain('DL571');
  });
});

function asTensors(inputs: HostTensors): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(inputs).map(([name, { data, shape, dtype }]) => [name, tf.tensor(data, [...shape], dtype)]));
}
