import { describe, expect, it } from 'vitest';
import { checkPair } from '../../../src/distillers/table.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { pkdOptions, pkdWeight } from '../../../src/experiment/methods/pkd.ts';
import { buildDistillers, measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total, withStudent } from './support.ts';

type Options = Partial<ReturnType<typeof pkdOptions.parse>>;
const config = (options: Options = {}): ReturnType<typeof pkdOptions.parse> => pkdOptions.parse({ method: 'pkd', ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);

/** Sums over levels of the mean of 1 − r, in doubles. */
function expected(scene: Scene): number {
  return (scene.student.features ?? []).reduce((sum, { data, shape }, level) => {
    const channels = shape[3] ?? 1;
    const other = scene.teacher.features?.[level]?.data ?? [];
    const places = data.length / channels;
    const column = (values: ArrayLike<number>, channel: number): number[] => {
      const own = Array.from({ length: places }, (_, place) => values[place * channels + channel] ?? 0);
      const mean = own.reduce((a, b) => a + b, 0) / places;
      return own.map((value) => value - mean);
    };
    const sums = Array.from({ length: channels }, (_, channel) => {
      const [a, b] = [column(data, channel), column(other, channel)];
      const product = (x: readonly number[], y: readonly number[]): number => x.reduce((all, value, index) => all + value * (y[index] ?? 0), 0);
      return (1 - product(a, b) / Math.sqrt(product(a, a) * product(b, b))) * (places - 1) / places;
    });
    return sum + sums.reduce((a, b) => a + b, 0) / channels;
  }, 0);
}

/** A teacher of another detector: coarser grid, more channels, one level more. */
function crossScene(): Scene {
  const scene = makeScene({ studentChannels: 3 });
  const grid = [[4, 9], [3, 4], [2, 2]] as const;
  const teacher = { features: grid.map(([rows, columns], level) => randomMap([2, rows, columns, 5], 40 + level)) };
  return { ...scene, teacher, traits: { student: {}, teacher: { detector: 'fcos', levels: grid.map((_, level) => ({ name: `T${level}`, stride: 4 * 2 ** level })), grid: () => grid, classes: ['other'] } } };
}

describe('PKD', () => {
  it('is the mean of 1 − r over channels, whatever the scale and offset of either side', async () => {
    const scene = makeScene();
    const value = total(await run(scene, { weight: 1 }));
    expect(value).toBeCloseTo(expected(scene), 4);
    const features = (scene.student.features ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (x) => 7 * x + 3)));
    expect(total(await run(withStudent(scene, { features }), { weight: 1 }))).toBeCloseTo(value, 4);
  });

  it('takes means and deviations over the batch, not over images', async () => {
    const scene = makeScene({ grid: [[3, 4]], boxes: [[], []] });
    // Images that differ by an offset: within each image the student is flat, over the batch it is not.
    const steps = float32([2, 3, 4, 4], new Float32Array(96).map((_, index) => (index < 48 ? 0 : 1)));
    const value = total(await run({ ...scene, student: { features: [steps] }, teacher: { features: [steps] } }, { weight: 1 }));
    expect(value).toBeLessThan(1e-9);
    expect(total(await run({ ...scene, student: { features: [steps] } }, { weight: 1 }))).toBeCloseTo(expected({ ...scene, student: { features: [steps] } }), 4);
  });

  it('is finite where a channel does not vary, and 0 on a single cell', async () => {
    const scene = makeScene();
    const flat = (scene.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(0.1)));
    const measured = await run(withStudent(scene, { features: flat }), { weight: 1 });
    expect(allValues(measured).filter((value) => !Number.isFinite(value))).toEqual([]);
    // norm(S) = 0: half the teacher's variance, a level.
    expect(total(measured)).toBeCloseTo(0.5 * (69 / 70 + 23 / 24), 3);
    const cell = makeScene({ grid: [[1, 1]], boxes: [[]] });
    expect([...new Set(allValues(await run(cell)).map(Math.abs))]).toEqual([0]);
  });

  it.each(['student', 'teacher'] as const)('pairs other strides, widths and numbers of levels by index, resizing the %s', async (resize) => {
    const scene = crossScene();
    const measured = await run(scene, { resize, weight: 10 });
    expect(Object.keys(measured.gradients).filter((name) => name.startsWith('distill'))).toEqual(['L0', 'L1'].flatMap((level) => [`distill.pkd.${level}.align.weight`, `distill.pkd.${level}.align.bias`]));
    expect(measured.pictures['pkd.difference.difference.L0']?.shape).toEqual(resize === 'student' ? [2, 4, 9] : [2, 5, 7]);
    const direction = randomDirection(scene, 'features', 3);
    const [above, below] = [await run(moved(scene, 'features', direction, 1e-2), { resize, weight: 10 }), await run(moved(scene, 'features', direction, -1e-2), { resize, weight: 10 })];
    const slope = (total(above) - total(below)) / 2e-2;
    expect(Math.abs(dot(measured.gradients, 'features', direction) - slope)).toBeLessThan(0.01 * Math.abs(slope) + 1e-3);
  });

  it('needs a level on either side and nothing else', () => {
    const scene = crossScene();
    const [teacher, student] = [traitsOf(scene.teacher, scene, scene.traits?.teacher), traitsOf(scene.student, scene)];
    expect(checkPair([config()], teacher, student)).toEqual([]);
    expect(checkPair([config()], { ...teacher, levels: [] }, student).map(({ code }) => code)).toEqual(['DL550']);
    expect([pkdWeight('fcos', 'retinanet'), pkdWeight('Mask R-CNN', 'retinanet'), pkdWeight('fcos', 'faster_rcnn')]).toEqual([10, 6, 6]);
  });
});
