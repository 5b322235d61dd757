/** FKD's non-local block (Wang et al. 2018, dot product, pooled): each place gathers from all others by how they relate to it. */
import * as tf from '@tensorflow/tfjs';
import { conv2d, type Layer } from '../engine/layers/conv.ts';
import { pytorchBias, zeros } from '../engine/layers/init.ts';
import { standardize } from '../engine/ops/standardize.ts';
import { type Parameters } from '../engine/parameters.ts';
import { asPlaces } from './shared/maps.ts';

export interface NonLocalBlock {
  /** x and what each place gathers. @param x [N, H, W, C] */
  apply(x: tf.Tensor4D): tf.Tensor4D;
  /** How the middle place relates to all pooled places, [N, H / pooling, W / pooling], of any sign. */
  relation(x: tf.Tensor4D): tf.Tensor3D;
}

export interface NonLocalOptions {
  readonly channels: number;
  /** The block works on channels / reduction. */
  readonly reduction: number;
  readonly pooling: number;
  readonly trainable: boolean;
}

/** Makes `<name>.theta`, `.phi`, `.g`, `.W` (1×1 convolutions with bias) and `.norm`, whose scale and offset start at 0: the block starts as the identity. */
export function nonLocalBlock(parameters: Parameters, name: string, { channels, reduction, pooling, trainable }: NonLocalOptions): NonLocalBlock {
  const inner = Math.max(1, Math.floor(channels / reduction));
  const convolution = (part: string, from: number, to: number): Layer => conv2d(parameters, `${name}.${part}`, { in: from, out: to, kernel: 1, biasInit: pytorchBias(from), trainable });
  const [theta, phi, g, expand] = [convolution('theta', channels, inner), convolution('phi', channels, inner), convolution('g', channels, inner), convolution('W', inner, channels)];
  const scale = parameters.create(`${name}.norm.weight`, [channels], zeros, { trainable });
  const offset = parameters.create(`${name}.norm.bias`, [channels], zeros, { trainable });
  const pool = (x: tf.Tensor4D): tf.Tensor4D => {
    // A map smaller than the window is one window.
    const window = Math.min(pooling, x.shape[1], x.shape[2]);
    return window === 1 ? x : tf.maxPool(x, window, window, 'valid');
  };
  return {
    apply: (x) => {
      const [batch, rows, columns] = x.shape;
      const keys = asPlaces(pool(phi(x)));
      // (θ φᵀ) g = θ (φᵀ g): without a softmax between them the relation of all places to all need not be held.
      const context = tf.mul(tf.matMul(keys, asPlaces(pool(g(x))), true), 1 / keys.shape[1]);
      const gathered = expand(tf.reshape(tf.matMul(asPlaces(theta(x)), context), [batch, rows, columns, inner]));
      // Batch norm by the batch's own statistics; nothing reads running ones.
      const normed = standardize(tf.reshape(gathered, [batch * rows * columns, channels]), 1e-5, 0);
      return tf.add(x, tf.reshape(tf.add(tf.mul(normed, scale), offset), x.shape));
    },
    relation: (x) => {
      const [batch, rows, columns] = x.shape;
      const keys = pool(phi(x));
      const middle = tf.slice(theta(x), [0, Math.floor(rows / 2), Math.floor(columns / 2), 0], [batch, 1, 1, inner]);
      return tf.mul(tf.sum<tf.Tensor3D>(tf.mul(keys, middle), 3), 1 / (keys.shape[1] * keys.shape[2]));
    },
  };
}
