import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DrkdConfig } from '../../../src/distillers/drkd.ts';
import { graphUnit, relationUnit } from '../../../src/distillers/drkdUnits.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';
import { drkdOptions } from '../../../src/experiment/methods/drkd.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu } from './support.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Options = Partial<Omit<DrkdConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> =>
  measure(buildDistillers([drkdOptions.parse({ method: 'drkd', maxObjects: 4, poolSize: 2, ...options })], scene), scene, onCpu);
const pictureOf = ({ pictures }: Measured, kind: string): readonly number[] => [...(pictures[`drkd.${kind}.L0`]?.data ?? [])];

describe('DRKD', () => {
  it('images without objects are left out of both object parts', async () => {
    const none = await run(makeScene({ boxes: [[], []] }));
    expect([none.losses['drkd.instance'], none.losses['drkd.foreground']]).toEqual([0, 0]);
    expect(none.losses['drkd.pixel']).toBeGreaterThan(0);
    expect(allValues(none).every(Number.isFinite)).toBe(true);
    const boxes = [[3, 4, 20, 30], [10, 10, 50, 38]] as const;
    const scene = makeScene({ boxes: [boxes, []] });
    // The second image's maps do not matter to what the first one's objects lose.
    const first = (measured: Measured): number[] => pictureOf(measured, 'objectRelation.student').slice(0, 16);
    expect(first(await run(scene)).filter((value) => value > 0)).toHaveLength(4);
  });

  it('a graph sums over all cells, unless it is told to average', async () => {
    const scene = makeScene({ grid: [[4, 4]], inputSize: [32, 32] });
    const [sum, mean] = [await run(scene), await run(scene, { normalizeGraph: true })];
    expect(sum.losses['drkd.pixel']).not.toBeCloseTo(mean.losses['drkd.pixel'] ?? Number.NaN, 6);
    // One cell: nothing to average.
    const one = makeScene({ grid: [[1, 1]], inputSize: [8, 8], boxes: [[[1, 1, 7, 7]]] });
    expect((await run(one)).losses).toEqual((await run(one, { normalizeGraph: true })).losses);
  });

  it('norms have a gradient of 0, not of infinity, where nothing differs', async () => {
    const scene = makeScene();
    const distillers = buildDistillers([drkdOptions.parse({ method: 'drkd', maxObjects: 2 })], scene);
    for (const { variable } of distillers.flatMap(({ parameters }) => parameters.all())) variable.assign(tf.zerosLike(variable));
    const zero = { features: (scene.student.features ?? []).map((map) => ({ ...map, data: map.data.map(() => 0) as Float32Array })) } as Scene['student'];
    const measured = await measure(distillers, { ...scene, student: zero, teacher: zero }, onCpu);
    expect(allValues(measured).every((value) => Number.isFinite(value))).toBe(true);
    expect(Object.values(measured.losses)).toEqual([0, 0, 0]);
  });

  it('the batch norm of a graph couples the images of a batch and keeps no running average', () => {
    const unit = graphUnit(new Parameters(Random.of(1)), 'unit', { channels: 3, nodes: 2, average: false });
    const values = tf.randomNormal<tf.Rank.R4>([2, 3, 3, 3], 0, 1, 'float32', 4);
    const [both, alone] = [unit(values), unit(tf.slice4d(values, [0, 0, 0, 0], [1, 3, 3, 3]))];
    expect(Math.max(...tf.abs(tf.sub(tf.slice4d(both, [0, 0, 0, 0], [1, 3, 3, 3]), alone)).dataSync())).toBeGreaterThan(1e-3);
    expect([...unit(values).dataSync()]).toEqual([...both.dataSync()]);
  });

  it('relations of one object are its own, and those of several sum to 1', async () => {
    const relate = (count: number, slots?: number): number[] => {
      const unit = relationUnit(new Parameters(Random.of(2)), 'unit', 4, slots);
      return [...unit(tf.randomNormal<tf.Rank.R3>([1, 3, 4], 0, 1, 'float32', 5), tf.tensor2d([[1, 1, 1].map((one, slot) => (slot < count ? one : 0))])).attention.dataSync()];
    };
    expect(relate(1).slice(0, 3)).toEqual([1, 0, 0]);
    for (const rows of [relate(3), relate(3, 3)]) for (const row of [0, 1, 2]) expect(rows.slice(3 * row, 3 * row + 3).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    expect(relate(3)).not.toEqual(relate(3, 3));
    expect(pictureOf(await run(makeScene()), 'objectRelation.teacher').every((value) => value >= 0)).toBe(true);
  });

  it('keeps the largest objects where slots are few, and survives boxes outside the image', async () => {
    const boxes = [[[0, 0, 5, 5], [0, 0, 40, 30], [-20, -20, -10, -10], [5, 5, 5, 5]]] as const;
    expect(allValues(await run(makeScene({ boxes }))).every(Number.isFinite)).toBe(true);
    const [few, only] = [await run(makeScene({ boxes }), { maxObjects: 1 }), await run(makeScene({ boxes: [[[0, 0, 40, 30]]] }), { maxObjects: 1 })];
    expect(few.losses['drkd.foreground']).toBeCloseTo(only.losses['drkd.foreground'] ?? Number.NaN, 8);
  });

  it('serves networks of other widths, and trains no filter', async () => {
    const scene = makeScene({ studentChannels: 3, teacherChannels: 6 });
    expect(allValues(await run(scene, { filter: 'fixed' })).every(Number.isFinite)).toBe(true);
    const names = buildDistillers([drkdOptions.parse({ method: 'drkd', filter: 'fixed' })], scene).flatMap(({ parameters }) => parameters.all().filter(({ trainable }) => !trainable).map(({ name }) => name));
    expect(names).toHaveLength(8);
    expect(names.every((name) => name.includes('filter'))).toBe(true);
  });
});
