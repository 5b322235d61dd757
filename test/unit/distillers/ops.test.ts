/** The small operations with gradients of their own, against tfjs's composed ones and at the points where those fail. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { absolute, absoluteMeans } from '../../../src/engine/ops/absolute.ts';
import { detached } from '../../../src/engine/ops/gradient.ts';
import { groupLogSoftmax, groupSoftmax, matchRanks, type Groups } from '../../../src/engine/ops/groups.ts';
import { pick } from '../../../src/engine/ops/pick.ts';
import { meanSquare, rowNorms, sumOfSquares, weightedSquares } from '../../../src/engine/ops/squares.ts';
import { standardize } from '../../../src/engine/ops/standardize.ts';
import { randomMap } from './support.ts';

beforeAll(() => tf.setBackend('cpu'));

const random = <R extends tf.Rank>(shape: readonly number[], seed: number): tf.Tensor<R> =>
  tf.tensor(randomMap([1, 1, 1, shape.reduce((product, size) => product * size, 1)], seed).data, [...shape] as tf.ShapeMap[R]);

/** Value and gradient of Σ weights · f(x), for two ways to write f. */
function expectSame(x: tf.Tensor, own: (x: tf.Tensor) => tf.Tensor, composed: (x: tf.Tensor) => tf.Tensor): void {
  const sides = [own, composed].map((f) => {
    const { value, grad } = tf.valueAndGrad((input: tf.Tensor) => {
      const out = f(input);
      return tf.sum(tf.mul(out, tf.reshape(random([out.size], 77), out.shape)));
    })(x);
    return [...value.dataSync(), ...grad.dataSync()];
  });
  sides[0]?.forEach((value, index) => { expect(value).toBeCloseTo(sides[1]?.[index] ?? Number.NaN, 4); });
}

describe('operations with their own gradient', () => {
  it('|x| has slope 0 at 0', () => {
    expect([...tf.grad((x: tf.Tensor) => tf.sum(absolute(x)))(tf.tensor1d([-2, 0, 3])).dataSync()]).toEqual([-1, 0, 1]);
    const { ofPlaces, ofChannels } = absoluteMeans(tf.zeros([2, 3, 4]));
    expect([...ofPlaces.dataSync(), ...ofChannels.dataSync()]).toEqual(new Array(2 * 7).fill(0));
    expect([...tf.grad((x: tf.Tensor) => tf.sum(absoluteMeans(x as tf.Tensor3D).ofPlaces))(tf.zeros([1, 2, 2])).dataSync()]).toEqual([0, 0, 0, 0]);
  });

  it('agree with the composed ones', () => {
    const map = random<tf.Rank.R3>([2, 6, 5], 1);
    const weights = random<tf.Rank.R2>([2, 5], 2);
    expectSame(map, (x) => absoluteMeans(x as tf.Tensor3D).ofPlaces, (x) => tf.mean(tf.abs(x), 2));
    expectSame(map, (x) => absoluteMeans(x as tf.Tensor3D).ofChannels, (x) => tf.mean(tf.abs(x), 1));
    expectSame(map, (x) => absolute(x), (x) => tf.abs(x));
    expectSame(map, (x) => sumOfSquares(x), (x) => tf.sum(tf.square(x)));
    expectSame(map, (x) => meanSquare(x), (x) => tf.mean(tf.square(x), -1));
    expectSame(map, (x) => weightedSquares(x as tf.Tensor3D, weights), (x) => tf.sum(tf.mul(tf.square(x), tf.expandDims(weights, 1)), 2));
    const rows = random<tf.Rank.R2>([4, 7], 3);
    expectSame(rows, (x) => rowNorms(x as tf.Tensor2D), (x) => tf.sqrt(tf.sum(tf.square(x), 1)));
    expectSame(rows, (x) => standardize(x as tf.Tensor2D), (x) => {
      const { mean, variance } = tf.moments(x, 1, true);
      return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5)));
    });
    const indexes = tf.tensor2d([5, 0, 27, 13], [4, 1], 'int32');
    expectSame(rows, (x) => pick(x, indexes), (x) => tf.gather(tf.reshape(x, [28]), tf.tensor1d([5, 0, 27, 13], 'int32')));
  });

  it('a norm has a finite gradient at 0', () => {
    expect([...tf.grad((x: tf.Tensor) => tf.sum(rowNorms(x as tf.Tensor2D)))(tf.tensor2d([[0, 0], [3, 4]])).dataSync()].map((value) => Number(value.toFixed(6)))).toEqual([0, 0, 0.6, 0.8]);
  });

  it('detached values count as constants', () => {
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(x, detached(() => tf.square(x)))))(tf.tensor1d([2, 3]));
    expect([...gradient.dataSync()]).toEqual([4, 9]);
  });
});

describe('groups', () => {
  // Slots 0, 2, 4 form group 0; 1, 5 group 1; 3 is outside.
  const groups = (): Groups => ({
    group: tf.tensor2d([0, 1, 0, 6, 0, 1], [6, 1], 'int32'), share: tf.tensor1d([1 / 3, 1 / 2, 1 / 3, 1, 1 / 3, 1 / 2]), weight: tf.tensor1d([1, 1, 1, 0, 1, 1]),
  });

  it('are normalised apart, whatever lies outside them', () => {
    for (const outside of [0, 1e30, -1e30, Number.POSITIVE_INFINITY, Number.NaN]) {
      const p = [...groupSoftmax(groupLogSoftmax(tf.tensor1d([1, 300, 2, outside, 3, 301]), groups()), groups()).dataSync()];
      [0.0900306, 0.2689414, 0.2447285, 0, 0.6652409, 0.7310586].forEach((value, slot) => { expect(p[slot]).toBeCloseTo(value, 5); });
    }
  });

  it('match ranks within themselves', () => {
    const values = tf.tensor1d([10, 20, 30, 40, 50, 60]);
    const from = tf.tensor1d([3, 1, 2, 9, 1, 2]); // best first: 0, 2, 4 and 5, 1
    const to = tf.tensor1d([1, 2, 3, 0, 2, 1]); // best first: 2, 4, 0 and 1, 5
    expect([...matchRanks(values, from, to, groups()).dataSync()]).toEqual([50, 60, 10, 40, 30, 20]);
  });
});
