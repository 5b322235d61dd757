import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type DefeatConfig } from '../../../src/distillers/defeat.ts';
import { anchorClassParts, regionClassParts } from '../../../src/distillers/defeatHead.ts';
import { nearestCells, objectMask } from '../../../src/distillers/defeatMasks.ts';
import { type MapLevel } from '../../../src/distillers/shared/maps.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { defeatOptions } from '../../../src/experiment/methods/defeat.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total } from './support.ts';

type Options = Partial<Omit<DefeatConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([defeatOptions.parse({ method: 'defeat', ...options })], scene), scene, onCpu);

const map = (rows: number, columns: number): MapLevel => ({ name: 'P3', rows, columns, places: rows * columns });
const cells = (box: Box): number[] => [...objectMask(map(4, 5), 8, [[box]])].flatMap((value, cell) => (value === 1 ? [cell] : []));

describe('DeFeat', () => {
  it('leaves out the last cell of a box, and marks a small one by the cell of its corner', () => {
    expect(cells([8, 8, 24, 24])).toEqual([6, 7, 11, 12]);
    expect(cells([9, 9, 30, 15]), 'a side within one row').toEqual([6]);
    expect(cells([9, 9, 30, 24.1])).toEqual([6, 7, 11, 12]);
    expect(cells([10, 10, 11, 11])).toEqual([6]);
  });

  it('keeps boxes at the right and lower edge, and beyond, inside the map', () => {
    expect(cells([40, 32, 40, 32])).toEqual([19]);
    expect(cells([32, 24, 400, 400])).toEqual([19]);
    expect(cells([-20, -9, 16, 8])).toEqual([0, 1]);
    expect(cells([-20, -20, -3, -3])).toEqual([0]);
  });

  it('counts an object on one level; all others take it as background', async () => {
    const { pictures } = await run(makeScene({ boxes: [[[8, 8, 40, 32]], []] }));
    expect(pictures['defeat.objects.shared.L0']?.data.some((value) => value === 1)).toBe(true);
    expect(pictures['defeat.objects.shared.L1']?.data.some((value) => value === 1)).toBe(false);
  });

  it('has no foreground without objects, and a background of the whole map', async () => {
    const measured = await run(makeScene({ boxes: [[], []] }), { head: true });
    expect(measured.losses['defeat.foreground']).toBe(0);
    expect(measured.losses['defeat.headForeground']).toBe(0);
    expect(measured.losses['defeat.background']).toBeGreaterThan(0);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it('takes the logits of positives and negatives apart, each by its own number', () => {
    const [s, t] = [tf.tensor2d([[1, 0, -1], [0, 2, 0], [3, 0, 1]]), tf.tensor2d([[2, 0, -1], [0, 2, 0], [0, 0, 4]])];
    const [positives, negatives] = [tf.tensor1d([1, 0, 0]), tf.tensor1d([0, 1, 1])];
    for (const temperature of [1, 2]) {
      const softmax = (x: readonly number[]): number[] => x.map((value) => Math.exp(value / temperature) / x.reduce((sum, other) => sum + Math.exp(other / temperature), 0));
      const kl = (p: readonly number[], q: readonly number[]): number => softmax(p).reduce((sum, value, index) => sum + value * Math.log(value / (softmax(q)[index] ?? 0)), 0);
      const region = regionClassParts(s, t, positives, negatives, temperature);
      expect(region.foreground.dataSync()[0]).toBeCloseTo(temperature ** 2 * kl([2, 0, -1], [1, 0, -1]), 5);
      expect(region.background.dataSync()[0]).toBeCloseTo((temperature ** 2 * kl([0, 0, 4], [3, 0, 1])) / 2, 5);
      const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x / temperature));
      const binary = (p: number, q: number): number => sigmoid(p) * Math.log(sigmoid(p) / sigmoid(q)) + sigmoid(-p) * Math.log(sigmoid(-p) / sigmoid(-q));
      const anchor = anchorClassParts(s, t, positives, negatives, temperature);
      expect(anchor.foreground.dataSync()[0]).toBeCloseTo(temperature ** 2 * binary(2, 1), 5);
      expect(anchor.background.dataSync()[0]).toBeCloseTo((temperature ** 2 * (binary(0, 3) + binary(4, 1))) / 2, 5);
    }
    expect(regionClassParts(s, t, tf.zeros([3]), negatives, 1).foreground.dataSync()[0]).toBe(0);
  });

  it('the one-stage head has the gradients of finite differences', async () => {
    const scene = makeScene();
    const options: Options = { head: true, foreground: 0, background: 0, temperature: 2 };
    const { gradients } = await run(scene, options);
    const direction = randomDirection(scene, 'logits', 3);
    const expected = (total(await run(moved(scene, 'logits', direction, 1e-2), options)) - total(await run(moved(scene, 'logits', direction, -1e-2), options))) / 2e-2;
    expect(Math.abs(dot(gradients, 'logits', direction) - expected)).toBeLessThan(0.01 * Math.abs(expected) + 1e-3);
  });

  it('distils the backbone on request, behind a rectifier, at all objects', async () => {
    const base = makeScene();
    // C2 … C4 of the backbone `small` are 32, 64 and 96 wide.
    const backbone = (seed: number): Scene['student'] => ({ backbone: [randomMap([2, 10, 14, 32], seed), randomMap([2, 5, 7, 64], seed + 1), randomMap([2, 3, 4, 96], seed + 2)] });
    const scene = { ...base, student: { ...base.student, ...backbone(5) }, teacher: { ...base.teacher, ...backbone(15) } };
    const { losses, gradients, pictures } = await run(scene, { backboneForeground: 1, backboneBackground: 2, stages: ['C3', 'C4'] });
    expect(losses['defeat.backboneForeground']).toBeGreaterThan(0);
    expect(losses['defeat.backboneBackground']).toBeGreaterThan(0);
    expect(gradients['distill.defeat.C4.align.weight']?.some((value) => value !== 0)).toBe(true);
    expect(gradients['backbone.0']?.every((value) => value === 0)).toBe(true);
    expect(pictures['defeat.objects.shared.C4']?.shape).toEqual([2, 3, 4]);
    expect(pictures['defeat.objects.shared.C4']?.data.some((value) => value === 1)).toBe(true);
  });

  it('shrinks masks by the nearest cell', () => {
    expect([...nearestCells(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), map(2, 3), map(1, 2))]).toEqual([0, 1, 6, 7]);
  });

  it.each([['none', 1, 1], ['linear', 0.75, 0], ['cosine', 0.8536, 0]] as const)('decays: %s', async (decay, quarter, end) => {
    const at = async (step?: number): Promise<number> => {
      const scene = makeScene(step === undefined ? {} : { step });
      return total(await run({ ...scene, batch: { ...scene.batch, steps: 8 } }, { decay }));
    };
    const full = await at();
    expect((await at(2)) / full).toBeCloseTo(quarter, 3);
    expect((await at(8)) / full).toBeCloseTo(end, 6);
  });
});
