/**
 * Group normalisation (Wu & He 2018) as `torch.nn.GroupNorm`, with its gradient written out: sums run over each channel's map
 * first, and only [N, C] numbers are regrouped, so that no big tensor is ever transposed.
 */
import * as tf from '@tensorflow/tfjs';
import { type Parameters } from '../parameters.ts';
import { type Layer } from './conv.ts';
import { constant, zeros } from './init.ts';
import { withGradient } from '../ops/gradient.ts';
import { at } from './native.ts';

const EPSILON = 1e-5;

export interface GroupNormOptions {
  readonly channels: number;
  readonly groups: number;
  readonly trainable?: boolean;
}

/** Makes `name.weight` and `name.bias`. */
export function groupNorm(parameters: Parameters, name: string, { channels, groups, trainable = true }: GroupNormOptions): Layer {
  if (channels % groups !== 0) throw new RangeError(`${channels} channels cannot be split into ${groups} groups`);
  const scale = parameters.create(`${name}.weight`, [channels], constant(1), { trainable });
  const offset = parameters.create(`${name}.bias`, [channels], zeros, { trainable });
  return (x) => normaliseGroups(x, scale, offset, groups);
}

/** The largest number of groups up to `wanted` that divides the channels. */
export function groupsFor(channels: number, wanted: number): number {
  let groups = Math.min(channels, wanted);
  while (channels % groups !== 0) groups -= 1;
  return groups;
}

/** y = (x − μ) / √(σ² + ε) · scale + offset, with μ, σ² over a group's channels and cells. @param x [N, H, W, C] */
export function normaliseGroups(x: tf.Tensor4D, scale: tf.Tensor, offset: tf.Tensor, groups: number): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  /** Mean over each group's channels, spread back: [N, C] → [N, 1, 1, C]. */
  const overGroup = (values: tf.Tensor): tf.Tensor => {
    const grouped = tf.mean(tf.reshape(values, [batch, groups, channels / groups]), 2, true);
    return tf.reshape(tf.tile(grouped, [1, 1, channels / groups]), [batch, 1, 1, channels]);
  };
  /** With d = x − μ, r = 1/σ: dx = r·γ·dy − d·r³·⟨γ·dy·d⟩ − r·⟨γ·dy⟩, where ⟨⟩ is the mean over the group. */
  function gradients(dy: tf.Tensor, centred: tf.Tensor, inverse: tf.Tensor, gamma: tf.Tensor): tf.Tensor[] {
    const cells = height * width;
    const sums = tf.sum(dy, [1, 2]);
    const products = tf.sum(tf.mul(dy, centred), [1, 2]);
    const meanGradient = overGroup(tf.div(tf.mul(sums, gamma), cells));
    const meanProduct = overGroup(tf.div(tf.mul(products, gamma), cells));
    const slope = tf.mul(meanProduct, tf.mul(inverse, tf.square(inverse)));
    const dx = tf.sub(tf.sub(tf.mul(dy, tf.mul(inverse, gamma)), tf.mul(centred, slope)), tf.mul(meanGradient, inverse));
    const dGamma = tf.sum(tf.mul(products, tf.reshape(inverse, [batch, channels])), 0);
    return [dx, dGamma, tf.sum(sums, 0)];
  }

  return withGradient<tf.Tensor4D>(
    [x, scale, offset],
    () => {
      const centred = tf.sub(x, overGroup(tf.mean(x, [1, 2])));
      const inverse = tf.rsqrt(tf.add(overGroup(tf.mean(tf.square(centred), [1, 2])), EPSILON));
      return { value: tf.add(tf.mul(centred, tf.mul(inverse, scale)), offset), saved: [centred, inverse, scale] };
    },
    (dy, saved) => gradients(dy, at(saved, 0), at(saved, 1), at(saved, 2)),
  );
}
