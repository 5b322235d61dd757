import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { answeringAnchors, answeringPoints, selectInstances, type ImagePredictions } from '../../../src/distillers/gidInstances.ts';
import { classResponse, relationLoss, relations } from '../../../src/distillers/gidLosses.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { smoothL1 } from '../../../src/engine/ops/smoothL1.ts';
import { randomMap } from './support.ts';

beforeAll(() => tf.setBackend('cpu'));

const options = { instances: 3, candidates: 100, overlap: 0.3, leastSide: 10 };
const of = (rows: readonly (readonly [teacher: number, student: number, teacherBox: Box, studentBox?: Box])[]): ImagePredictions => ({
  teacherLogits: rows.map(([teacher]) => teacher), studentLogits: rows.map(([, student]) => student),
  teacherBoxes: rows.flatMap(([, , box]) => [...box]), studentBoxes: rows.flatMap(([, , box, own = box]) => [...own]),
});

describe('GID\'s instances', () => {
  it('are the boxes of whoever scores higher, largest disagreement first', () => {
    const found = selectInstances(of([[2, -2, [0, 0, 20, 20]], [-3, 3, [40, 0, 60, 20], [40, 40, 70, 70]], [1, 1, [80, 80, 99, 99], [0, 80, 19, 99]]]), [100, 100], options);
    expect(found.map(({ box, origin }) => [origin, ...box])).toEqual([['student', 40, 40, 70, 70], ['teacher', 0, 0, 20, 20], ['student', 0, 80, 19, 99]]);
    expect(found[0]?.score).toBeCloseTo(0.9051, 4);
  });

  it('are clipped to the image, long enough, and apart from each other', () => {
    const found = selectInstances(of([[3, 0, [-30, -30, 20, 20]], [2.5, 0, [0, 0, 21, 20]], [2, 0, [50, 50, 60, 90]], [1.5, 0, [90, 20, 130, 60]], [1, 0, [30, 60, 45, 90]]]), [100, 110], options);
    expect(found.map(({ box }) => [...box])).toEqual([[0, 0, 20, 20], [90, 20, 110, 60], [30, 60, 45, 90]]);
  });

  it('may be none', () => {
    expect(selectInstances(of([[3, 0, [0, 0, 5, 50]]]), [100, 100], options)).toEqual([]);
    expect([...answeringAnchors([0, 0, 10, 10], [])]).toEqual([0]);
  });

  it('look at the best candidates only', () => {
    expect(selectInstances(of([[1, 0, [0, 0, 20, 20]], [3, 0, [50, 50, 80, 80]]]), [100, 100], { ...options, candidates: 1 }).map(({ box }) => box[0])).toEqual([50]);
  });

  it('are answered for by anchors that overlap them by half, and by their best', () => {
    const anchors = [[0, 0, 10, 10], [0, 0, 10, 20], [60, 60, 64, 64], [58, 60, 62, 64], [90, 90, 95, 95]].flat();
    expect([...answeringAnchors(anchors, [[0, 0, 10, 12], [50, 50, 80, 80]])]).toEqual([1, 1, 1, 1, 0]);
    expect([...answeringPoints([5, 5, 10, 5, 9, 9], [[0, 0, 10, 10]])]).toEqual([1, 0, 1]);
  });
});

describe('GID\'s losses', () => {
  const slots = 4;
  const inputs = (filled: number): Record<string, tf.Tensor> => ({
    pairs: tf.tensor2d(Float32Array.from({ length: slots * slots }, (_, index) => (filled >= 3 && index % slots < filled && Math.floor(index / slots) < filled && index % (slots + 1) !== 0 ? 1 : 0)), [slots, slots]),
    pairShare: tf.scalar(filled >= 3 ? 1 / (filled * filled - filled) : 0), idle: tf.scalar(filled >= 3 ? 0 : 1),
  });
  const regions = (seed: number): tf.Tensor4D => tf.tensor4d(Float32Array.from(randomMap([slots, 2, 2, 3], seed).data), [slots, 2, 2, 3]);
  const sum = (x: tf.Tensor): number => tf.sum(x).dataSync()[0] ?? Number.NaN;

  it('relate instances by distances whose mean is 1', () => {
    expect(sum(relations(regions(1), inputs(4)))).toBeCloseTo(12, 4);
    expect(sum(relations(regions(1), inputs(3)))).toBeCloseTo(6, 4);
    // Twice as far apart, all of them: the same relations.
    expect(sum(relationLoss(tf.mul(regions(1), 2), regions(1), inputs(4)))).toBeCloseTo(0, 6);
  });

  it('have no relation among two, and stay finite where all features are the same', () => {
    const same = tf.fill<tf.Rank.R4>([slots, 2, 2, 3], 0.7);
    expect(sum(relationLoss(regions(1), regions(2), inputs(2)))).toBe(0);
    for (const filled of [0, 2, 3, 4]) {
      for (const student of [same, regions(1)]) {
        const slope = tf.grad((x) => relationLoss(x as tf.Tensor4D, same, inputs(filled)))(student).dataSync();
        expect([...slope].every(Number.isFinite), String(filled)).toBe(true);
      }
    }
  });

  it('keep the teacher\'s entropy in the class response, without slope', () => {
    const logits = tf.tensor3d([0.5, -1, 2, 0], [1, 2, 2]);
    const response = (x: tf.Tensor): tf.Scalar => classResponse(x as tf.Tensor3D, logits, tf.ones([1, 2]));
    expect(response(logits).dataSync()[0]).toBeGreaterThan(1);
    tf.grad(response)(logits).dataSync().forEach((slope) => { expect(slope).toBeCloseTo(0, 6); });
    expect(classResponse(logits, logits, tf.zeros([1, 2])).dataSync()[0]).toBe(0);
  });

  it('bend at the turning point', () => {
    const x = tf.tensor1d([-2, -0.05, 0, 0.05, 2]);
    [1.95, 0.0125, 0, 0.0125, 1.95].forEach((value, index) => { expect(smoothL1(x, 0.1).dataSync()[index]).toBeCloseTo(value, 6); });
    const slopes = tf.grad((y) => tf.sum(smoothL1(y, 0.1)))(x).dataSync();
    [-1, -0.5, 0, 0.5, 1].forEach((value, index) => { expect(slopes[index]).toBeCloseTo(value, 6); });
    expect([...tf.grad((y) => tf.sum(smoothL1(y, 0)))(x).dataSync()]).toEqual([-1, -1, 0, 1, 1]);
  });
});
