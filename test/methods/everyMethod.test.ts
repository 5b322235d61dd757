/** What holds for every method of the table, whatever it does: right gradients, the same losses captured, finite numbers at every edge. */
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type * as gradient from '../../src/engine/ops/gradient.ts';
import { METHODS, type MethodId } from '../../src/distillers/table.ts';
import { float32, type HostTensors } from '../../src/engine/hostTensor.ts';
import { Random } from '../../src/engine/random.ts';
import { courses } from '../../src/experiment/length.ts';
import { methodSchema, trainSchema } from '../../src/experiment/schema.ts';
import { MethodBench, TRIED, type Measured, type Setting } from '../support/methodBench.ts';

/**
 * What a method detaches (a target, a weight, a gate) is constant to its gradient, but moves with the student's maps. Differences
 * agree with the gradient only where it stands still: its values of the first run are put in its place in all others.
 */
const still = vi.hoisted(() => ({ mode: 'off', depth: 0, next: 0, values: [] as { data: Float32Array; shape: number[]; dtype: 'float32' | 'int32' }[] }));
vi.mock('../../src/engine/ops/gradient.ts', async (importOriginal) => {
  const original = await importOriginal<typeof gradient>();
  return {
    ...original,
    detached: <T extends tf.Tensor>(compute: () => T): T => {
      const kept = still.mode === 'replay' && still.depth === 0 ? still.values[still.next++] : undefined;
      if (kept !== undefined) return original.detached(() => tf.tensor(kept.data, kept.shape, kept.dtype) as T);
      still.depth += 1;
      const value = original.detached(compute);
      still.depth -= 1;
      if (still.mode === 'record' && still.depth === 0) still.values.push({ data: Float32Array.from(value.dataSync()), shape: value.shape, dtype: value.dtype as 'float32' | 'int32' });
      return value;
    },
  };
});

function recorded<T>(work: () => T): T {
  Object.assign(still, { mode: 'record', next: 0, values: [] });
  try {
    return work();
  } finally {
    still.mode = 'off';
  }
}

function replayed<T>(work: () => T): T {
  Object.assign(still, { mode: 'replay', next: 0 });
  try {
    return work();
  } finally {
    still.mode = 'off';
  }
}

const usual: Setting = {
  size: [64, 96], contentSizes: [[64, 96], [61, 88.5]], classes: 3, levels: 2,
  truth: [{ boxes: [[5, 7, 40, 52], [30.5, 12, 71, 36]], labels: [0, 2], ignored: [] }, { boxes: [[20, 8, 52, 61]], labels: [1], ignored: [] }],
};

const edges: Readonly<Record<string, Setting>> = {
  'an image without objects': { ...usual, truth: [usual.truth[0] ?? { boxes: [], labels: [], ignored: [] }, { boxes: [], labels: [], ignored: [] }] },
  'no objects at all': { ...usual, truth: [{ boxes: [], labels: [], ignored: [] }, { boxes: [], labels: [], ignored: [] }] },
  'boxes of a pixel, and one at the border': { ...usual, truth: [{ boxes: [[10, 10, 11, 11], [95, 63, 96, 64]], labels: [0, 1], ignored: [] }, { boxes: [[0, 0, 1, 1]], labels: [2], ignored: [] }] },
  'equal maps everywhere': { ...usual, equal: true },
  'one class': { ...usual, classes: 1, truth: usual.truth.map((image) => ({ ...image, labels: image.labels.map(() => 0) })) },
  'one level': { ...usual, levels: 1 },
  'odd maps': { ...usual, size: [96, 160], levels: 3, contentSizes: [[81, 133], [95.5, 160]] },
};

const ids = Object.keys(METHODS) as MethodId[];
let benches: MethodBench[] = [];
afterEach(() => {
  for (const bench of benches) bench.dispose();
  benches = [];
});

async function open(id: MethodId, setting: Setting, capture: boolean): Promise<MethodBench> {
  const bench = await MethodBench.create(id, setting, { capture });
  benches.push(bench);
  return bench;
}

function expectFinite({ parts, gradients }: Measured): void {
  for (const [name, value] of Object.entries(parts)) expect(Number.isFinite(value), `${name} is ${value}`).toBe(true);
  for (const [name, gradient] of gradients) expect(gradient.every(Number.isFinite), `the gradient of ${name} is finite`).toBe(true);
}

function directions(sizes: readonly number[], seed: number): Float32Array[] {
  const random = Random.of(seed, 5);
  return sizes.map((size) => new Float32Array(size).map(() => random.normal()));
}

function dot(gradients: readonly (Float32Array | undefined)[], along: readonly Float32Array[]): number {
  return along.reduce((sum, direction, index) => direction.reduce((own, value, place) => own + value * (gradients[index]?.[place] ?? Number.NaN), sum), 0);
}

/** The slope by central differences that comes nearest: rounding spoils small moves, kinks and curvature large ones; a wrong gradient misses them all. */
function expectSlope(slope: number, at: (by: number) => number, scale: number, name: string): void {
  const allowed = Math.max(0.01 * Math.abs(slope), 1e-3 * scale);
  const measured: number[] = [];
  for (const by of [1e-2, 3e-3, 1e-3, 3e-2, 1e-1, 3e-4, 1e-4]) {
    const difference = (at(by) - at(-by)) / (2 * by);
    if (Math.abs(difference - slope) <= allowed) return;
    measured.push(difference);
  }
  expect.fail(`${name}: slope ${slope}, by differences ${measured.join(', ')}`);
}

describe.each(ids)('%s', (id) => {
  it('has the gradients that differences show', async () => {
    const bench = await open(id, usual, false);
    const { gradients, total } = bench.run();
    recorded(() => bench.lose());
    const names = Object.keys(bench.maps).filter((name) => name.startsWith('student.'));
    const read = names.filter((name) => gradients.get(name.slice(8))?.some((value) => value !== 0) === true);
    const moved = (along: readonly Float32Array[], by: number): HostTensors => Object.fromEntries(read.map((name, index) => {
      const { shape, data } = bench.maps[name] ?? float32([0]);
      return [name, float32(shape, Float32Array.from(data, (value, place) => value + by * (along[index]?.[place] ?? 0)))];
    }));
    // A unit of movement in all, however many values there are.
    const unit = (along: Float32Array[]): Float32Array[] => {
      const length = Math.sqrt(along.reduce((sum, values) => sum + values.reduce((own, value) => own + value * value, 0), 0));
      return along.map((values) => values.map((value) => value / length));
    };
    expect(total, 'the loss says something').not.toBe(0);
    if (read.length > 0) {
      // Along the gradient: random directions in many dimensions are nearly level.
      const along = unit(read.map((name) => gradients.get(name.slice(8)) ?? new Float32Array()));
      expectSlope(dot(read.map((name) => gradients.get(name.slice(8))), along), (by) => replayed(() => bench.lose(moved(along, by))), Math.abs(total), 'maps');
      const mixed = unit(directions(read.map((name) => gradients.get(name.slice(8))?.length ?? 0), 1).map((values, index) => values.map((value, place) => value * Math.abs(along[index]?.[place] ?? 0))));
      expectSlope(dot(read.map((name) => gradients.get(name.slice(8))), mixed), (by) => replayed(() => bench.lose(moved(mixed, by))), Math.abs(total), 'maps, another way');
    }
    for (const [index, { name }] of bench.parameters.entries()) {
      const gradient = gradients.get(name) ?? new Float32Array();
      if (gradient.every((value) => value === 0)) continue;
      const [along = new Float32Array()] = unit([Float32Array.from(gradient)]);
      const before = bench.adapters();
      const at = (by: number): number => bench.withAdapters(before.map((values, other) => (other === index ? values.map((value, place) => value + by * (along[place] ?? 0)) : values)), () => replayed(() => bench.lose()));
      expectSlope(dot([gradient], [along]), at, Math.abs(total), name);
    }
  });

  it('loses the same captured as op by op', async () => {
    const [captured, direct] = [(await open(id, usual, true)).run(), (await open(id, usual, false)).run()];
    expectFinite(captured);
    for (const [name, value] of Object.entries(direct.parts)) expect(Math.abs((captured.parts[name] ?? Number.NaN) - value), name).toBeLessThanOrEqual(1e-4 * Math.abs(value) + 1e-7);
    for (const [name, values] of direct.gradients) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const worst = values.reduce((most, value, place) => Math.max(most, Math.abs(value - (captured.gradients.get(name)?.[place] ?? Number.NaN))), 0);
      expect(worst, `gradient of ${name}`).toBeLessThanOrEqual(1e-3 * largest + 1e-6);
    }
  });

  it('is fed the same in a run of another length, but for what the run\'s length is said to change', async () => {
    const at = async (step: number, steps: number): Promise<string> => JSON.stringify(Object.entries((await open(id, { ...usual, at: { step, steps } }, false)).inputs).map(([name, { data }]) => [name, Array.from(data)]));
    const differs = (await at(9, 12)) !== (await at(9, 600));
    const named = courses({ train: trainSchema.parse({ schedule: 'constant' }), distill: [methodSchema.parse({ method: id, ...TRIED[id] })] });
    expect(named.length > 0, named.join(', ')).toBe(differs);
  });

  it.each(Object.entries(edges))('is finite with %s', async (_, setting) => {
    expectFinite((await open(id, setting, false)).run());
  });
});
