import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { Mosaic } from '../../../src/detectors/mosaic.ts';
import { createTower } from '../../../src/detectors/tower.ts';
import { startEngine } from '../../../src/engine/backend.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';

beforeAll(async () => {
  await startEngine({ backend: 'auto' });
});

const pyramid = (...sizes: readonly (readonly [number, number])[]): tf.Tensor4D[] => sizes.map(([rows, columns], index) => tf.randomNormal<tf.Rank.R4>([2, rows, columns, 4], 0, 1, 'float32', index + 1));

function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] ?? NaN);
}

describe('a mosaic of maps', () => {
  it.each([
    ['of powers of two', [[32, 32], [16, 16], [8, 8], [4, 4], [2, 2]], 2], ['of odd sizes', [[25, 38], [13, 19], [5, 9], [3, 5], [2, 3]], 2], ['of one row', [[16, 16], [1, 4], [1, 2], [1, 1]], 1],
  ] as const)('gives back the maps that were put in, and counts only their cells: %s', (_, sizes, from) => {
    const maps = pyramid(...sizes);
    const mosaic = Mosaic.of(maps) as Mosaic;
    expect(mosaic.from).toBe(from);
    const small = maps.slice(from);
    const joined = mosaic.join(small);
    mosaic.split(joined).forEach((map, index) => { expect(largestDifference(map, small[index] as tf.Tensor)).toBe(0); });
    expect(tf.sum(mosaic.mask()).dataSync()[0]).toBe(small.reduce((sum, { shape }) => sum + shape[1] * shape[2], 0));
    expect(largestDifference(tf.mul(joined, mosaic.mask()), joined)).toBe(0);
  });

  it('is not made of fewer than two small maps', () => {
    expect(Mosaic.of(pyramid([8, 8], [4, 4], [2, 2]))).toBeUndefined();
    expect(Mosaic.of(pyramid([4, 4]))).toBeUndefined();
  });

  it('goes through a tower as its maps do one by one, with the same gradients', () => {
    const tower = createTower(new Parameters(Random.of(1)), 'tower', { channels: 4, convs: 3, norm: 'none', trainable: true });
    const maps = pyramid([32, 32], [8, 8], [4, 4], [2, 2]).slice(1);
    const mosaic = Mosaic.of([tf.zeros([2, 32, 32, 4]), ...maps]) as Mosaic;
    // Small weights would hide what leaks from map to map.
    const loud = maps.map((map) => tf.mul<tf.Tensor4D>(map, 1e4));
    const total = (outs: readonly tf.Tensor4D[]): tf.Scalar => tf.addN(outs.map((out, index) => tf.sum<tf.Scalar>(tf.mul(tf.square(out), index + 1))));
    const together = (): tf.Tensor4D[] => mosaic.split(tower(mosaic.join(loud), 0, mosaic.mask()).out);
    const alone = (): tf.Tensor4D[] => loud.map((map) => tower(map).out);
    const [one, other] = [together(), alone()];
    one.forEach((out, index) => { expect(largestDifference(out, other[index] as tf.Tensor)).toBeLessThan(1e-5 * (tf.max(tf.abs(out)).dataSync()[0] ?? 0) + 1e-12); });
    const [first, second] = [tf.variableGrads(() => total(together())), tf.variableGrads(() => total(alone()))];
    for (const [name, gradient] of Object.entries(second.grads)) {
      expect(largestDifference(first.grads[name] as tf.Tensor, gradient)).toBeLessThanOrEqual(1e-5 * (tf.max(tf.abs(gradient)).dataSync()[0] ?? 0) + 1e-12);
    }
  });
});
