import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Distiller, type TrainedNetworks } from '../../../src/distillers/distiller.ts';
import { filledMaximum } from '../../../src/distillers/lgdEncoder.ts';
import { createDistillers } from '../../../src/distillers/table.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { float32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { lgdOptions } from '../../../src/experiment/methods/lgd.ts';
import { measure, setWeight, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent, type SceneOptions } from './support.ts';

const WIDTHS = [6, 8, 12, 10, 8];
type Options = Readonly<Record<string, unknown>>;

/** In place of a student's head: its loss is linear in the features that it is given. */
const linearHead: TrainedNetworks['student'] = {
  head: { blocks: 0, run: (features) => ({ logits: features, regression: [], towers: { classification: [], regression: [] } }), resume: unused },
  loss: ({ logits }) => ({ probe: tf.addN(logits.map((map) => tf.sum<tf.Scalar>(tf.mul(map, tf.reshape(tf.sin(tf.range(0, map.size)), map.shape))))) }),
  forward: unused, targets: unused,
};

function unused(): never {
  throw new Error('not asked for');
}

function build(scene: Scene, options: Options = {}, student?: TrainedNetworks['student']): Distiller {
  const traits = traitsOf(scene.student, scene);
  const [distiller] = createDistillers([lgdOptions.parse({ method: 'lgd', maxObjects: 4, widths: WIDTHS, ...options })], {
    student: traits, teacher: traits, inputSize: scene.batch.inputSize, batch: scene.batch.truth.length, random: Random.of(1), statistics: { featureDeviation: [] },
    ...(student === undefined ? {} : { networks: { student } }),
  });
  if (distiller === undefined) throw new Error('no distiller');
  return distiller;
}

const probed = (scene: Scene): Promise<Measured> => measure([build(scene, { weight: 0 }, linearHead)], scene, onCpu);
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure([build(scene, options)], scene, onCpu);
const inputsOf = (options: SceneOptions, more: Options = {}, at: { step?: number; steps?: number } = {}): HostTensors => {
  const scene = makeScene(options);
  return build(scene, more).inputs({ ...scene.batch, ...at }, {});
};
const values = (inputs: HostTensors, name: string): number[] => [...(inputs[name]?.data ?? [])];
const sum = (numbers: readonly number[]): number => numbers.reduce((all, value) => all + value, 0);

describe('LGD', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('lets an object that is smaller than a cell have no cell, and one without a side too', async () => {
    const boxes = [[[9, 9, 11, 11], [10, 10, 10, 30]]] as const;
    const inputs = inputsOf({ boxes });
    expect(sum(values(inputs, 'inside.L0').slice(0, 2 * 35))).toBe(0);
    expect(allValues(await run(makeScene({ boxes }))).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('lets a single row play the context of an image without objects, and paints nothing', async () => {
    const inputs = inputsOf({ boxes: [[], []] });
    expect(values(inputs, 'filled')).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    // Its box is one pixel: the cell in the corner.
    expect(values(inputs, 'inside.L0').slice(4 * 35, 5 * 35)).toEqual([1, ...new Array<number>(34).fill(0)]);
    expect(values(inputs, 'rows').slice(4 * 7, 4 * 7 + 2)).toEqual([-1, -1]);
    expect(values(inputs, 'rows').slice(4 * 7 + 4, 5 * 7)).toEqual([-1, -1, -1]);
    const { pictures } = await run(makeScene({ boxes: [[], []] }));
    expect(sum([...(pictures['lgd.inside.shared.L0']?.data ?? [])])).toBe(0);
    // Without a context it is an object as any other.
    expect(values(inputsOf({ boxes: [[], []] }, { context: false }), 'filled')).toEqual([1, 0, 0, 0, 1, 0, 0, 0]);
  });

  it('normalises a map of one cell to 0', async () => {
    const { losses, gradients } = await run(makeScene({ grid: [[1, 1]], inputSize: [8, 8] }));
    expect(losses['lgd.distillation']).toBe(0);
    expect(gradients['features.0']?.every((value) => value === 0)).toBe(true);
  });

  it('gives the gradient of a maximum to the first row that reaches it', () => {
    const gradients = tf.grads((x: tf.Tensor) => tf.sum(filledMaximum(x as tf.Tensor3D, tf.tensor2d([[1, 1, 1, 0]]))))([tf.tensor3d([[[1], [3], [3], [9]]])]);
    expect([...(gradients[0]?.dataSync() ?? [])]).toEqual([0, 1, 0, 0]);
  });

  it('does not see places that no object fills, nor other images\' objects', async () => {
    const [few, many] = [await run(makeScene(), { maxObjects: 2 }), await run(makeScene(), { maxObjects: 9 })];
    expect(total(many)).toBeCloseTo(total(few), 5);
    const first = async (other: Box): Promise<number[]> => {
      const { pictures } = await run(makeScene({ boxes: [[[3, 4, 20, 30]], [other]] }));
      return [...(pictures['lgd.instructive.shared.L1']?.data ?? [])].slice(0, 12);
    };
    expect(await first([20, 1, 50, 30])).toEqual(await first([0.5, 1, 12, 9]));
  });

  it('keeps the largest objects where there are more than places', () => {
    const boxes = [[[0, 0, 2, 2], [3, 4, 20, 30], [10, 10, 50, 38]]] as const;
    expect(values(inputsOf({ boxes }, { maxObjects: 2 }), 'rows').slice(4, 7)).toEqual([-1, 1, -1]);
  });

  it('has the gradients of finite differences, by features through the dynamic teacher', async () => {
    const scene = makeScene({ seed: 3 });
    const { gradients } = await probed(scene);
    const direction = randomDirection(scene, 'features', 5);
    const [above, below] = [await probed(moved(scene, 'features', direction, 2e-3)), await probed(moved(scene, 'features', direction, -2e-3))];
    const expected = (total(above) - total(below)) / 4e-3;
    expect(Math.abs(dot(gradients, 'features', direction) - expected)).toBeLessThan(0.02 * Math.abs(expected) + 2e-3);
  });

  it.each(['adapter.2.weight', 'multi_head_attn.in_proj.weight', 'label_encoder_.stn_desc.conv2.weight', 'canoni_proj_1D.0.0.weight'])('has the gradients of finite differences, by %s', async (name) => {
    const scene = makeScene({ seed: 4 });
    const ofAdapter = name.startsWith('adapter');
    const at = async (by: number): Promise<Measured> => {
      const distiller = build(scene, {}, ofAdapter ? undefined : linearHead);
      const parameter = distiller.parameters.get(`distill.lgd.${name}`);
      if (parameter === undefined) throw new Error(name);
      setWeight(parameter.variable, Float32Array.from(parameter.variable.dataSync(), (value, index) => value + by * Math.cos(index)));
      return measure([distiller], scene, onCpu);
    };
    // The distillation term does not reach the dynamic teacher, whose weights learn by the head's loss alone.
    const part = ofAdapter ? 'lgd.distillation' : 'lgd.oracleProbe';
    const [here, above, below] = [await at(0), await at(3e-4), await at(-3e-4)];
    const expected = ((above.losses[part] ?? 0) - (below.losses[part] ?? 0)) / 6e-4;
    const along = sum([...(here.gradients[`distill.lgd.${name}`] ?? [])].map((value, index) => value * Math.cos(index)));
    expect(Math.abs(along - expected)).toBeLessThan(0.02 * Math.abs(expected) + 2e-3);
  });

  it('follows the parts of the run', () => {
    const flags = (step: number): number[] => ['imitates', 'backbone'].flatMap((name) => values(inputsOf({}, { imitateUntil: 0.9 }, { step, steps: 180 }), name));
    expect(flags(0)).toEqual([0, 0]);
    expect(flags(19)).toEqual([0, 0]);
    expect(flags(20)).toEqual([0, 1]);
    expect(flags(30)).toEqual([1, 1]);
    expect(flags(161)).toEqual([1, 1]);
    expect(flags(162)).toEqual([0, 1]);
    expect(['imitates', 'backbone'].flatMap((name) => values(inputsOf({}), name))).toEqual([1, 1]);
  });

  it('teaches only the adapter before it imitates', async () => {
    const scene = makeScene();
    const measured = await measure([build(scene)], { ...scene, batch: { ...scene.batch, step: 0, steps: 100 } }, onCpu);
    expect(measured.gradients['features.0']?.every((value) => value === 0)).toBe(true);
    expect(measured.gradients['distill.lgd.adapter.0.weight']?.some((value) => value !== 0)).toBe(true);
    expect(measured.losses).toEqual((await run(scene)).losses);
  });

  it('is finite with equal features', async () => {
    const scene = makeScene();
    const features = (scene.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(0.5)));
    expect(allValues(await run(withStudent(scene, { ...scene.student, features }))).filter((value) => !Number.isFinite(value))).toEqual([]);
  });
});
