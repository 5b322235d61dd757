import { describe, expect, it } from 'vitest';
import { type IcdConfig } from '../../../src/distillers/icd.ts';
import { instanceInputs, inventInstances, tokenInputs } from '../../../src/distillers/icdInstances.ts';
import { type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { icdOptions } from '../../../src/experiment/methods/icd.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, moved, onCpu, randomDirection, total } from './support.ts';

type Options = Partial<Omit<IcdConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> =>
  measure(buildDistillers([icdOptions.parse({ method: 'icd', maxInstances: 12, ...options })], scene), scene, onCpu);
const truthOf = (boxes: readonly Box[]): GroundTruth => ({ boxes, labels: boxes.map(() => 0), ignored: [] });
const invent = (truth: readonly GroundTruth[], slots = 20): ReturnType<typeof inventInstances> =>
  inventInstances(truth, truth.map(() => [96, 128] as const), { classes: 3, jitter: 0.3, slots }, Random.of(5));

describe('ICD', () => {
  it('image without objects: counts in the mean over images, and without any object nothing is distilled', async () => {
    const empty = await run(makeScene({ boxes: [[], []] }));
    expect(empty.losses['icd.distillation']).toBe(0);
    expect(empty.losses['icd.sides']).toBe(0);
    expect(empty.losses['icd.confidence']).toBeGreaterThan(0);
    expect(empty.gradients['features.0']?.every((value) => value === 0)).toBe(true);
    expect(allValues(empty).every(Number.isFinite)).toBe(true);
  });

  it('objects below a pixel are not described: the side loss would explode', () => {
    const [image] = invent([truthOf([[4, 4, 4.5, 30], [10, 10, 11, 40], [20, 20, 20, 20]])]);
    expect(image?.instances.filter(({ real }) => real).map(({ box }) => box)).toEqual([[10, 10, 11, 40]]);
    const inputs = instanceInputs([{ size: [96, 128], instances: [{ box: [5, 5, 5, 9], label: 0, real: true, jitter: [0, 0] }] }], 3, 2);
    expect([...(inputs.descriptions?.data ?? [])].every(Number.isFinite)).toBe(true);
  });

  it('a jittered centre stays inside its box, so no side is negative', () => {
    const images = invent([truthOf([[10, 10, 60, 50], [70, 20, 120, 90]])]);
    const { sides } = instanceInputs(images, 3, 20);
    expect(sides?.data.every((side) => side >= 0)).toBe(true);
  });

  it('invents up to six rows an object, one where there is none, as many as slots reach', () => {
    const rows = (boxes: number, slots: number): number | undefined => invent([truthOf(Array.from({ length: boxes }, (_, index) => [index, 0, index + 20, 30] as const))], slots)[0]?.instances.length;
    expect([rows(0, 20), rows(1, 20), rows(3, 20), rows(5, 20), rows(30, 20)]).toEqual([1, 6, 18, 20, 20]);
  });

  it('keeps the largest objects where slots are few', () => {
    const [image] = invent([truthOf([[0, 0, 90, 90], [0, 0, 10, 10], [0, 0, 50, 50]])], 2);
    expect(image?.instances.map(({ box: [, , x2] }) => x2)).toEqual([90, 50]);
  });

  it('teaches only its own projection at first', async () => {
    const [early, late] = [await run(makeScene({ step: 999 })), await run(makeScene({ step: 1000 }))];
    expect(early.gradients['features.0']?.every((value) => value === 0)).toBe(true);
    expect(early.gradients['distill.icd.student.value.weight']?.some((value) => value !== 0)).toBe(true);
    expect(late.gradients['features.0']?.some((value) => value !== 0)).toBe(true);
    expect(early.losses).toEqual(late.losses);
  });

  it('gives masks that sum to the number of objects, none of it on padding', async () => {
    const scene = makeScene();
    const padded: Scene = { ...scene, batch: { ...scene.batch, contentSizes: [[20, 30], [40, 56]] } };
    const { pictures } = await run(padded);
    const sum = (image: number, level: number): number => {
      const { shape: [, rows = 0, columns = 0] = [], data = [] } = pictures[`icd.attention.teacher.L${level}`] ?? {};
      return [...data.slice(image * rows * columns, (image + 1) * rows * columns)].reduce((total_, value) => total_ + value, 0);
    };
    expect(sum(0, 0) + sum(0, 1)).toBeCloseTo(2, 4);
    expect(sum(1, 0) + sum(1, 1)).toBeCloseTo(1, 4);
    expect(pictures['icd.attention.teacher.L0']?.data.slice(3 * 7, 35).every((value) => value === 0)).toBe(true);
    expect(tokenInputs([{ name: 'L0', rows: 2, columns: 2, places: 4 }], [8], [[8, 16]]).padding?.data).toEqual(Float32Array.of(0, 0, 1, 1));
  });

  it('has the gradients of finite differences, with other widths, heads and temperature', async () => {
    const scene = makeScene({ studentChannels: 3, teacherChannels: 6 });
    const options: Options = { heads: 2, temperature: 0.5 };
    const { gradients } = await run(scene, options);
    const direction = randomDirection(scene, 'features', 3);
    const [above, below] = [await run(moved(scene, 'features', direction, 1e-2), options), await run(moved(scene, 'features', direction, -1e-2), options)];
    const expected = (total(above) - total(below)) / 2e-2;
    const got = direction.reduce((sum, values, level) => values.reduce((own, value, index) => own + value * (gradients[`features.${level}`]?.[index] ?? Number.NaN), sum), 0);
    expect(Math.abs(got - expected)).toBeLessThan(0.01 * Math.abs(expected) + 1e-3);
  });
});
