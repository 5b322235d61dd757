/** Where a network looks (Zagoruyko & Komodakis 2017, as FGD and others scale it): softmax of mean absolute activations over places and over channels. */
import * as tf from '@tensorflow/tfjs';
import { absolute, absoluteMeans } from '../../engine/ops/absolute.ts';

export interface Attention {
  /** A^S, mean 1 over places, [N, H·W]. */
  readonly spatial: tf.Tensor2D;
  /** A^C, mean 1 over channels, [N, C]. */
  readonly channel: tf.Tensor2D;
}

/** @param x [N, P, C] @param temperature divides the means before the softmax; differentiable */
export function attentionOf(x: tf.Tensor3D, temperature: number): Attention {
  const [, places, channels] = x.shape;
  const means = absoluteMeans(x);
  return {
    spatial: tf.mul(tf.softmax(tf.mul(means.ofPlaces, 1 / temperature)), places),
    channel: tf.mul(tf.softmax(tf.mul(means.ofChannels, 1 / temperature)), channels),
  };
}

/** Which channels speak at each place by itself: C · softmax over channels of |x| / τ, mean 1 over channels, [N, P, C]. @param x [N, P, C] */
export function cellAttention(x: tf.Tensor3D, temperature: number): tf.Tensor3D {
  return tf.mul(tf.softmax(tf.mul(absolute(x), 1 / temperature)), x.shape[2]);
}
