/**
 * A network's own detections as regions for a method: the best of each level in the graph (`observe`), suppression on the host.
 * They carry no gradient.
 */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits, type HeadOutputs } from '../../detectors/detector.ts';
import { suppress } from '../../detectors/nms.ts';
import { type Box, type Detection } from '../../engine/boxes.ts';
import { type HostTensors } from '../../engine/hostTensor.ts';
import { at } from './maps.ts';

/** (anchor, class) pairs that go on from each level. */
const TOP = 1000;

/** @returns `scores` [N, Σk], `labels` [N, Σk] int32, `boxes` [N, Σk, 4] corners in input pixels, not clipped; k = min(1000, all) of each level */
export function candidateBoxes({ logits, regression, centerness }: HeadOutputs, { boxCoding, classes }: DetectorTraits, size: readonly [number, number]): Record<'scores' | 'labels' | 'boxes', tf.Tensor> {
  if (boxCoding === undefined) throw new Error('regions from detections need a box coding');
  const count = tf.scalar(classes.length, 'int32');
  const levels = logits.map((map, level) => {
    const [batch] = map.shape;
    const pairs = map.size / batch;
    const { values, indices } = tf.topk(tf.reshape(map, [batch, pairs]), Math.min(TOP, pairs), true);
    const anchors = tf.floorDiv(indices, count);
    const taken = (rows: tf.Tensor, width: number): tf.Tensor => rowsAt(tf.reshape<tf.Rank.R3>(rows, [batch, pairs / classes.length, width]), anchors);
    const centre = centerness?.[level];
    const scores = tf.sigmoid(values);
    return {
      scores: centre === undefined ? scores : tf.mul(scores, tf.sigmoid(tf.reshape<tf.Rank>(taken(centre, 1), scores.shape))),
      labels: tf.sub(indices, tf.mul(anchors, count)),
      boxes: taken(boxCoding.decode(at(regression, level), level, size), 4),
    };
  });
  return {
    scores: tf.concat(levels.map(({ scores }) => scores), 1), labels: tf.concat(levels.map(({ labels }) => labels), 1), boxes: tf.concat(levels.map(({ boxes }) => boxes), 1),
  };
}

/** Row `indexes[n, k]` of each image. By `gatherND` over flat rows: `tf.gather` cannot be captured. */
function rowsAt(values: tf.Tensor3D, indexes: tf.Tensor): tf.Tensor {
  const [batch, rows, width] = values.shape;
  const first = tf.tensor2d(Int32Array.from({ length: batch }, (_, image) => image * rows), [batch, 1], 'int32');
  return tf.gatherND(tf.reshape(values, [batch * rows, width]), tf.expandDims(tf.add(indexes, first), 2));
}

/** The best `most` of each image after suppression within each class, best first; none where nothing was observed. */
export function bestDetections({ scores, labels, boxes }: HostTensors, images: number, { nms, most }: { readonly nms: number; readonly most: number }): Detection[][] {
  if (scores === undefined || labels === undefined || boxes === undefined) return Array.from({ length: images }, () => []);
  const count = scores.data.length / images;
  return Array.from({ length: images }, (_, image) => {
    const found: Detection[] = [];
    for (let index = image * count; index < (image + 1) * count; index += 1) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.data.subarray(index * 4, index * 4 + 4);
      const [box, score]: [Box, number] = [[x1, y1, x2, y2], scores.data[index] ?? 0];
      if (score > 0 && x2 > x1 && y2 > y1) found.push({ box, label: labels.data[index] ?? 0, score });
    }
    return suppress(found, nms, most);
  });
}
