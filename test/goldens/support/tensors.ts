/** Golden tensors: stored flat in PyTorch's layout (NCHW, weights OIHW), compared in ours (NHWC, HWIO). */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { float32, sizeOf, type HostTensor } from '../../../src/engine/hostTensor.ts';

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const GOLDENS = resolve(process.env.GOLDENS_DIR ?? join(import.meta.dirname, '../../../../shared/goldens'));

/** The file's content, or undefined with a notice when it is not there. */
export function readGoldens(file: string): unknown {
  const path = join(GOLDENS, file);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  console.warn(`skipped: ${path} is not there (set GOLDENS_DIR)`);
  return undefined;
}

/** [N, C, H, W] → [N, H, W, C]. */
export function mapFromGolden({ shape, data }: GoldenTensor): HostTensor & { dtype: 'float32' } {
  const [batch, channels, rows, columns] = shape as [number, number, number, number];
  return float32([batch, rows, columns, channels], permute(Float32Array.from(data), [batch, channels, rows, columns], [0, 2, 3, 1]));
}

/** The maps `<prefix>0`, `<prefix>1`, … as they are given, finest level first. */
export function levelsFromGolden(tensors: Readonly<Record<string, GoldenTensor>>, prefix: string): (HostTensor & { dtype: 'float32' })[] {
  return Array.from({ length: Object.keys(tensors).length }, (_, level) => tensors[`${prefix}${level}`]).filter((tensor) => tensor !== undefined).map(mapFromGolden);
}

/** [O, I, H, W] → [H, W, I, O]; other shapes (biases, norms) stay as they are. */
export function weightFromGolden({ shape, data }: GoldenTensor): Float32Array {
  const values = Float32Array.from(data);
  return shape.length === 4 ? permute(values, shape, [2, 3, 1, 0]) : values;
}

/** Row-major values with dimensions reordered: result dimension i is source dimension order[i]. */
export function permute(data: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const sizes = order.map((axis) => shape[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(data.length);
  const index = sizes.map(() => 0);
  let source = 0;
  for (let target = 0; target < result.length; target += 1) {
    result[target] = data[source] ?? 0;
    for (let axis = index.length - 1; axis >= 0; axis -= 1) {
      const next = (index[axis] ?? 0) + 1;
      if (next < (sizes[axis] ?? 1)) {
        index[axis] = next;
        source += steps[axis] ?? 0;
        break;
      }
      index[axis] = 0;
      source -= (next - 1) * (steps[axis] ?? 0);
    }
  }
  return result;
}

/** Losses: relative to the expected value; what is exactly 0 there must be below 1e-9 here. */
export function expectLoss(got: number, expected: number, name: string, tolerance = 1e-4): void {
  expect(Math.abs(got - expected), `${name}: ${got}, expected ${expected}`).toBeLessThanOrEqual(Math.max(tolerance * Math.abs(expected), 1e-9));
}

/** What a gradient may miss where the expected one is (nearly) 0. */
export const GRADIENT_FLOOR = 1e-6;

/** Tensors: largest difference relative to the largest expected entry, with an absolute floor. */
export function expectTensor(got: ArrayLike<number>, expected: ArrayLike<number>, name: string, tolerance: number, floor: number): void {
  expect(got.length, `${name}: number of values`).toBe(expected.length);
  let [largest, worst] = [0, 0];
  for (let index = 0; index < expected.length; index += 1) {
    largest = Math.max(largest, Math.abs(expected[index] ?? 0));
    const difference = Math.abs((got[index] ?? Number.NaN) - (expected[index] ?? 0));
    worst = difference > worst || Number.isNaN(difference) ? difference : worst;
  }
  expect(worst, `${name}: largest difference (largest expected value ${largest})`).toBeLessThanOrEqual(Math.max(tolerance * largest, floor));
}
