/** Boxes for pictures, found in the graph: the best of all levels, without those that a better one of the same class covers. */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits, type HeadOutputs } from '../../detectors/detector.ts';
import { boxIou } from '../../engine/ops/iou.ts';
import { at } from './maps.ts';

/** Candidates that are compared with each other. */
const CANDIDATES = 100;
/** Boxes with a lower score are not shown. */
const LEAST_SCORE = 0.3;
/** IoU above which the weaker box goes. */
const OVERLAP = 0.5;

/**
 * A box goes where any better one of its class overlaps it, even one that goes itself: simpler than greedy suppression, and without
 * a loop. @returns [N, R, 5], corners in input pixels and the score; all 0 where there is nothing to show
 */
export function bestBoxes({ logits, regression }: HeadOutputs, { boxCoding, classes }: DetectorTraits, size: readonly [number, number]): tf.Tensor3D {
  const batch = at(logits, 0).shape[0];
  if (boxCoding === undefined) return tf.zeros([batch, 1, 5]);
  const boxes = tf.concat(regression.map((map, level) => boxCoding.decode(map, level, size)), 1);
  const scores = tf.concat(logits.map((map) => tf.reshape<tf.Rank.R2>(map, [batch, map.size / batch])), 1);
  const pairs = scores.shape[1];
  const count = Math.min(CANDIDATES, pairs);
  const { values, indices } = tf.topk(scores, count, true);
  const anchors = tf.floorDiv(indices, tf.scalar(classes.length, 'int32'));
  const labels = tf.sub(indices, tf.mul(anchors, tf.scalar(classes.length, 'int32')));
  const first = tf.tensor2d(Int32Array.from({ length: batch }, (_, image) => (image * pairs) / classes.length), [batch, 1], 'int32');
  const taken = tf.gatherND(tf.reshape(boxes, [-1, 4]), tf.expandDims(tf.add(anchors, first), 2)) as tf.Tensor3D;
  const rivals = (x: tf.Tensor, width: number): [tf.Tensor, tf.Tensor] => [
    tf.tile(tf.reshape(x, [batch, count, 1, width]), [1, 1, count, 1]), tf.tile(tf.reshape(x, [batch, 1, count, width]), [1, count, 1, 1]),
  ];
  const covers = tf.cast(tf.greater(boxIou(...rivals(taken, 4)), OVERLAP), 'float32');
  const [own, other] = rivals(labels, 1);
  const same = tf.reshape(tf.cast(tf.equal(own, other), 'float32'), [batch, count, count]);
  // Candidates stand in order of score: the better ones are those before.
  const better = tf.tensor2d(Float32Array.from({ length: count * count }, (_, index) => (index % count < Math.floor(index / count) ? 1 : 0)), [count, count]);
  const covered = tf.max(tf.mul(tf.mul(covers, same), better), 2);
  const confidence = tf.sigmoid(values);
  const shown = tf.mul(tf.sub(1, covered), tf.cast(tf.greater(confidence, LEAST_SCORE), 'float32'));
  return tf.mul(tf.concat([taken, tf.expandDims(confidence, 2)], 2), tf.expandDims(shown, 2));
}
