import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { levelLosses, type LevelMaps } from '../../../src/distillers/pgdLosses.ts';
import { imageMaps, type ImagePredictions, type MapSetting } from '../../../src/distillers/pgdMaps.ts';
import { checkPair, defaultsFor } from '../../../src/distillers/table.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { pgdOptions } from '../../../src/experiment/methods/pgd.ts';
import { traitsOf } from '../../goldens/support/distiller.ts';
import { withDeltas } from './boxScene.ts';
import { makeScene, randomMap } from './support.ts';

beforeAll(() => tf.setBackend('cpu'));

/** One level of 4 × 6 cells of 8 pixels. */
const [rows, columns] = [4, 6];
const centres = Array.from({ length: rows * columns }, (_, cell) => [(cell % columns) * 8 + 4, Math.floor(cell / columns) * 8 + 4]).flat();
const setting = (more: Partial<MapSetting> = {}): MapSetting => ({
  classes: 2, anchorsPerCell: 1, centres, topK: 4, classExponent: 0.8, boxExponent: 0.6, swap: false, clearIgnored: true, noise: 0, ...more,
});
/** The teacher finds the object from every cell of `cells`, the better the earlier. */
function predictions(object: Box, cells: readonly number[], anchors = 1): ImagePredictions {
  const count = rows * columns * anchors;
  const logits = Array.from({ length: count * 2 }, () => -4);
  const boxes = Array.from({ length: count }, () => [0, 0, 1, 1]);
  cells.forEach((cell, rank) => {
    boxes[cell] = [...object];
    logits[cell * 2] = 3 - rank;
  });
  return { logits, boxes: boxes.flat() };
}
const object: Box = [2, 2, 40, 30];
const maps = (cells: readonly number[], more: Partial<MapSetting> = {}, boxes: readonly Box[] = [object], ignored: readonly Box[] = []): ReturnType<typeof imageMaps> =>
  imageMaps({ boxes, labels: boxes.map(() => 0), ignored }, predictions(object, cells, more.anchorsPerCell), setting(more), Random.of(1));
const chosen = (values: Float64Array): number[] => [...values.keys()].filter((cell) => values[cell] !== 0);

describe('PGD\'s maps', () => {
  it('weigh the K best cells by a Gaussian of their places', () => {
    const { classification, background, quality } = maps([7, 8, 13, 14, 9], {});
    expect(chosen(classification)).toEqual([7, 8, 13, 14]);
    // Four corners of a square lie a deviation away on both axes: exp(−½ · 2).
    for (const cell of [7, 8, 13, 14]) expect(classification[cell]).toBeCloseTo(Math.exp(-1), 6);
    expect(background[7]).toBe(0);
    expect(background[23]).toBe(1);
    expect(quality[7]).toBeCloseTo((1 / (1 + Math.exp(-3))) ** 0.2, 6);
    expect(quality[23]).toBe(0);
  });

  it('take all cells where there are fewer than K, and one cell by itself weighs 1', () => {
    expect(maps([7, 8], { topK: 1000 }).classification.every(Number.isFinite)).toBe(true);
    const { classification } = maps([7, 8], { topK: 1 });
    expect(chosen(classification)).toEqual([7]);
    expect(classification[7]).toBe(1);
  });

  it('are finite where cells lie in one line', () => {
    for (const line of [[6, 7, 8, 9], [2, 8, 14, 20], [0, 7, 14, 21]]) {
      const { classification } = maps(line);
      expect([...classification].every((value) => value >= 0 && value <= 1), line.join(' ')).toBe(true);
    }
    const noisy = maps([6, 7, 8, 9], { noise: 0.05 }).classification;
    expect(chosen(noisy)).toEqual([6, 7, 8, 9]);
    expect([...noisy]).not.toEqual([...maps([6, 7, 8, 9]).classification]);
  });

  it('leave out cells outside the object, objects without a cell, and ignored regions', () => {
    expect(chosen(maps([7, 8, 5, 23]).classification)).toEqual([7, 8]);
    expect(chosen(imageMaps({ boxes: [[5, 5, 7, 7]], labels: [0], ignored: [] }, predictions([5, 5, 7, 7], [0, 1]), setting(), Random.of(1)).classification)).toEqual([]);
    expect(chosen(maps([7, 8, 13, 14], {}, [object], [[0, 0, 48, 16]]).classification)).toEqual([13, 14]);
    const empty = maps([], {}, []);
    expect(empty.background.every((value) => value === 1)).toBe(true);
    expect(chosen(empty.classification)).toEqual([]);
  });

  it('read points as (y, x) only when told to', () => {
    const wide: Box = [2, 2, 46, 10];
    const cells = [0, 1, 2, 6];
    const of = (swap: boolean): number[] => chosen(imageMaps({ boxes: [wide], labels: [0], ignored: [] }, predictions(wide, cells), setting({ swap }), Random.of(1)).classification);
    expect(of(false)).toEqual([0, 1, 2]);
    expect(of(true)).toEqual([0, 6]);
  });

  it('judge a cell by its best anchor', () => {
    expect(chosen(maps([15, 16, 27, 28], { anchorsPerCell: 2 }).classification)).toContain(7);
  });
});

describe('PGD\'s losses', () => {
  const map = (seed: number): tf.Tensor3D => tf.tensor3d(Float32Array.from(randomMap([2, 1, 6, 4], seed).data), [2, 6, 4]);
  const pair = (seed: number): { student: tf.Tensor3D; teacher: tf.Tensor3D } => ({ student: map(seed), teacher: map(seed + 10) });
  const masks = (values: readonly number[]): LevelMaps => ({ classification: tf.tensor2d([...values], [2, 6]), box: tf.tensor2d([...values], [2, 6]), background: tf.tensor2d(values.map((value) => (value === 0 ? 1 : 0)), [2, 6]) });
  const parts = (...given: Parameters<typeof levelLosses>): Record<string, tf.Scalar> => ({ ...levelLosses(...given) });
  const run = (values: readonly number[], maskBroadcast: 'corrected' | 'official' = 'corrected'): Record<string, number> => Object.fromEntries(
    Object.entries(parts(pair(1), pair(2), masks(values), { temperature: 0.8, maskBroadcast })).map(([name, value]) => [name, value.dataSync()[0] ?? Number.NaN]));

  it('weigh an image by its own map unless told to add those of all', () => {
    const first = [1, 0.5, 0, 0, 0, 0];
    const [own, official] = [run([...first, 0, 0, 0, 0, 0, 0]), run([...first, 0, 0, 0, 0, 0, 0], 'official')];
    const second = run([0, 0, 0, 0, 0, 0, ...first]);
    expect(official.foreground).toBeCloseTo((own.foreground ?? 0) + (second.foreground ?? 0), 4);
    expect(official.box).toBe(own.box);
  });

  it('have no foreground and no box part without objects', () => {
    const losses = run(new Array<number>(12).fill(0));
    expect(losses).toMatchObject({ foreground: 0, box: 0, boxAttention: 0 });
    expect(losses.background).toBeGreaterThan(0);
  });

  it('vanish, with finite gradients, where both networks agree or are constant', () => {
    const one = tf.fill<tf.Rank.R3>([2, 6, 4], 0.5);
    for (const value of [map(3), one, tf.zeros<tf.Rank.R3>([2, 6, 4])]) {
      const total = (x: tf.Tensor): tf.Tensor => tf.addN(Object.values(parts({ student: x as tf.Tensor3D, teacher: value }, { student: x as tf.Tensor3D, teacher: value }, masks([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), { temperature: 0.8, maskBroadcast: 'corrected' })));
      expect(total(value).dataSync()[0]).toBe(0);
      expect([...tf.grad(total)(value).dataSync()].every((slope) => slope === 0)).toBe(true);
    }
  });
});

describe('PGD', () => {
  it('has the published weights by detector', () => {
    expect(defaultsFor('pgd', 'atss')).toEqual({ alpha: 0.08, beta: 0.04, gamma: 0.128, topK: 9 });
    expect(defaultsFor('pgd', 'gfl')).toMatchObject({ alpha: 0.04, topK: 30 });
  });

  it('asks for towers', () => {
    const scene = withDeltas(makeScene());
    const traits = (blocks: number): ReturnType<typeof traitsOf> => traitsOf(scene.student, scene, { ...scene.traits?.student, towers: { channels: 4, blocks } });
    expect(checkPair([pgdOptions.parse({ method: 'pgd' })], traits(1), traits(1))).toEqual([]);
    expect(checkPair([pgdOptions.parse({ method: 'pgd' })], traits(1), traits(0)).map(({ code }) => code)).toEqual(['DL561']);
  });
});
