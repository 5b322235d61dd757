/** PGD's losses of one level, from the two towers' features and the level's weight maps. */
import * as tf from '@tensorflow/tfjs';
import { absolute } from '../engine/ops/absolute.ts';
import { detached } from '../engine/ops/gradient.ts';
import { attentionOf, cellAttention } from './shared/attention.ts';

/** One tower's features of both networks, [N, P, C]. */
export interface Pair {
  readonly student: tf.Tensor3D;
  readonly teacher: tf.Tensor3D;
}

/** [N, P] each, not yet divided by anything; no gradient. */
export interface LevelMaps {
  readonly classification: tf.Tensor;
  readonly box: tf.Tensor;
  readonly background: tf.Tensor;
}

export interface LevelOptions {
  readonly temperature: number;
  readonly maskBroadcast: 'corrected' | 'official';
}

/** Before their weights. */
export interface LevelLosses {
  readonly foreground: tf.Scalar;
  readonly background: tf.Scalar;
  readonly attention: tf.Scalar;
  readonly box: tf.Scalar;
  readonly boxAttention: tf.Scalar;
}

const LEAST = 1e-10;

export function levelLosses(classification: Pair, regression: Pair, maps: LevelMaps, { temperature, maskBroadcast }: LevelOptions): LevelLosses {
  const [batch, places] = classification.student.shape;
  // A^T, out of reach of gradients.
  const spatial = detached(() => attentionOf(classification.teacher, temperature).spatial);
  const [classChannels, boxChannels] = [channelsOf(classification, temperature), channelsOf(regression, temperature)];
  const errors = tf.mul(weighedSquares(classification, classChannels.teacher), spatial);
  const weighed = (mask: tf.Tensor): tf.Scalar => tf.mul(tf.sum(tf.mul(errors, shared(mask, maskBroadcast))), 1 / batch);
  const chosen = tf.cast(tf.notEqual(maps.box, 0), 'float32');
  const perCell = tf.div(1, tf.maximum(tf.sum(chosen), 1));
  const ownSpatial = attentionOf(classification.student, temperature).spatial;
  return {
    foreground: weighed(maps.classification),
    background: weighed(maps.background),
    attention: tf.add<tf.Scalar>(tf.mul(tf.sum(channelGaps(classChannels)), 1 / (batch * places)), tf.mul(tf.sum(absolute(tf.sub(ownSpatial, spatial))), 1 / batch)),
    box: tf.mul<tf.Scalar>(tf.sum(tf.mul(weighedSquares(regression, boxChannels.teacher), maps.box)), tf.mul(perCell, 1 / regression.student.shape[2])),
    boxAttention: tf.mul<tf.Scalar>(tf.sum(tf.mul(channelGaps(boxChannels), chosen)), perCell),
  };
}

/** C of both networks; the teacher's is out of reach of gradients. */
function channelsOf({ student, teacher }: Pair, temperature: number): Pair {
  return { student: cellAttention(student, temperature), teacher: detached(() => cellAttention(teacher, temperature)) };
}

/** Σ_c (S − T)² · C^T, [N, P]. */
function weighedSquares({ student, teacher }: Pair, channels: tf.Tensor3D): tf.Tensor2D {
  return tf.sum(tf.mul(tf.square(tf.sub(student, detached(() => tf.clone(teacher)))), channels), 2);
}

/** Σ_c |C^S − C^T|, [N, P]. */
function channelGaps({ student, teacher }: Pair): tf.Tensor2D {
  return tf.sum(absolute(tf.sub(student, teacher)), 2);
}

/** Each image's mask over the number of its cells that count; by the official code every image is weighed by the sum of all of them. */
function shared(mask: tf.Tensor, broadcast: LevelOptions['maskBroadcast']): tf.Tensor {
  const counted = tf.sum(tf.cast(tf.notEqual(mask, 0), 'float32'), 1, true);
  const own = tf.div(mask, tf.maximum(counted, LEAST));
  return broadcast === 'official' ? tf.sum(own, 0, true) : own;
}
