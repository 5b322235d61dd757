import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type FgdConfig } from '../../../src/distillers/fgd.ts';
import { inference } from '../../../src/detectors/detector.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { fgdOptions } from '../../../src/experiment/methods/fgd.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total, withStudent } from './support.ts';

type Options = Partial<Omit<FgdConfig, 'method'>>;
const config = (options: Options = {}): ReturnType<typeof fgdOptions.parse> => fgdOptions.parse({ method: 'fgd', ...options });
const even: Options = { temperature: 0.7, alpha: 1, beta: 0.5, gamma: 0.3, lambda: 0.02 };

/** With weights that make every part and every gradient count (the global blocks start as the identity). */
function run(scene: Scene, options: Options = even, stir = true): Promise<Measured> {
  const distillers = buildDistillers([config(options)], scene, { featureDeviation: scene.grid.map((_, level) => 2 + level) });
  const random = Random.of(5);
  if (stir) for (const { variable } of distillers.flatMap(({ parameters }) => parameters.all())) setWeight(variable, new Float32Array(variable.size).map(() => random.normal(0, 0.5)));
  return measure(distillers, scene, onCpu);
}

/** |x| has a kink at 0 that a finite difference must not step over. */
function awayFromZero(scene: Scene): Scene {
  return withStudent(scene, { ...scene.student, features: (scene.student.features ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (value) => value + Math.sign(value) * 0.1))) });
}

describe('FGD gradients', () => {
  it.each([['equal widths', makeScene()], ['an align convolution', makeScene({ studentChannels: 3, teacherChannels: 6 })], ['one level of odd size', makeScene({ grid: [[7, 5]] })]])(
    'agree with finite differences: %s', async (_, drawn) => {
      const scene = awayFromZero(drawn);
      // The attention part has kinks where both attentions are equal: its steps are small.
      for (const [part, step] of [['alpha', 1e-2], ['beta', 1e-2], ['gamma', 3e-4], ['lambda', 1e-2]] as const) {
        const alone: Options = { temperature: 0.7, alpha: 0, beta: 0, gamma: 0, lambda: 0, [part]: 1 };
        const { gradients } = await run(scene, alone);
        const direction = randomDirection(scene, 'features', 1);
        const [above, below] = [await run(moved(scene, 'features', direction, step), alone), await run(moved(scene, 'features', direction, -step), alone)];
        const expected = (total(above) - total(below)) / (2 * step);
        expect(Math.abs(dot(gradients, 'features', direction) - expected), part).toBeLessThan(0.01 * Math.abs(expected) + (part === 'gamma' ? 0.02 : 1e-3));
      }
    });

  it('reach every adapter, also on the teacher\'s side', async () => {
    const { gradients } = await run(makeScene({ studentChannels: 3, teacherChannels: 6 }));
    const names = Object.keys(gradients).filter((name) => name.startsWith('distill.'));
    expect(names).toHaveLength(2 * 18);
    const silent = names.filter((name) => gradients[name]?.every((value) => value === 0));
    // The softmax over places does not see these.
    expect(silent.sort()).toEqual(['L0', 'L1'].flatMap((level) => ['s', 't'].map((side) => `distill.fgd.${level}.conv_mask_${side}.bias`)));
  });

  it('do not reach the teacher\'s features', async () => {
    await tf.setBackend('cpu');
    const scene = makeScene();
    const [distiller] = buildDistillers([config(even)], scene);
    tf.tidy(() => {
      const tensors = (maps: Scene['student']): tf.Tensor4D[] => (maps.features ?? []).map(({ data, shape }) => tf.tensor(data, [...shape] as [number, number, number, number]));
      const student = tensors(scene.student);
      const inputs = Object.fromEntries(Object.entries(distiller?.inputs(scene.batch, {}) ?? {}).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
      const outputs = (features: tf.Tensor4D[]): Parameters<NonNullable<typeof distiller>['loss']>[0] => ({ backbone: [], features, logits: [], regression: [], towers: { classification: [], regression: [] } });
      const step = { images: tf.zeros<tf.Rank.R4>([1, 1, 1, 3]), targets: {}, mode: inference() };
      const loss = (...teacher: tf.Tensor[]): tf.Scalar => tf.addN(Object.values(distiller?.loss(outputs(teacher as tf.Tensor4D[]), outputs(student), inputs, step) ?? {}));
      expect(() => tf.grads(loss)(tensors(scene.teacher))).toThrow(/Cannot compute gradient/);
    });
  });
});

describe('FGD losses', () => {
  it('vanish, with their gradients, where student and teacher agree', async () => {
    const scene = makeScene();
    const { losses, gradients } = await run(withStudent(scene, scene.teacher), even, false);
    expect(Object.values(losses)).toEqual([0, 0, 0, 0]);
    for (const values of Object.values(gradients)) expect(values.every((value) => value === 0)).toBe(true);
  });

  it('are the sum over levels divided by the batch', async () => {
    const one = makeScene({ grid: [[5, 7]] });
    const twice: Scene = { ...one, grid: [[5, 7], [5, 7]], student: { features: [...(one.student.features ?? []), ...(one.student.features ?? [])] }, teacher: { features: [...(one.teacher.features ?? []), ...(one.teacher.features ?? [])] } };
    const [single, double] = [await run(one, even, false), await run(twice, even, false)];
    for (const [name, value] of Object.entries(single.losses)) expect(double.losses[name]).toBeCloseTo(2 * value, 4);
  });

  it('take the published weights of the student\'s detector where none are given', async () => {
    const scene = makeScene();
    const as = async (detector: string): Promise<Measured> => run({ ...scene, traits: { student: { detector }, teacher: {} } }, { temperature: 0.5 }, false);
    const [retina, faster] = [await as('retinanet'), await as('faster_rcnn')];
    expect((retina.losses['fgd.foreground'] ?? 0) / (faster.losses['fgd.foreground'] ?? 1)).toBeCloseTo(20, 3);
    expect((retina.losses['fgd.attention'] ?? 0) / (faster.losses['fgd.attention'] ?? 1)).toBeCloseTo(10, 3);
    expect((await run(scene, { temperature: 0.5, alpha: 2e-3 }, false)).losses['fgd.foreground']).toBeCloseTo(2 * (retina.losses['fgd.foreground'] ?? 0), 6);
  });

  it('multiply by the global weight', async () => {
    const [one, three] = [await run(makeScene()), await run(makeScene(), { ...even, weight: 3 })];
    for (const [name, value] of Object.entries(one.losses)) expect((three.losses[name] ?? 0) / value).toBeCloseTo(3, 5);
  });

  it('normalized: are those of features divided by the deviations, with rescaled weights', async () => {
    const scene = makeScene();
    const divide = (maps: Scene['student']): Scene['student'] =>
      ({ ...maps, features: (maps.features ?? []).map(({ shape, data }, level) => float32(shape, Float32Array.from(data, (value) => value / (2 + level)))) });
    const cells = 5 * 7 + 3 * 4;
    const perElement = (256 / 4) * (5 / 2);
    const [normalized, paper] = [await run(scene, { ...even, scale: 'normalized' }), await run({ ...scene, student: divide(scene.student), teacher: divide(scene.teacher) })];
    const factors: Readonly<Record<string, number>> = { foreground: perElement, background: perElement, attention: 22_400 / cells, global: (22_400 * 256) / (cells * 4) };
    for (const [part, factor] of Object.entries(factors)) expect((normalized.losses[`fgd.${part}`] ?? 0) / (paper.losses[`fgd.${part}`] ?? 1) / factor).toBeCloseTo(1, 4);
  });

  it('normalized: refuse a teacher whose features do not vary', () => {
    expect(() => buildDistillers([config({ scale: 'normalized' })], makeScene(), { featureDeviation: [1, 0] })).toThrow(/L1 do not vary/);
    expect(() => buildDistillers([config({ scale: 'normalized' })], makeScene(), { featureDeviation: [1] })).toThrow(/L1 do not vary/);
  });

  it('scale boxes by the unpadded image or by the input, as asked', async () => {
    const padded = makeScene();
    const scene: Scene = { ...padded, batch: { ...padded.batch, contentSizes: [[40, 28], [20, 56]] } };
    const [image, input, unpadded] = [await run(scene), await run(scene, { ...even, boxScale: 'input' }), await run(padded)];
    expect(input.losses).toEqual(unpadded.losses);
    expect(image.losses['fgd.foreground']).not.toBeCloseTo(input.losses['fgd.foreground'] ?? 0, 2);
  });
});

describe('FGD stays finite', () => {
  const constant = (scene: Scene, value: number): Scene['student'] => ({ features: (scene.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(value))) });
  const boxes = (...own: readonly Box[]): readonly (readonly Box[])[] => [own, []];
  it.each([
    ['no object in the whole batch', makeScene({ boxes: [[], []] })],
    ['an image without objects', makeScene({ boxes: boxes([3, 3, 20, 20]) })],
    ['a box of one pixel', makeScene({ boxes: boxes([9, 9, 10, 10]) })],
    ['a box over everything', makeScene({ boxes: [[[0, 0, 56, 40]]] })],
    ['negative coordinates', makeScene({ boxes: boxes([-9, -30, 14, 8]) })],
    ['a map of one cell', makeScene({ grid: [[1, 1]] })],
    ['large features', { ...makeScene(), student: { features: [randomMap([2, 5, 7, 4], 3, 1e4), randomMap([2, 3, 4, 4], 4, 1e4)] } }],
    ['all features 0', { ...makeScene(), student: constant(makeScene(), 0), teacher: constant(makeScene(), 0) }],
    ['all features equal', { ...makeScene(), student: constant(makeScene(), 0.3), teacher: constant(makeScene(), -2) }],
  ])('with %s', async (_, scene) => {
    for (const stir of [true, false]) expect(allValues(await run(scene, even, stir)).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('and attends evenly to equal features', async () => {
    const scene = makeScene();
    const { losses, pictures } = await run({ ...scene, student: constant(scene, 0.3), teacher: constant(scene, -2) });
    expect(losses['fgd.attention']).toBe(0);
    for (const role of ['teacher', 'student']) for (const value of pictures[`fgd.spatialAttention.${role}.L0`]?.data ?? []) expect(value).toBeCloseTo(1, 5);
  });
});

describe('FGD adapters', () => {
  it('start as the reference does', () => {
    const scene = makeScene({ grid: [[4, 4]], studentChannels: 32, teacherChannels: 128 });
    const [distiller] = buildDistillers([config()], scene);
    const value = (name: string): Float32Array => distiller?.parameters.get(`distill.fgd.L0.${name}`)?.variable.dataSync() as Float32Array;
    expect(value('channel_add_conv_s.3.weight').every((weight) => weight === 0)).toBe(true);
    expect(value('channel_add_conv_t.3.bias').every((weight) => weight === 0)).toBe(true);
    expect(value('conv_mask_s.bias')).toEqual(new Float32Array(1));
    expect(value('channel_add_conv_s.1.weight')).toEqual(new Float32Array(64).fill(1));
    const largest = (weights: Float32Array): number => weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    expect(largest(value('align.weight'))).toBeLessThanOrEqual(1 / Math.sqrt(32));
    expect(largest(value('align.weight'))).toBeGreaterThan(0.98 / Math.sqrt(32));
    expect(largest(value('channel_add_conv_s.0.bias'))).toBeLessThanOrEqual(1 / Math.sqrt(128));
    const spread = Math.sqrt(value('conv_mask_t.weight').reduce((sum, weight) => sum + weight * weight, 0) / 128);
    expect(spread).toBeGreaterThan(0.8 * Math.sqrt(2 / 128));
    expect(spread).toBeLessThan(1.2 * Math.sqrt(2 / 128));
  });

  it('have no align convolution where widths agree', () => {
    expect(buildDistillers([config()], makeScene()).flatMap(({ parameters }) => parameters.all()).filter(({ name }) => name.includes('align'))).toEqual([]);
  });
});
