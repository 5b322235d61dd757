/** Losses against their formulas in doubles, with gradients, at ordinary and extreme logits, on both backends. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { boxLoss, distributionFocalLoss, focalLoss, overlapLoss, qualityFocalLoss, SMOOTH_L1_BETA } from '../../../src/detectors/losses.ts';
import { startEngine } from '../../../src/engine/backend.ts';

let native: string;
beforeAll(async () => {
  await startEngine({ backend: 'auto' });
  native = tf.getBackend();
});

const LOGITS = [[-3, 0.2, 5], [0, -0.5, 1], [40, -60, 90], [-90, 100, 0.1], [2, 2, 2]];
const LABELS = [1, -1, 1, 1, 0];
const WEIGHTS = [0.5, 0.25, 0.5, 1, 0];

/** α_t (1 − p_t)² · −ln p_t and its slope, in doubles. */
function focal(logit: number, truth: boolean): { value: number; slope: number } {
  const z = truth ? -logit : logit;
  const p = 1 / (1 + Math.exp(-z));
  const crossEntropy = Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  const alpha = truth ? 0.25 : 0.75;
  return { value: alpha * p * p * crossEntropy, slope: (truth ? -1 : 1) * alpha * p * p * (2 * (1 - p) * crossEntropy + p) };
}

describe.each(['native', 'cpu'])('on %s', (which) => {
  beforeAll(async () => { await tf.setBackend(which === 'cpu' ? 'cpu' : native); });

  it('focal loss and its gradient, stable at large logits, 0 where the weight is 0', () => {
    const loss = (x: tf.Tensor): tf.Scalar => focalLoss(x as tf.Tensor2D, tf.tensor1d(LABELS, 'int32'), tf.tensor1d(WEIGHTS));
    const { value, grad } = tf.valueAndGrad(loss)(tf.tensor2d(LOGITS));
    const terms = LOGITS.map((row, index) => row.map((logit, label) => focal(logit, label === LABELS[index])));
    const expected = terms.reduce((sum, row, index) => sum + row.reduce((part, term) => part + term.value, 0) * (WEIGHTS[index] ?? 0), 0);
    expect(Math.abs((value.dataSync()[0] ?? NaN) - expected) / expected).toBeLessThan(1e-5);
    const slopes = terms.flatMap((row, index) => row.map((term) => term.slope * (WEIGHTS[index] ?? 0)));
    Array.from(grad.dataSync()).forEach((slope, index) => { expect(Math.abs(slope - (slopes[index] ?? NaN))).toBeLessThan(1e-5); });
  });

  it.each([
    ['l1', (d: number) => Math.abs(d), (d: number) => Math.sign(d)],
    ['smoothL1', (d: number) => (Math.abs(d) < SMOOTH_L1_BETA ? (0.5 * d * d) / SMOOTH_L1_BETA : Math.abs(d) - SMOOTH_L1_BETA / 2), (d: number) => Math.max(-1, Math.min(1, d / SMOOTH_L1_BETA))],
  ] as const)('%s and its gradient, 0 at 0', (kind, value, slope) => {
    const prediction = [0.5, -1, 0.05, 0, 3, 3, 3, 3];
    const target = [0, 1, 0, 0, 1, 1, 1, 1];
    const weights = [0.5, 0];
    const result = tf.valueAndGrad((x: tf.Tensor) => boxLoss(kind, x as tf.Tensor2D, tf.tensor2d(target, [2, 4]), tf.tensor1d(weights)))(tf.tensor2d(prediction, [2, 4]));
    const differences = prediction.map((x, index) => x - (target[index] ?? 0));
    expect(result.value.dataSync()[0]).toBeCloseTo(differences.slice(0, 4).reduce((sum, d) => sum + value(d) * 0.5, 0), 6);
    Array.from(result.grad.dataSync()).forEach((got, index) => { expect(got).toBeCloseTo(slope(differences[index] ?? 0) * (index < 4 ? 0.5 : 0), 6); });
  });

  it('trains on a single class', () => {
    const loss = (x: tf.Tensor): tf.Scalar => focalLoss(x as tf.Tensor2D, tf.tensor1d([0, -1], 'int32'), tf.tensor1d([1, 1]));
    const logits = [0.5, -1];
    const p = logits.map((x, index) => 1 / (1 + Math.exp(index === 0 ? x : -x)));
    const expected = 0.25 * (p[0] as number) ** 2 * -Math.log(1 - (p[0] as number)) + 0.75 * (p[1] as number) ** 2 * -Math.log(1 - (p[1] as number));
    expect(loss(tf.tensor2d(logits, [2, 1])).dataSync()[0]).toBeCloseTo(expected, 6);
    const gradient = tf.grad(loss)(tf.tensor2d(logits, [2, 1])).dataSync();
    expect([...gradient].map(Math.sign)).toEqual([-1, 1]);
  });

  it('quality focal loss and its gradient: each class against the quality of the true one or 0', () => {
    const quality = [0.7, 0.9, 0, 1, 0.5];
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => qualityFocalLoss(x as tf.Tensor2D, tf.tensor1d(LABELS, 'int32'), tf.tensor1d(quality), tf.tensor1d(WEIGHTS)))(tf.tensor2d(LOGITS));
    const terms = LOGITS.flatMap((row, index) => row.map((x, label) => {
      const target = label === LABELS[index] ? quality[index] ?? 0 : 0;
      const p = 1 / (1 + Math.exp(-x));
      const crossEntropy = Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - x * target;
      const [gap, weight] = [p - target, WEIGHTS[index] ?? 0];
      return { value: weight * gap ** 2 * crossEntropy, slope: weight * gap * (gap ** 2 + 2 * p * (1 - p) * crossEntropy) };
    }));
    const expected = terms.reduce((sum, term) => sum + term.value, 0);
    expect(Math.abs((value.dataSync()[0] ?? NaN) - expected) / expected).toBeLessThan(1e-5);
    Array.from(grad.dataSync()).forEach((slope, index) => { expect(Math.abs(slope - (terms[index]?.slope ?? NaN))).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope))); });
  });

  it('distribution focal loss: the two bins beside the target share it, one alone at a whole number', () => {
    const logits = [[1, -2, 0.5, 3], [0, 0, 0, 0], [100, -100, 0, 2]];
    const targets = [1.25, 2, 0];
    const weights = [0.5, 2, 1];
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => distributionFocalLoss(x as tf.Tensor2D, tf.tensor1d(targets), tf.tensor1d(weights)))(tf.tensor2d(logits));
    const rows = logits.map((row, index) => {
      const [target = 0, weight = 0] = [targets[index], weights[index]];
      const most = Math.max(...row);
      const whole = most + Math.log(row.reduce((sum, x) => sum + Math.exp(x - most), 0));
      const shares = row.map((_, bin) => Math.max(0, 1 - Math.abs(bin - target)));
      return { value: weight * row.reduce((sum, x, bin) => sum + (shares[bin] ?? 0) * (whole - x), 0), slopes: row.map((x, bin) => weight * (Math.exp(x - whole) - (shares[bin] ?? 0))) };
    });
    expect(value.dataSync()[0]).toBeCloseTo(rows.reduce((sum, row) => sum + row.value, 0), 4);
    rows.flatMap(({ slopes }) => slopes).forEach((slope, index) => { expect(grad.dataSync()[index]).toBeCloseTo(slope, 5); });
  });

  it('losses of overlaps are 0 at the target, finite for boxes that do not meet or have no area', () => {
    const target = tf.tensor2d([[0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 0, 0]]);
    const given = tf.tensor2d([[0, 0, 4, 4], [6, 0, 8, 4], [0, 0, 0, 0]]);
    const of = (kind: 'iou' | 'giou', row: number): { value: number; slopes: number[] } => {
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => overlapLoss(kind, x as tf.Tensor2D, target, tf.oneHot(row, 3).toFloat() as tf.Tensor1D))(given);
      return { value: value.dataSync()[0] ?? NaN, slopes: Array.from(grad.dataSync()) };
    };
    expect(of('iou', 0).value).toBeCloseTo(0, 6);
    expect(of('giou', 0).value).toBeCloseTo(0, 6);
    expect(of('giou', 1).value).toBeCloseTo(1 + (32 - 24) / 32, 5);
    expect(of('iou', 1).value).toBeCloseTo(-Math.log(1e-6), 4);
    for (const kind of ['iou', 'giou'] as const) for (const row of [0, 1, 2]) expect([of(kind, row).value, ...of(kind, row).slopes].every(Number.isFinite)).toBe(true);
  });
});
