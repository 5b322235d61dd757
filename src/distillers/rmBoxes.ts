/** RM over localisation: how well each candidate's decoded box fits its object. */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type BatchTruth } from './distiller.ts';
import { at } from './maps.ts';

/** A box of each slot, [N, A, 4]: that of its object; outside the candidates a unit box, so that no quotient is 0 / 0. */
export function objectBoxInputs({ truth, assignments }: BatchTruth): HostTensors {
  const anchors = at(assignments, 0).length;
  const boxes = new Float32Array(truth.length * anchors * 4);
  truth.forEach((image, index) => {
    at(assignments, index).forEach((object, slot) => {
      boxes.set(object > 0 ? at(image.boxes, object - 1) : [0, 0, 1, 1], (index * anchors + slot) * 4);
    });
  });
  return { boxes: float32([truth.length, anchors, 4], boxes) };
}

/**
 * @param regression [N, H, W, A·4] by level.
 * @returns corners [N, all anchors, 4].
 */
export function decodeBoxes(regression: readonly tf.Tensor4D[], coding: BoxCoding, inputSize: readonly [number, number]): tf.Tensor3D {
  const flat = regression.map((level) => tf.reshape<tf.Rank.R3>(level, [level.shape[0], level.size / level.shape[0] / 4, 4]));
  const deltas = tf.mul<tf.Tensor3D>(tf.concat(flat, 1), tf.tensor1d([...coding.deviations]));
  const [x, y, width, height] = centres(coding.anchors(inputSize));
  const [dx, dy, dw, dh] = tf.split(deltas, 4, 2);
  const grow = (logarithm: tf.Tensor | undefined, side: tf.Tensor): tf.Tensor =>
    tf.mul(tf.exp(tf.clipByValue(logarithm as tf.Tensor, coding.limits.least, coding.limits.most)), tf.mul(side, 0.5));
  const [cx, cy] = [tf.add(x, tf.mul(dx as tf.Tensor, width)), tf.add(y, tf.mul(dy as tf.Tensor, height))];
  const [halfWidth, halfHeight] = [grow(dw, width), grow(dh, height)];
  return tf.concat([tf.sub(cx, halfWidth), tf.sub(cy, halfHeight), tf.add(cx, halfWidth), tf.add(cy, halfHeight)], 2) as tf.Tensor3D;
}

/** Centre and sides of the anchors, each [1, A, 1]; made in doubles. */
function centres(anchors: Float32Array): [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor] {
  const count = anchors.length / 4;
  const column = (value: (x1: number, y1: number, x2: number, y2: number) => number): tf.Tensor =>
    tf.tensor(Float32Array.from({ length: count }, (_, index) => value(...(anchors.subarray(index * 4, index * 4 + 4) as unknown as [number, number, number, number]))), [1, count, 1]);
  return [column((x1, _, x2) => (x1 + x2) / 2), column((_, y1, __, y2) => (y1 + y2) / 2), column((x1, _, x2) => x2 - x1), column((_, y1, __, y2) => y2 - y1)];
}

/** Intersection over union, box by box. @param a [N, A, 4] @param b the same. @returns [N, A]. */
export function boxIou(a: tf.Tensor3D, b: tf.Tensor3D): tf.Tensor2D {
  const start = tf.maximum<tf.Tensor3D>(tf.slice3d(a, [0, 0, 0], [-1, -1, 2]), tf.slice3d(b, [0, 0, 0], [-1, -1, 2]));
  const end = tf.minimum<tf.Tensor3D>(tf.slice3d(a, [0, 0, 2], [-1, -1, 2]), tf.slice3d(b, [0, 0, 2], [-1, -1, 2]));
  const shared = product(tf.relu(tf.sub<tf.Tensor3D>(end, start)));
  const union = tf.sub(tf.add(areas(a), areas(b)), shared);
  return tf.div(shared, tf.maximum(union, 1e-6));
}

function areas(boxes: tf.Tensor3D): tf.Tensor2D {
  return product(tf.sub<tf.Tensor3D>(tf.slice3d(boxes, [0, 0, 2], [-1, -1, 2]), tf.slice3d(boxes, [0, 0, 0], [-1, -1, 2])));
}

/** Width · height of sides [N, A, 2]. */
function product(sides: tf.Tensor3D): tf.Tensor2D {
  const [width, height] = tf.unstack(sides, 2);
  return tf.mul(width as tf.Tensor2D, height as tf.Tensor2D);
}
