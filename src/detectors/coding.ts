/** The three ways in which detectors write boxes, decoded in the graph. The host's own decoding of detections is in `boxCoder.ts`. */
import * as tf from '@tensorflow/tfjs';
import { type DeltaCoding, type DistanceCoding, type DistributionCoding } from './detector.ts';

type Size = readonly [height: number, width: number];

interface Layout {
  /** Number of anchors (or points) of each level. */
  readonly perLevel: (size: Size) => readonly number[];
}

/** Deltas of anchors: centre moves in anchor sides, logarithms of the ratio of sides. */
export function deltaCoding({ anchors, deviations, limits, perLevel }: Omit<DeltaCoding, 'form' | 'decode'> & Layout): DeltaCoding {
  return {
    form: 'deltas', anchors, deviations, limits,
    decode: (regression, level, size) => {
      const deltas = tf.mul<tf.Tensor3D>(flatten(regression, 4), tf.tensor1d([...deviations]));
      const own = rowsOf(anchors(size), perLevel(size), level, 4);
      const [moves, logarithms] = tf.split(deltas, 2, 2) as [tf.Tensor3D, tf.Tensor3D];
      const sides = pairs(own.map(([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => [x2 - x1, y2 - y1]));
      const centres = tf.add(pairs(own.map(([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => [(x1 + x2) / 2, (y1 + y2) / 2])), tf.mul(moves, sides));
      const halves = tf.mul(tf.exp(tf.clipByValue(logarithms, limits.least, limits.most)), tf.mul(sides, 0.5));
      return tf.concat([tf.sub(centres, halves), tf.add(centres, halves)], 2) as tf.Tensor3D;
    },
  };
}

/** Distances from points. @param unit pixels of one unit of distance at a level */
export function distanceCoding({ points, perLevel, unit }: Omit<DistanceCoding, 'form' | 'decode'> & Layout & { readonly unit: (level: number) => number }): DistanceCoding {
  return {
    form: 'distances', points,
    decode: (regression, level, size) => aroundPoints(tf.mul(flatten(regression, 4), unit(level)), rowsOf(points(size), perLevel(size), level, 2)),
  };
}

/** Distributions of distances from the centres of square anchors (Li et al., Generalized Focal Loss, NeurIPS 2020, equation 5). */
export function distributionCoding({ anchors, bins, perLevel, strides }: Omit<DistributionCoding, 'form' | 'decode'> & Layout & { readonly strides: readonly number[] }): DistributionCoding {
  return {
    form: 'distribution', anchors, bins,
    decode: (regression, level, size) => {
      const stride = strides[level];
      if (stride === undefined) throw new RangeError(`no level ${level} of ${strides.length}`);
      const centres = rowsOf(anchors(size), perLevel(size), level, 4).map(([x1 = 0, y1 = 0, x2 = 0, y2 = 0]) => [(x1 + x2) / 2, (y1 + y2) / 2]);
      return aroundPoints(tf.mul(meanDistances(flatten(regression, 4 * bins), bins), stride), centres);
    },
  };
}

/** Mean distance of each side in bins. @param logits [N, A, 4·bins] @returns [N, A, 4] */
export function meanDistances(logits: tf.Tensor3D, bins: number): tf.Tensor3D {
  const [batch, anchors] = logits.shape;
  const probabilities = tf.softmax(tf.reshape(logits, [batch * anchors * 4, bins]));
  return tf.reshape(tf.matMul(probabilities, tf.range(0, bins).reshape([bins, 1])), [batch, anchors, 4]);
}

/** @param distances left, top, right, bottom in pixels, [N, P, 4] */
function aroundPoints(distances: tf.Tensor, points: readonly (readonly number[])[]): tf.Tensor3D {
  const centres = pairs(points.map(([x = 0, y = 0]) => [x, y]));
  const [before, after] = tf.split(distances, 2, 2) as [tf.Tensor, tf.Tensor];
  return tf.concat([tf.sub(centres, before), tf.add(centres, after)], 2) as tf.Tensor3D;
}

/** [N, H, W, A·D] → [N, H·W·A, D]. */
function flatten(map: tf.Tensor4D, depth: number): tf.Tensor3D {
  return tf.reshape(map, [map.shape[0], map.size / map.shape[0] / depth, depth]);
}

/** The rows of one level, in doubles. */
function rowsOf(all: Float32Array, perLevel: readonly number[], level: number, width: number): number[][] {
  const from = perLevel.slice(0, level).reduce((sum, count) => sum + count, 0);
  return Array.from({ length: perLevel[level] ?? 0 }, (_, index) => [...all.subarray((from + index) * width, (from + index + 1) * width)]);
}

/** [1, P, 2]. */
function pairs(values: readonly (readonly number[])[]): tf.Tensor3D {
  return tf.tensor3d(Float32Array.from(values.flat()), [1, values.length, 2]);
}
