import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type DetectorTraits, type DistanceCoding } from '../../../src/detectors/detector.ts';
import { patchCorners, patchGrid, patchMeans, patchSoftmax, spreadPatches } from '../../../src/distillers/shared/patches.ts';
import { checkPair } from '../../../src/distillers/table.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { glamdOptions } from '../../../src/experiment/methods/glamd.ts';
import { buildDistillers, measure, setWeight, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, withStudent } from './support.ts';

type Options = Partial<ReturnType<typeof glamdOptions.parse>>;
const config = (options: Options = {}): ReturnType<typeof glamdOptions.parse> => glamdOptions.parse({ method: 'glamd', patch: 3, ...options });
/** Regression stands for boxes: corners from a fixed spot outwards. */
const boxCoding: DistanceCoding = {
  form: 'distances', points: () => new Float32Array(),
  decode: (map) => tf.add(tf.mul(tf.reshape(map, [map.shape[0], map.size / map.shape[0] / 4, 4]), 5), tf.tensor3d([10, 10, 20, 20], [1, 1, 4])),
};

function scene(options: Parameters<typeof makeScene>[0] = {}): Scene {
  return { ...makeScene(options), traits: { student: { boxCoding }, teacher: { boxCoding } } };
}

/** With φ the identity. */
function run(given: Scene, options: Options = {}): Promise<Measured> {
  const distillers = buildDistillers([config(options)], given);
  for (const { name, variable } of distillers.flatMap(({ parameters }) => parameters.all())) {
    const channels = variable.shape.at(-1) ?? 1;
    setWeight(variable, new Float32Array(variable.size).map((_, index) => (name.endsWith('weight') && Math.floor(index / channels) === index % channels ? 1 : 0)));
  }
  return measure(distillers, given, onCpu);
}

const values = ({ pictures }: Measured, name: string): number[] => [...pictures[`glamd.${name}`]?.data ?? []];
const constant = (maps: readonly HostTensor[] | undefined, value: number): HostTensor[] => (maps ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(value)));

describe('GLAMD', () => {
  it('has masks of mean 2 over the map and in every patch, and of exactly 2 for equal features', async () => {
    const measured = await run(scene());
    const local = values(measured, 'localMask.shared.L0');
    expect(values(measured, 'mask.shared.L0').reduce((sum, value) => sum + value, 0) / 70).toBeCloseTo(2, 4);
    // 5 × 7 cells in patches of 3: the last one is 2 × 1.
    expect([local[27], local[34]].reduce((sum, value) => (sum ?? 0) + (value ?? 0), 0)).toBeCloseTo(4, 4);
    const given = scene();
    const flat = await run({ ...withStudent(given, { ...given.student, features: constant(given.student.features, 0.7) }), teacher: { ...given.teacher, features: constant(given.teacher.features, 2) } });
    for (const value of values(flat, 'mask.shared.L1')) expect(value).toBeCloseTo(2, 5);
    // d² = 1.69, M_s M_c = 4.
    expect(flat.losses['glamd.feature']).toBeCloseTo(4e-5 * 4 * 1.69 * 4 * (35 + 12), 4);
  });

  it('counts a border patch\'s own cells', async () => {
    await tf.setBackend('cpu');
    const grid = patchGrid(5, 7, 3);
    const x = tf.reshape<tf.Rank.R4>(tf.range(0, 35), [1, 5, 7, 1]);
    const means = [...patchMeans(x, grid).dataSync()];
    expect([grid.down, grid.across, means[0], means[2], means[5]]).toEqual([2, 3, 8, 13, 30.5]);
    const spread = [...spreadPatches(patchMeans(x, grid), grid).dataSync()];
    expect([spread[0], spread[16], spread[27], spread[34]]).toEqual([8, 8, 30.5, 30.5]);
    const softmax = [...patchSoftmax(tf.mul(tf.reshape(x, [1, 5, 7]), 0.1), grid).dataSync()];
    const [a, b] = [Math.exp(2.7), Math.exp(3.4)];
    expect(softmax[27]).toBeCloseTo(2 * a / (a + b), 5);
    expect(softmax[34]).toBeCloseTo(2 * b / (a + b), 5);
    expect([...patchCorners(grid, [40, 56])].slice(-4)).toEqual([48, 24, 56, 40]);
  });

  it('takes a patch larger than the map as the map', async () => {
    const measured = await run(scene(), { patch: 50 });
    const [global, local] = [values(measured, 'globalMask.shared.L0'), values(measured, 'localMask.shared.L0')];
    global.forEach((value, cell) => { expect(local[cell]).toBeCloseTo(value, 4); });
    expect(measured.pictures['glamd.patches.shared.L0']?.shape).toEqual([2, 1, 5]);
  });

  it('vanishes where both agree but for the entropy of the teacher\'s classes', async () => {
    const given = scene();
    const { losses, gradients } = await run(withStudent(given, given.teacher));
    expect([losses['glamd.feature'], losses['glamd.attention']]).toEqual([0, 0]);
    expect(losses['glamd.localisation']).toBeCloseTo(0, 5);
    expect(losses['glamd.classification']).toBeGreaterThan(0);
    expect(Math.max(...Array.from(gradients['logits.0'] ?? [1], Math.abs))).toBeLessThan(1e-7);
  });

  it('weighs the feature part by sum or by cells', async () => {
    const [sum, cells] = [await run(scene({ grid: [[3, 4]] }), { alpha: 1 }), await run(scene({ grid: [[3, 4]] }), { alpha: 1, reduction: 'cells' })];
    expect((sum.losses['glamd.feature'] ?? 0) / (cells.losses['glamd.feature'] ?? 1)).toBeCloseTo(12, 4);
    const defaults = await run(scene({ grid: [[3, 4]] }), { reduction: 'cells' });
    expect((defaults.losses['glamd.feature'] ?? 0) / (cells.losses['glamd.feature'] ?? 1)).toBeCloseTo(2e-3, 6);
  });

  it('is finite with single cells, boxes without area and far apart logits', async () => {
    const given = scene({ grid: [[1, 1], [1, 5]], logitDeviation: 100 });
    const student = { ...given.student, regression: constant(given.student.regression, -1) };
    expect(allValues(await run(withStudent(given, student))).every(Number.isFinite)).toBe(true);
  });

  it('needs boxes, classes and anchors of either side, and a temperature that leaves more than one cell', () => {
    const given = scene();
    const codes = (more: Partial<DetectorTraits>): string[] => checkPair([config()], traitsOf(given.teacher, given, { boxCoding, ...more }), traitsOf(given.student, given, { boxCoding })).map(({ code }) => code);
    expect([codes({}), codes({ classes: ['other'] }), codes({ anchorsPerCell: 9 })]).toEqual([[], ['DL502'], ['DL503']]);
    expect(checkPair([config()], traitsOf(given.teacher, given), traitsOf(given.student, given)).map(({ code }) => code)).toEqual(['DL511']);
    expect(() => config({ temperature: 0.01 })).toThrow();
  });
});
