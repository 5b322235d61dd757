/** Overlap of boxes in the graph, pair by pair and differentiable. Corners x1, y1, x2, y2 in the last dimension. */
import * as tf from '@tensorflow/tfjs';
import { larger, smaller } from './extremes.ts';

/** Least union and least enclosing area, as MMDetection clamps them: a box without area gives a loss without NaN. */
const LEAST_AREA = 1e-6;

export interface Overlap {
  /** Intersection over union, 0 … 1. */
  readonly iou: tf.Tensor;
  /** Generalised IoU (Rezatofighi et al. 2019): IoU less the share of the enclosing box that neither covers, −1 … 1. */
  readonly giou: tf.Tensor;
}

/** @param a [..., 4] @param b of the same shape @returns [...] */
export function boxIou(a: tf.Tensor, b: tf.Tensor, least = LEAST_AREA): tf.Tensor {
  return intersectAndUnite(a, b, least).iou;
}

/** @param a [..., 4] @param b of the same shape @returns [...] each */
export function boxOverlap(a: tf.Tensor, b: tf.Tensor, least = LEAST_AREA): Overlap {
  const { iou, union } = intersectAndUnite(a, b, least);
  const enclosing = tf.maximum(product(tf.sub(larger(ends(a), ends(b)), smaller(starts(a), starts(b)))), least);
  return { iou, giou: tf.sub(iou, tf.div(tf.sub(enclosing, union), enclosing)) };
}

function intersectAndUnite(a: tf.Tensor, b: tf.Tensor, least: number): { iou: tf.Tensor; union: tf.Tensor } {
  const shared = product(tf.relu(tf.sub(smaller(ends(a), ends(b)), larger(starts(a), starts(b)))));
  const union = tf.maximum(tf.sub(tf.add(area(a), area(b)), shared), least);
  return { iou: tf.div(shared, union), union };
}

function starts(boxes: tf.Tensor): tf.Tensor {
  return corner(boxes, 0);
}

function ends(boxes: tf.Tensor): tf.Tensor {
  return corner(boxes, 2);
}

function corner(boxes: tf.Tensor, first: number): tf.Tensor {
  return tf.slice(boxes, [...boxes.shape.slice(0, -1).map(() => 0), first], [...boxes.shape.slice(0, -1), 2]);
}

function area(boxes: tf.Tensor): tf.Tensor {
  return product(tf.sub(ends(boxes), starts(boxes)));
}

/** Width · height of sides [..., 2]. */
function product(sides: tf.Tensor): tf.Tensor {
  const [width, height] = tf.unstack(sides, sides.rank - 1);
  return tf.mul(width as tf.Tensor, height as tf.Tensor);
}
