/**
 * Frozen batch norm on TensorFlow's plain kernels, which leave other things for the gradient than oneDNN's: as on ARM machines and GPUs.
 * A file of its own: which kernels there are is settled when TensorFlow is loaded.
 */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { startEngine } from '../../../src/engine/backend.ts';
import { batchNorm } from '../../../src/engine/layers/batchNorm.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';

beforeAll(async () => {
  process.env.TF_ENABLE_ONEDNN_OPTS = '0';
  await startEngine({ backend: 'auto' });
});

it('has the gradients of y = (x − μ) / √(σ² + ε) · γ + β', () => {
  const parameters = new Parameters(Random.of(3));
  const norm = batchNorm(parameters, 'bn', { channels: 2, statistics: 'frozen' });
  const variable = (name: string): tf.Variable => parameters.all().find((parameter) => parameter.name === `bn.${name}`)?.variable as tf.Variable;
  const [gamma, beta] = [variable('weight'), variable('bias')];
  gamma.assign(tf.tensor1d([1.5, -0.5]));
  variable('running_mean').assign(tf.tensor1d([0.25, -1]));
  variable('running_var').assign(tf.tensor1d([4, 0.25]));
  const x = tf.tensor4d([1, 2, -3, 0.5, 2, -1, 0, 4], [1, 2, 2, 2]);
  const weights = tf.tensor4d([1, -2, 0.5, 3, 2, 1, -1, 0.25], [1, 2, 2, 2]);
  const [dx, dGamma, dBeta] = tf.grads((input: tf.Tensor) => tf.sum(tf.mul(norm(input as tf.Tensor4D, { training: true, updates: [] }), weights)))([x, gamma, beta]);
  const factor = [0.25, -1].map((mean, channel) => ({ mean, inverse: 1 / Math.sqrt([4, 0.25][channel] as number + 1e-5), gamma: [1.5, -0.5][channel] as number }));
  const [values, upstream] = [[...x.dataSync()], [...weights.dataSync()]];
  const byChannel = (of: (index: number, channel: number) => number): number[] => [0, 1].map((channel) => values.reduce((sum, _, index) => (index % 2 === channel ? sum + of(index, channel) : sum), 0));
  const near = (got: tf.Tensor | undefined, expected: readonly number[]): void => { [...(got as tf.Tensor).dataSync()].forEach((value, index) => { expect(value).toBeCloseTo(expected[index] as number, 4); }); };
  near(dx, upstream.map((dy, index) => dy * (factor[index % 2]?.gamma ?? NaN) * (factor[index % 2]?.inverse ?? NaN)));
  near(dGamma, byChannel((index, channel) => (upstream[index] ?? NaN) * ((values[index] ?? NaN) - (factor[channel]?.mean ?? NaN)) * (factor[channel]?.inverse ?? NaN)));
  near(dBeta, byChannel((index) => upstream[index] ?? NaN));
});
