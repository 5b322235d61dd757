/** |x| as the reference code differentiates it: with a gradient of 0 at 0, where tfjs's own is −1. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

export function absolute<T extends tf.Tensor>(x: T): T {
  return withGradient([x], () => ({ value: tf.abs(x), saved: [x] }), (gradient, [kept]) => [tf.mul(gradient, tf.sign(kept as T))]);
}

export interface AbsoluteMeans {
  /** Mean of |x| over channels, [N, P]. */
  readonly ofPlaces: tf.Tensor2D;
  /** Mean of |x| over places, [N, C]. */
  readonly ofChannels: tf.Tensor2D;
}

/** Both means of |x| at once, for x [N, P, C]: the backward pass reads the map once. */
export function absoluteMeans(x: tf.Tensor3D): AbsoluteMeans {
  const [batch, places, channels] = x.shape;
  const both = withGradient([x], () => {
    const size = tf.abs(x);
    return { value: tf.concat([tf.mean<tf.Tensor2D>(size, 2), tf.mean<tf.Tensor2D>(size, 1)], 1), saved: [x] };
  }, (gradient, [kept]) => {
    const ofPlaces = tf.reshape(tf.slice(gradient, [0, 0], [batch, places]), [batch, places, 1]);
    const ofChannels = tf.reshape(tf.slice(gradient, [0, places], [batch, channels]), [batch, 1, channels]);
    const slope = tf.add(tf.mul(ofPlaces, 1 / channels), tf.mul(ofChannels, 1 / places));
    return [tf.mul(slope, tf.sign(kept as tf.Tensor3D))];
  });
  return { ofPlaces: tf.slice2d(both, [0, 0], [batch, places]), ofChannels: tf.slice2d(both, [0, places], [batch, channels]) };
}
