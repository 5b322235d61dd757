import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { type TadfConfig } from '../../../src/distillers/tadf.ts';
import { regionBoxLoss, regionClassLoss } from '../../../src/distillers/tadfGates.ts';
import { gaussianMask } from '../../../src/distillers/tadfMasks.ts';
import { tadfOptions } from '../../../src/experiment/methods/tadf.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, withStudent, type SceneOptions } from './support.ts';

type Options = Partial<Omit<TadfConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([tadfOptions.parse({ method: 'tadf', ...options })], scene), scene, onCpu);

/** Boxes of all anchors lie about the middle of the image. */
function sceneWithBoxes(options: SceneOptions & { steps?: number } = {}): Scene {
  const scene = makeScene(options);
  const anchors = Float32Array.from({ length: 94 * 4 }, (_, index) => [8, 6, 40, 32][index % 4] ?? 0);
  const boxCoding = deltaCoding({ anchors: () => anchors, perLevel: () => [70, 24], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } });
  return { ...scene, batch: { ...scene.batch, ...(options.steps === undefined ? {} : { steps: options.steps }) }, traits: { student: { boxCoding }, teacher: { boxCoding } } };
}

const map = { name: 'P3', rows: 6, columns: 8, places: 48 };

describe('TADF', () => {
  it('the mask is 1 at the centre, symmetric, e^−1 at the corners and 0 outside', () => {
    const mask = gaussianMask(map, 8, [[[4, 4, 36, 36]]], 1);
    const value = (row: number, column: number): number => mask[row * 8 + column] ?? Number.NaN;
    expect(value(2, 2)).toBe(1);
    expect(value(2, 0)).toBeCloseTo(Math.exp(-0.5));
    expect(value(0, 0)).toBeCloseTo(Math.exp(-1));
    for (const [row, column] of [[0, 1], [1, 3], [2, 4]] as const) {
      expect(value(row, column)).toBeCloseTo(value(4 - row, 4 - column));
      expect(value(row, column)).toBeCloseTo(value(column, row));
    }
    expect([...mask].filter((_, cell) => cell % 8 > 4 || cell >= 5 * 8).every((outside) => outside === 0)).toBe(true);
    expect([...gaussianMask(map, 8, [[[4, 4, 36, 36], [20, 4, 36, 20]]], 1)].every((cell, index) => cell >= (mask[index] ?? 0) && cell <= 1)).toBe(true);
    expect([...gaussianMask(map, 8, [[[9, 9, 10, 10], [5, 5, 5, 40]]], 1)].every((cell) => cell === 0), 'boxes without the middle of a cell').toBe(true);
  });

  it('counts a candidate only where the teacher is strictly better', async () => {
    const scene = sceneWithBoxes();
    const { losses } = await run(scene);
    expect(losses['tadf.classification']).toBeGreaterThan(0);
    expect(losses['tadf.box']).toBeGreaterThan(0);
    const equal = await run(withStudent(scene, scene.teacher));
    expect(allValues({ ...equal, pictures: {} }).every((value) => value === 0)).toBe(true);
  });

  it('learns nothing of classes and boxes from a teacher that is worse everywhere', () => {
    const classes = tf.tensor2d([[1, 0, 0], [0, 0, 1], [0, 0, 0]]);
    const [good, bad] = [tf.tensor2d([[4, 0, 0], [0, 0, 3], [0, 9, 0]]), tf.tensor2d([[1, 0, 0], [0, 2, 1], [9, 0, 0]])];
    expect(regionClassLoss(good, bad, classes).dataSync()[0]).toBe(0);
    const divergence = (p: readonly number[], q: readonly number[]): number => {
      const softmax = (x: readonly number[]): number[] => x.map((value) => Math.exp(value) / x.reduce((sum, other) => sum + Math.exp(other), 0));
      return softmax(p).reduce((sum, value, index) => sum + value * Math.log(value / (softmax(q)[index] ?? 0)), 0);
    };
    expect(regionClassLoss(bad, good, classes).dataSync()[0]).toBeCloseTo((divergence([4, 0, 0], [1, 0, 0]) + divergence([0, 0, 3], [0, 2, 1])) / 2, 5);
    const objects = tf.tensor2d([[0, 0, 10, 10], [0, 0, 10, 10]]);
    const [near, far] = [tf.tensor2d([[0, 0, 10, 9], [0, 0, 10, 10]]), tf.tensor2d([[5, 5, 10, 10], [0, 0, 10, 5]])];
    const difference = tf.tensor2d([[0.5, 0, -3, 0], [1, 0, 0, 0]]);
    expect(regionBoxLoss(difference, { student: () => near, teacher: () => far, objects }, tf.ones([2])).dataSync()[0]).toBe(0);
    expect(regionBoxLoss(difference, { student: () => far, teacher: () => near, objects }, tf.tensor1d([1, 0])).dataSync()[0]).toBeCloseTo(0.125 + 2.5, 5);
  });

  it('lets no gradient through the gates', () => {
    const [logits, teacher, classes] = [tf.tensor2d([[0.3, -0.2], [1, 0]]), tf.tensor2d([[0.9, -0.2], [0, 0]]), tf.tensor2d([[1, 0], [1, 0]])];
    const gradient = tf.grad((x: tf.Tensor) => regionClassLoss(x, teacher, classes))(logits).arraySync() as number[][];
    const softmax = (x: number): number => 1 / (1 + Math.exp(-x));
    // Of the one kept row: q − p.
    expect(gradient[0]?.[0]).toBeCloseTo(softmax(0.5) - softmax(1.1), 5);
    expect(gradient[1]?.every((value) => Math.abs(value) === 0)).toBe(true);
  });

  it('has finite losses without objects: features and boxes 0', async () => {
    const measured = await run(sceneWithBoxes({ boxes: [[], []] }));
    expect(Object.values(measured.losses)).toEqual([0, 0, 0]);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it.each(['linear', 'cosine'] as const)('fades out: %s from λ to 0', async (decay) => {
    const at = async (step: number): Promise<number> => Object.values((await run(sceneWithBoxes({ step, steps: 8 }), { decay, weight: 3 })).losses).reduce((sum, value) => sum + value, 0);
    const full = Object.values((await run(sceneWithBoxes(), { weight: 3 })).losses).reduce((sum, value) => sum + value, 0);
    const values = [await at(0), await at(2), await at(4), await at(8)];
    expect(values[0]).toBeCloseTo(full, 5);
    expect(values[2]).toBeCloseTo(full / 2, 5);
    expect(values[3]).toBeCloseTo(0, 6);
    expect(values.toSorted((a, b) => b - a)).toEqual(values);
  });

  it('puts an object on the level of its size on request', async () => {
    const marked = async (levels: 'all' | 'own'): Promise<boolean[]> => {
      const { pictures } = await run(sceneWithBoxes(), { levels });
      return [0, 1].map((level) => pictures[`tadf.gaussian.shared.L${level}`]?.data.some((value) => value > 0) === true);
    };
    expect(await marked('all')).toEqual([true, true]);
    expect(await marked('own')).toEqual([true, false]);
  });
});
