/** `torch.nn.Linear` and `torch.nn.LayerNorm` over the last dimension, for adapters that work on tokens instead of maps. */
import * as tf from '@tensorflow/tfjs';
import { standardize } from '../ops/standardize.ts';
import { type Initializer, type Parameters } from '../parameters.ts';
import { constant, pytorchBias, pytorchDefault, zeros } from './init.ts';

/** [..., I] in, [..., O] out. */
export type RowLayer = (x: tf.Tensor) => tf.Tensor;

export interface LinearOptions {
  readonly in: number;
  readonly out: number;
  readonly bias?: boolean;
  readonly init?: Initializer;
  readonly biasInit?: Initializer;
  readonly trainable?: boolean;
}

/** Makes `name.weight` (IO) and, unless `bias` is false, `name.bias`, with PyTorch's initial values. */
export function linear(parameters: Parameters, name: string, options: LinearOptions): RowLayer {
  const { trainable = true } = options;
  const weight = parameters.create(`${name}.weight`, [options.in, options.out], options.init ?? pytorchDefault, { layout: 'linear', trainable });
  const bias = options.bias === false ? undefined : parameters.create(`${name}.bias`, [options.out], options.biasInit ?? pytorchBias(options.in), { trainable });
  return (x) => {
    const y = timesMatrix(x, weight);
    return bias === undefined ? y : tf.add(y, bias);
  };
}

/** x · matrix over the last dimension. @param x [..., I] @param matrix [I, O] */
export function timesMatrix(x: tf.Tensor, matrix: tf.Tensor): tf.Tensor {
  const [inputs = 0, outputs = 0] = matrix.shape;
  return tf.reshape<tf.Rank>(tf.matMul(tf.reshape(x, [x.size / inputs, inputs]), matrix), [...x.shape.slice(0, -1), outputs]);
}

/** Makes `name.weight` and `name.bias`. */
export function layerNorm(parameters: Parameters, name: string, channels: number): RowLayer {
  const scale = parameters.create(`${name}.weight`, [channels], constant(1));
  const shift = parameters.create(`${name}.bias`, [channels], zeros);
  return (x) => tf.add(tf.mul(standardizeLast(x), scale), shift);
}

/** Mean 0 and (biased) variance 1 over the last dimension. */
export function standardizeLast(x: tf.Tensor): tf.Tensor {
  const channels = x.shape.at(-1) ?? 1;
  return tf.reshape<tf.Rank>(standardize(tf.reshape(x, [x.size / channels, channels])), x.shape);
}
