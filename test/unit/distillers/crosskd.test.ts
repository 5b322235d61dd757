import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { distanceCoding } from '../../../src/detectors/coding.ts';
import { createTower } from '../../../src/detectors/tower.ts';
import { alignHeld, type Held } from '../../../src/distillers/crosskdHead.ts';
import { crossInputs } from '../../../src/distillers/crosskdLosses.ts';
import { checkPair, defaultsFor } from '../../../src/distillers/table.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';
import { crosskdOptions } from '../../../src/experiment/methods/crosskd.ts';
import { traitsOf } from '../../goldens/support/distiller.ts';
import { withDeltas } from './boxScene.ts';
import { makeScene, randomMap } from './support.ts';

beforeAll(() => tf.setBackend('cpu'));

const map = (shape: readonly [number, number, number, number], seed: number): tf.Tensor4D => tf.tensor4d(Float32Array.from(randomMap(shape, seed).data), [...shape]);
const heldOf = (one: tf.Tensor4D): Held => ({ classification: [one], regression: [one] });
const alignedOf = (student: tf.Tensor4D, teacher: tf.Tensor4D): tf.Tensor4D => alignHeld(heldOf(student), heldOf(teacher)).classification[0] as tf.Tensor4D;

describe('CrossKD', () => {
  it('gives the student the mean and deviation of the teacher, channel by channel over the batch', () => {
    const [student, teacher] = [tf.add<tf.Tensor4D>(tf.mul(map([2, 3, 5, 4], 1), 7), 20), map([2, 3, 5, 4], 2)];
    const [own, other] = [tf.moments(alignedOf(student, teacher), [0, 1, 2]), tf.moments(teacher, [0, 1, 2])];
    for (const key of ['mean', 'variance'] as const) {
      const expected = other[key].dataSync();
      own[key].dataSync().forEach((value, channel) => { expect(value).toBeCloseTo(expected[channel] ?? Number.NaN, 4); });
    }
  });

  it.each([['does not vary', [2, 3, 5, 4]], ['has one cell', [1, 1, 1, 4]]] as const)('is finite where a channel %s', (_, shape) => {
    const [student, teacher] = [tf.fill<tf.Rank.R4>([...shape], 0.3), map(shape, 3)];
    const means = tf.mean(teacher, [0, 1, 2]).dataSync();
    alignedOf(student, teacher).dataSync().forEach((value, index) => { expect(value).toBeCloseTo(means[index % 4] ?? Number.NaN, 2); });
    const gradient = tf.grad((x) => tf.sum(tf.mul(alignedOf(x as tf.Tensor4D, teacher), map(shape, 4))))(student);
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });

  it('lets gradients through the teacher\'s layers, not into them', () => {
    const tower = createTower(new Parameters(Random.of(3)), 'tower', { channels: 4, convs: 2, norm: 'none', trainable: false });
    const [student, teacher] = [map([1, 3, 5, 4], 5), map([1, 3, 5, 4], 6)];
    const cross = (x: tf.Tensor): tf.Tensor => tf.sum(tower(alignedOf(x as tf.Tensor4D, teacher), 1).out);
    expect([...tf.grad(cross)(student).dataSync()].some((value) => value !== 0)).toBe(true);
    // No path leads to the teacher's own features.
    expect(() => tf.grad((x) => tf.sum(tower(alignedOf(student, x as tf.Tensor4D), 1).out))(teacher)).toThrow(/Cannot compute gradient/);
  });

  it('divides FCOS\'s parts by the sum of centerness, and by 1 without positives', () => {
    const coding = distanceCoding({ points: () => Float32Array.from([10, 10, 14, 10, 50, 50]), perLevel: () => [3], unit: () => 1 });
    const setting = { levels: [{ name: 'L0', rows: 1, columns: 3, places: 3 }], classes: 1, anchorsPerCell: 1, coding, inputSize: [64, 64] as const, beta: 1 };
    const share = (objects: readonly number[]): number => crossInputs({
      truth: [{ boxes: [[0, 0, 20, 20]], labels: [0], ignored: [] }], inputSize: [64, 64], contentSizes: [[64, 64]], assignments: [Int32Array.from(objects)],
    }, setting, coding).share?.data[0] ?? Number.NaN;
    expect(1 / share([1, 1, 0])).toBeCloseTo(1 + Math.sqrt(6 / 14), 4);
    expect(share([0, 0, 0])).toBeCloseTo(1, 5);
    // A positive on the edge counts nothing.
    expect(share([0, 0, -1])).toBeCloseTo(1, 5);
  });

  it('has the published weights by detector', () => {
    expect(defaultsFor('crosskd', 'gfl')).toEqual({ classification: 1, box: 4 });
    expect(defaultsFor('crosskd', 'fcos')).toEqual({ classification: 0.4, box: 0.75 });
    expect(defaultsFor('crosskd', 'atss')).toEqual({ classification: 1, box: 1 });
  });

  it('refuses more blocks than the towers have', () => {
    const scene = withDeltas(makeScene(), { towers: { channels: 4, blocks: 2 } });
    const traits = traitsOf(scene.student, scene, scene.traits?.student);
    const codes = (reuse: number): string[] => checkPair([crosskdOptions.parse({ method: 'crosskd', reuse })], traits, traits).map(({ code }) => code);
    expect(codes(2)).toEqual([]);
    expect(codes(3)).toEqual(['DL560']);
    expect(checkPair([crosskdOptions.parse({ method: 'crosskd' })], traits, { ...traits, towers: { channels: 4, blocks: 1 } }).map(({ code }) => code)).toEqual(['DL515']);
  });
});
