import { describe, expect, it } from 'vitest';
import { cholesky, PairedMoments } from '../../../src/engine/leastSquares.ts';
import { Random } from '../../../src/engine/random.ts';

const SAMPLES = 400;

/** Rows of independent numbers with a mean that is not 0. */
function rows(width: number, seed: number): number[][] {
  const random = Random.of(seed);
  return Array.from({ length: SAMPLES }, () => Array.from({ length: width }, (_, channel) => random.uniform() * (channel + 1) + 3));
}

const mixed = (values: readonly number[][], matrix: readonly (readonly number[])[]): number[][] => values.map((row) => matrix.map((weights) => weights.reduce((sum, weight, channel) => sum + weight * (row[channel] ?? 0), 0)));

function cost(from: readonly number[][], to: readonly number[][], ridge = 1e-4): number {
  const moments = new PairedMoments(from[0]?.length ?? 0, to[0]?.length ?? 0);
  from.forEach((row, sample) => { moments.add(row, to[sample] ?? []); });
  return moments.unexplained(ridge);
}

const MIX = [[1, 2, 0, -1], [0.5, -1, 3, 0], [0, 1, 1, 1], [2, 0, 0, 0.3]];

describe('what a linear map leaves', () => {
  const a = rows(4, 1);
  const noise = rows(3, 2);

  it('is nothing of itself, nor of any mixture of it', () => {
    expect(cost(a, a)).toBeLessThan(1e-3);
    expect(cost(a, a, 1e-12)).toBeLessThan(1e-9);
    expect(cost(a, mixed(a, MIX), 1e-12)).toBeLessThan(1e-9);
  });

  it('is nearly all of what has nothing to do with it', () => {
    const apart = cost(a, noise);
    expect(apart).toBeGreaterThan(0.95);
    expect(apart).toBeLessThanOrEqual(1);
  });

  it('does not change with an invertible mixing, shift or scale of where it starts from', () => {
    const b = noise.map((row, sample) => row.map((value, channel) => value + 0.7 * (a[sample]?.[channel] ?? 0)));
    const plain = cost(a, b, 1e-12);
    expect(plain).toBeGreaterThan(0.05);
    expect(cost(mixed(a, MIX), b, 1e-12)).toBeCloseTo(plain, 8);
    expect(cost(a.map((row) => row.map((value) => 1000 * value - 5)), b)).toBeCloseTo(cost(a, b), 8);
    expect(cost(a, b.map((row) => row.map((value) => 0.01 * value + 9)), 1e-12)).toBeCloseTo(plain, 8);
  });

  it('agrees with the straight line through points', () => {
    const [x, y] = [[1, 2, 3, 4], [1, 3, 2, 5]];
    const moments = new PairedMoments(1, 1);
    x.forEach((value, index) => { moments.add([value], [y[index] ?? 0]); });
    // Correlation² = 5.5² / (5 · 8.75).
    expect(moments.unexplained(0)).toBeCloseTo(1 - 5.5 ** 2 / (5 * 8.75), 12);
  });

  it('bears channels that repeat, never vary, or are all there is', () => {
    const doubled = a.map((row) => [...row, row[0] ?? 0, 7]);
    expect(cost(doubled, a, 0)).toBeLessThan(1e-9);
    expect(cost(a.map(() => [2, 2]), noise)).toBeCloseTo(1, 6);
    expect(cost(a, a.map(() => [5]))).toBe(0);
    expect(new PairedMoments(2, 2).unexplained(1e-4)).toBe(0);
  });
});

it('Cholesky gives the matrix back', () => {
  const factor = cholesky(Float64Array.of(4, 0, 0, 2, 5, 0, -2, 1, 6), 3);
  const at = (i: number, j: number): number => [0, 1, 2].reduce((sum, k) => sum + (factor[i * 3 + k] ?? 0) * (factor[j * 3 + k] ?? 0), 0);
  expect([at(0, 0), at(1, 0), at(1, 1), at(2, 0), at(2, 1), at(2, 2)].map((value) => Math.round(value * 1e12) / 1e12)).toEqual([4, 2, 5, -2, 1, 6]);
});
