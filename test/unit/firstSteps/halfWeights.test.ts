/** The teacher as the package has it: read by the product, equal to half precision's last bit. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWeightFile } from '../../../src/engine/weights/read.ts';

const project = path.resolve(import.meta.dirname, '../../..');
const whole = path.join(project, 'examples/teachers/scenes-retinanet-small.safetensors');
let folder: string;
let half: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'half-'));
  half = path.join(folder, 'half.safetensors');
  execFileSync(process.execPath, [path.join(project, 'scripts/half-weights.mjs'), whole, half]);
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

test('large tensors are rounded to half precision, vectors are the same', async () => {
  const [a, b] = [await readWeightFile(whole), await readWeightFile(half)];
  expect([...b.tensors.keys()]).toEqual([...a.tensors.keys()]);
  let rounded = 0;
  for (const [name, { shape, data }] of a.tensors) {
    const other = b.tensors.get(name);
    expect(other?.shape).toEqual(shape);
    let worst = 0;
    for (const [index, value] of data.entries()) {
      // 11 bits of fraction, and 2⁻²⁵ where numbers are too small to be normal.
      const limit = shape.length > 1 ? Math.max(Math.abs(value) * 2 ** -11, 2 ** -25) : 0;
      const error = Math.abs((other?.data[index] ?? Number.NaN) - value);
      if (error > 0) rounded += 1;
      worst = Math.max(worst, error <= limit ? 0 : 1);
    }
    expect(worst).toBe(0);
  }
  expect(rounded).toBeGreaterThan(1000);
});

test('half the size, with the same notes', async () => {
  expect(statSync(half).size).toBeLessThan(0.52 * statSync(whole).size);
  const notesOf = async (file: string): Promise<object> => ({ ...await readWeightFile(file), tensors: undefined });
  expect(await notesOf(half)).toEqual(await notesOf(whole));
});
