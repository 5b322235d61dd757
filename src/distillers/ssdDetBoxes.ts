/** Boxes in the graph, as SSD-Det needs them: coding, sampling from a window, merging by score. For constants; gradients are not asked of them. */
import * as tf from '@tensorflow/tfjs';

/** Deviations of the regressors' deltas. */
const DEVIATIONS = [0.1, 0.1, 0.2, 0.2];
/** Largest logarithm of a side's factor. */
const MOST = Math.log(1000 / 16);
/** Keeps quotients finite. */
const TINY = 1e-8;

interface Parts {
  /** [..., 2] */
  readonly centres: tf.Tensor;
  readonly sides: tf.Tensor;
}

function partsOf(boxes: tf.Tensor): Parts {
  const [starts, ends] = tf.split(boxes, 2, boxes.rank - 1) as [tf.Tensor, tf.Tensor];
  return { centres: tf.mul(tf.add(starts, ends), 0.5), sides: tf.sub(ends, starts) };
}

/** @param proposals [B, P, 4] @param boxes [B, 4], one for each bag @returns deltas [B, P, 4] */
export function encodeProposals(proposals: tf.Tensor3D, boxes: tf.Tensor2D): tf.Tensor3D {
  const [from, to] = [partsOf(proposals), partsOf(tf.expandDims(boxes, 1))];
  const sides = tf.maximum(from.sides, TINY);
  const deltas = tf.concat([tf.div(tf.sub(to.centres, from.centres), sides), tf.log(tf.div(tf.maximum(to.sides, TINY), sides))], 2);
  return tf.div<tf.Tensor3D>(deltas, tf.tensor1d(DEVIATIONS));
}

export function decodeProposals(proposals: tf.Tensor3D, deltas: tf.Tensor3D): tf.Tensor3D {
  const { centres, sides } = partsOf(proposals);
  const [moves, logarithms] = tf.split(tf.mul(deltas, tf.tensor1d(DEVIATIONS)), 2, 2) as [tf.Tensor, tf.Tensor];
  const middles = tf.add(centres, tf.mul(moves, sides));
  const halves = tf.mul(tf.mul(sides, tf.exp(tf.clipByValue(logarithms, -MOST, MOST))), 0.5);
  return tf.concat([tf.sub(middles, halves), tf.add(middles, halves)], 2) as tf.Tensor3D;
}

/** Corners held within the image. @param boxes [B, 4] @param limits [B, 4]: 0, 0, width, height */
export function clipBoxes(boxes: tf.Tensor2D, limits: tf.Tensor2D): tf.Tensor2D {
  const [low, high] = tf.split(limits, 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  return tf.minimum(tf.maximum(boxes, tf.concat([low, low], 1)), tf.concat([high, high], 1));
}

/** Part of each proposal's area that lies in the image, [B, P]. */
export function insideShare(proposals: tf.Tensor3D, limits: tf.Tensor2D): tf.Tensor2D {
  const [starts, ends] = tf.split(proposals, 2, 2) as [tf.Tensor, tf.Tensor];
  const [low, high] = tf.split(tf.expandDims(limits, 1), 2, 2) as [tf.Tensor, tf.Tensor];
  const seen = tf.prod(tf.relu(tf.sub(tf.minimum(ends, high), tf.maximum(starts, low))), 2);
  return tf.div(seen, tf.maximum(tf.prod(tf.relu(tf.sub(ends, starts)), 2), TINY));
}

/**
 * Bilinear samples in the middle of each bin, as a matrix over a window's cells; nothing lies outside the window.
 * @param proposals [B, P, 4] @param boxes [B, 4], in the middle of windows `times` as large @param axis 0: x, 1: y @param bins G
 * @returns [B, P, G, times · G]
 */
export function sampleMatrix(proposals: tf.Tensor3D, boxes: tf.Tensor2D, axis: 0 | 1, times: number, bins: number): tf.Tensor4D {
  const [count, own] = proposals.shape;
  const cells = times * bins;
  const edge = (index: number): tf.Tensor => tf.reshape(tf.slice(proposals, [0, 0, index], [-1, -1, 1]), [count, own, 1]);
  const border = (index: number): tf.Tensor => tf.reshape(tf.slice(boxes, [0, index], [-1, 1]), [count, 1, 1]);
  const [start, end, from, to] = [edge(axis), edge(axis + 2), border(axis), border(axis + 2)];
  const side = tf.maximum(tf.sub(to, from), TINY);
  const middles = tf.tensor3d(Float32Array.from({ length: bins }, (_, bin) => (bin + 0.5) / bins), [1, 1, bins]);
  const places = tf.add(start, tf.mul(tf.sub(end, start), middles));
  // The window begins (times − 1) / 2 sides before the box, and a side of the box is `bins` cells.
  const positions = tf.sub(tf.mul(tf.add(tf.div(tf.sub(places, from), side), (times - 1) / 2), bins), 0.5);
  const distances = tf.abs(tf.sub(tf.expandDims(positions, 3), tf.reshape(tf.range(0, cells), [1, 1, 1, cells])));
  return tf.relu(tf.sub<tf.Tensor4D>(1, distances));
}

/** The best proposals of each bag with their shares of the sum. @param proposals [B, P, 4] @param scores [B, P], not negative @returns [B, k, 5] */
export function bestProposals(proposals: tf.Tensor3D, scores: tf.Tensor2D, top: number): tf.Tensor3D {
  const [bags, count] = scores.shape;
  const { values, indices } = tf.topk(scores, Math.min(top, count), true);
  const first = tf.tensor2d(Int32Array.from({ length: bags }, (_, bag) => bag * count), [bags, 1], 'int32');
  const taken = tf.gatherND(tf.reshape(proposals, [bags * count, 4]), tf.expandDims(tf.add(indices, first), 2));
  const shares = tf.div(values, tf.maximum(tf.sum(values, 1, true), 1e-12));
  return tf.concat([taken, tf.expandDims(shares, 2)], 2) as tf.Tensor3D;
}

/** Mean of boxes by their shares, [B, 4]. @param merged [B, k, 5] */
export function meanBoxes(merged: tf.Tensor3D): tf.Tensor2D {
  const [boxes, shares] = tf.split(merged, [4, 1], 2) as [tf.Tensor, tf.Tensor];
  return tf.sum(tf.mul(boxes, shares), 1);
}

/** Each bag's values stretched to 0 … 1; 1 where all are the same. @param values [B, P] */
export function stretched(values: tf.Tensor2D): tf.Tensor2D {
  const [least, most] = [tf.min(values, 1, true), tf.max(values, 1, true)];
  const range = tf.sub(most, least);
  const flat = tf.cast(tf.lessEqual(range, 1e-12), 'float32');
  return tf.add(tf.div(tf.mul(tf.sub(values, least), tf.sub(1, flat)), tf.maximum(range, 1e-12)), flat);
}
