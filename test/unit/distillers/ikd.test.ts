import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { attackStart, attackStep, diversified, diversityInputs } from '../../../src/distillers/ikdAttack.ts';
import { type HostTensors } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { ikdOptions } from '../../../src/experiment/methods/ikd.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, valuesOf, withStudent } from './support.ts';

type Options = Readonly<Record<string, unknown>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([ikdOptions.parse({ method: 'ikd', weight: 1, ...options })], scene), scene, onCpu);
const FORM = { epsilon: 0.25, step: 0.1, momentum: 1 };

beforeAll(() => tf.setBackend('cpu'));

describe('IKD\'s attack', () => {
  const clean = tf.tensor4d([0, 0, 0, 1, 2, 4, 0.5, 1, 2, 0.2, 0.1, 0.3], [1, 2, 2, 3]);

  it('leaves an image alone whose gradient is 0', () => {
    const next = attackStep(clean, attackStart(clean), tf.zerosLike(clean), FORM);
    expect([...next.images.dataSync()]).toEqual([...clean.dataSync()]);
    expect(next.momentum.dataSync().every((value) => value === 0)).toBe(true);
  });

  it('moves against the gradient by a part of the largest channel\'s range, no farther than ε and not out of the channel\'s range', () => {
    let state = attackStart(clean);
    const gradient = tf.fill<tf.Rank.R4>([1, 2, 2, 3], -1);
    for (let step = 0; step < 4; step += 1) state = attackStep(clean, state, gradient, FORM);
    // R = 4: ε R = 1, a step of 0.4, three of which reach it.
    const values = [...clean.dataSync()];
    const most = [1, 2, 4];
    [...state.images.dataSync()].forEach((value, index) => {
      expect(value).toBeCloseTo(Math.min((values[index] ?? 0) + 1, most[index % 3] ?? 0), 5);
    });
  });

  it('treats every image by itself', () => {
    const both = tf.concat([clean, tf.mul(clean, 3)]) as tf.Tensor4D;
    const gradient = tf.tensor4d(Array.from({ length: 24 }, (_, index) => Math.sin(index)), [2, 2, 2, 3]);
    const joined = attackStep(both, attackStart(both), gradient, FORM);
    const alone = attackStep(clean, attackStart(clean), tf.slice(gradient, 0, 1), FORM);
    expect([...tf.slice(joined.images, 0, 1).dataSync()]).toEqual([...alone.images.dataSync()]);
  });

  it('shows the image as it is, or shrunk and moved within zeros of the same size', () => {
    const shown = ({ rows, columns }: HostTensors): number[] => {
      const matrix = (tensor: HostTensors[string] | undefined): tf.Tensor3D => tf.tensor<tf.Rank.R3>(tensor?.data ?? new Float32Array(), [...(tensor?.shape ?? [])] as [number, number, number]);
      return [...diversified(tf.ones([1, 10, 12, 3]), matrix(rows), matrix(columns)).dataSync()];
    };
    expect(shown(diversityInputs([10, 12], 1, 0, 0.5, Random.of(1))).every((value) => value === 1)).toBe(true);
    const values = shown(diversityInputs([10, 12], 1, 1, 0.5, Random.of(2)));
    const ones = values.filter((value) => Math.abs(value - 1) < 1e-6).length;
    expect(ones + values.filter((value) => value === 0).length).toBe(values.length);
    expect(ones).toBeGreaterThanOrEqual(5 * 6 * 3);
    expect(ones).toBeLessThan(values.length);
  });
});

describe('IKD', () => {
  it('is a sum over cells and channels by image, so it grows with the resolution', async () => {
    const scene = makeScene({ grid: [[2, 3]] });
    const [own, other] = [valuesOf(scene.student, 'features', 0), valuesOf(scene.teacher, 'features', 0)];
    const sum = own.reduce((all, value, index) => all + (value - (other[index] ?? 0)) ** 2, 0);
    expect(total(await run(scene))).toBeCloseTo(sum / 2, 3);
  });

  it.each(['mse', 'l1', 'cwd'])('%s has the gradients of finite differences', async (loss) => {
    const scene = makeScene({ studentChannels: 3, teacherChannels: 5 });
    const { gradients } = await run(scene, { loss });
    const direction = randomDirection(scene, 'features', 3);
    const [above, below] = [total(await run(moved(scene, 'features', direction, 1e-3), { loss })), total(await run(moved(scene, 'features', direction, -1e-3), { loss }))];
    const expected = (above - below) / 2e-3;
    expect(Math.abs(dot(gradients, 'features', direction) - expected)).toBeLessThan(0.02 * Math.abs(expected) + 1e-2);
  });

  it.each(['mse', 'l1', 'cwd'])('%s vanishes, with gradients of 0, where the networks agree', async (loss) => {
    const scene = makeScene();
    expect(allValues(await run(withStudent(scene, scene.teacher), { loss })).every((value) => Math.abs(value) < 1e-6)).toBe(true);
  });

  it('ends after its part of the run', async () => {
    const scene = makeScene();
    const at = async (step: number): Promise<number> => total(await run({ ...scene, batch: { ...scene.batch, step, steps: 24 } }));
    expect(await at(15)).toBeGreaterThan(0);
    expect(await at(16)).toBe(0);
  });
});
