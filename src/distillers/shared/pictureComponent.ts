import * as tf from '@tensorflow/tfjs';
import { asPlaces } from './maps.ts';

const ITERATIONS = 8;
/** Keeps the length of a map without variation above 0. */
const TINY = 1e-12;

/** Each image's map projected on the direction in which it varies most over places (power iteration), for pictures. @param x [N, H, W, C] @returns [N, H, W] */
export function leadingComponent(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, rows, columns, channels] = x.shape;
  const places = asPlaces(x);
  const centred = tf.sub<tf.Tensor3D>(places, tf.mean(places, 1, true));
  const spread = tf.matMul(centred, centred, true, false);
  const start = tf.reshape(tf.cos(tf.range(0, channels)), [1, channels, 1]);
  let direction = tf.tile(start, [batch, 1, 1]);
  for (let index = 0; index < ITERATIONS; index += 1) {
    const next = tf.matMul(spread, direction);
    direction = tf.div(next, tf.add(tf.sqrt(tf.sum(tf.square(next), 1, true)), TINY));
  }
  return tf.reshape(tf.matMul(centred, direction), [batch, rows, columns]);
}
