/** Comparison with the goldens' summaries: samples at flat indexes, mean and norm of the whole tensor. */
import { expect } from 'vitest';
import { z } from 'zod';
import { permute } from '../../../src/detectors/layout.ts';
import { type HostTensor } from '../../../src/engine/hostTensor.ts';

export const summarySchema = z.object({ shape: z.array(z.number()), mean: z.number(), l2: z.number(), index: z.array(z.number()), value: z.array(z.number()) });
export type Summary = z.infer<typeof summarySchema>;

/**
 * @param data in PyTorch's order @param tolerance relative to the largest sample
 * @param rounding half a unit of the last place that the samples are stored with, where that is absolute
 */
export function expectSummary(data: ArrayLike<number>, shape: readonly number[], summary: Summary, tolerance: number, what: string, rounding = 0): void {
  expect([...shape], `${what}: shape`).toEqual(summary.shape);
  const largest = Math.max(...summary.value.map(Math.abs));
  summary.index.forEach((index, position) => {
    expectNear(data[index] ?? NaN, summary.value[position] ?? NaN, tolerance * largest + rounding, `${what} at ${index}`);
  });
  let square = 0;
  for (const value of Array.from(data)) square += value ** 2;
  expectNear(Math.sqrt(square), summary.l2, tolerance * summary.l2, `${what}: norm`);
}

export function expectNear(actual: number, expected: number, tolerance: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual} instead of ${expected}`).toBeLessThanOrEqual(tolerance);
}

export function expectRelative(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  expectNear(actual ?? NaN, expected, tolerance * Math.abs(expected), what);
}

/** NHWC as NCHW. */
export function channelsFirst({ shape, data }: HostTensor): { shape: number[]; data: Float32Array } {
  const [n = 0, h = 0, w = 0, c = 0] = shape;
  return { shape: [n, c, h, w], data: permute(Float32Array.from(data), shape, [0, 3, 1, 2]) };
}
