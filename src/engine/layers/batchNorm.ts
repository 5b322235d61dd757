/**
 * Batch normalisation (Ioffe & Szegedy 2015) as `torch.nn.BatchNorm2d`: batches are normalised with their biased variance,
 * the running variance follows the unbiased one.
 */
import * as tf from '@tensorflow/tfjs';
import { detached } from '../ops/gradient.ts';
import { type Parameters } from '../parameters.ts';
import { constant, zeros } from './init.ts';
import { at, isNative, nativeBackend, pick, registerNative, runNative, typeAttribute, type NativeAttribute, type NativeBackend } from './native.ts';

const FUSED = 'DistillBatchNorm';
const EPSILON = 1e-5;
const MOMENTUM = 0.1;

function attributes(backend: NativeBackend, training: boolean): NativeAttribute[] {
  const { binding } = backend;
  return [
    typeAttribute(backend), typeAttribute(backend, 'U'),
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: EPSILON },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: training },
  ];
}

registerNative({
  name: FUSED,
  run: (backend, inputs, { training }) => {
    const factor: NativeAttribute = { name: 'exponential_avg_factor', type: backend.binding.TF_ATTR_FLOAT, value: training === true ? MOMENTUM : 1 };
    const operands = ['x', 'scale', 'offset', 'mean', 'variance'].map((name) => pick(inputs, name));
    return backend.executeMultipleOutputs('FusedBatchNormV3', [...attributes(backend, training === true), factor], operands, 6);
  },
  saveInputs: ['x', 'scale', 'mean', 'variance'],
  saveOutputs: [false, false, false, true, true, true],
  gradient: (dy, [x, scale, mean, variance, batchMean, batchVariance, rest], { training }) => {
    const backend = nativeBackend();
    // What the forward kernel leaves of running values differs from device to device (oneDNN repeats them, others leave it undefined).
    const statistics = training === true ? [batchMean, batchVariance] : [mean, variance];
    const operands = [dy, x, scale, ...statistics, rest].filter((tensor) => tensor !== undefined);
    const gradients = backend.executeMultipleOutputs('FusedBatchNormGradV3', attributes(backend, training === true), operands, 5);
    // Running values are no inputs of the loss; tfjs asks for their gradients only if somebody differentiates by them.
    const none = tf.zerosLike(at(gradients, 1));
    return { x: at(gradients, 0), scale: at(gradients, 1), offset: at(gradients, 2), mean: none, variance: none };
  },
});

/** How a norm is applied in one forward pass; `updates` receives [running value, its new value]. */
export interface NormMode {
  readonly training: boolean;
  readonly updates: (readonly [tf.Variable, tf.Tensor])[];
}

export type NormLayer = (x: tf.Tensor4D, mode: NormMode) => tf.Tensor4D;

export interface BatchNormOptions {
  readonly channels: number;
  /** `batch` uses the batch's statistics in training; `frozen` always uses the running values. */
  readonly statistics: 'batch' | 'frozen';
  /** Whether scale and offset learn. */
  readonly trainable?: boolean;
}

/**
 * Makes `name.weight`, `name.bias`, `name.running_mean`, `name.running_var`.
 * New running values are kept (`tf.keep`): who runs the step assigns and disposes them.
 */
export function batchNorm(parameters: Parameters, name: string, { channels, statistics, trainable = true }: BatchNormOptions): NormLayer {
  const scale = parameters.create(`${name}.weight`, [channels], constant(1), { trainable });
  const offset = parameters.create(`${name}.bias`, [channels], zeros, { trainable });
  const mean = parameters.create(`${name}.running_mean`, [channels], zeros, { trainable: false });
  const variance = parameters.create(`${name}.running_var`, [channels], constant(1), { trainable: false });
  return (x, mode) => {
    const training = mode.training && statistics === 'batch';
    const [runningMean, runningVariance] = [latest(mean, mode), latest(variance, mode)];
    const result = isNative() ? fused(x, scale, offset, runningMean, runningVariance, training) : composed(x, scale, offset, runningMean, runningVariance, training);
    if (training) {
      renew(mean, result.mean, mode);
      renew(variance, result.variance, mode);
    }
    return result.y;
  };
}

/** A running value after the passes that this step has done already: a second pass goes on from the first one's. */
function latest(variable: tf.Variable, { updates }: NormMode): tf.Tensor {
  const held = updates.find(([owner]) => owner === variable)?.[1];
  return held === undefined ? variable : detached(() => tf.clone(held));
}

function renew(variable: tf.Variable, value: tf.Tensor, { updates }: NormMode): void {
  const index = updates.findIndex(([owner]) => owner === variable);
  if (index < 0) {
    updates.push([variable, tf.keep(value)]);
    return;
  }
  updates[index]?.[1].dispose();
  updates[index] = [variable, tf.keep(value)];
}

interface Normalised {
  readonly y: tf.Tensor4D;
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

function fused(x: tf.Tensor4D, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, training: boolean): Normalised {
  const outputs = runNative(FUSED, { x, scale, offset, mean, variance }, { training });
  return { y: at(outputs, 0) as tf.Tensor4D, mean: at(outputs, 1), variance: at(outputs, 2) };
}

function composed(x: tf.Tensor4D, scale: tf.Tensor, offset: tf.Tensor, mean: tf.Tensor, variance: tf.Tensor, training: boolean): Normalised {
  if (!training) return { y: normalise(x, mean, variance, scale, offset), mean, variance };
  const [batchMean, batchVariance] = [tf.mean(x, [0, 1, 2]), tf.mean(tf.square(tf.sub(x, tf.mean(x, [0, 1, 2], true))), [0, 1, 2])];
  const count = x.size / x.shape[3];
  return {
    y: normalise(x, batchMean, batchVariance, scale, offset),
    mean: tf.add(tf.mul(mean, 1 - MOMENTUM), tf.mul(batchMean, MOMENTUM)),
    variance: tf.add(tf.mul(variance, 1 - MOMENTUM), tf.mul(batchVariance, (MOMENTUM * count) / Math.max(1, count - 1))),
  };
}

function normalise(x: tf.Tensor4D, mean: tf.Tensor, variance: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor4D {
  const factor = tf.mul(scale, tf.rsqrt(tf.add(variance, EPSILON)));
  return tf.add(tf.mul(tf.sub(x, mean), factor), offset);
}

/** The norm's numbers as a convolution's: weight · factor, bias = shift. In doubles. */
export function foldBatchNorm(weight: ArrayLike<number>, bias: ArrayLike<number>, mean: ArrayLike<number>, variance: ArrayLike<number>): { factor: Float64Array; shift: Float64Array } {
  const factor = Float64Array.from(weight, (value, channel) => value / Math.sqrt((variance[channel] ?? 0) + EPSILON));
  const shift = Float64Array.from(bias, (value, channel) => value - (mean[channel] ?? 0) * (factor[channel] ?? 0));
  return { factor, shift };
}

