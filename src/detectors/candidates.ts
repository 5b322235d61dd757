/** From network outputs to boxes: the best scores of each level in the graph, everything after that on the host. */
import * as tf from '@tensorflow/tfjs';
import { clip, type Detection } from '../engine/boxes.ts';
import { type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { anchorAt, type AnchorGrid } from './anchors.ts';
import { decode, type DecodeLimits } from './boxCoder.ts';
import { type DetectorOutputs } from './detector.ts';
import { suppress } from './nms.ts';

export interface DetectionSettings {
  /** Detections at or below this score go. */
  readonly scoreThreshold: number;
  /** IoU above which the weaker box of a class goes. */
  readonly nms: number;
  readonly maxDetections: number;
}

/** (anchor, class) pairs that go on from each level. */
const TOP = 1000;

/**
 * The best (anchor, class) pairs of each level, k = min(1000, all).
 * @returns `scores` [N, Σk], `pairs` [N, Σk] int32 = anchor · K + class with the flat anchor index, `deltas` [N, Σk, 4]
 */
export function bestPairs({ logits, regression }: DetectorOutputs, classes: number): Record<'scores' | 'pairs' | 'deltas', tf.Tensor> {
  const parts = { scores: [] as tf.Tensor[], pairs: [] as tf.Tensor[], deltas: [] as tf.Tensor[] };
  let offset = 0;
  for (const [index, map] of logits.entries()) {
    const batch = map.shape[0];
    const pairs = map.size / batch;
    const boxes = regression[index];
    if (boxes === undefined) throw new RangeError(`level ${index} has no regression`);
    const { values, indices } = tf.topk(tf.reshape(map, [batch, pairs]), Math.min(TOP, pairs), true);
    const anchors = tf.floorDiv(indices, tf.scalar(classes, 'int32'));
    parts.scores.push(tf.sigmoid(values));
    parts.pairs.push(tf.add(indices, tf.scalar(offset, 'int32')));
    parts.deltas.push(rows(tf.reshape(boxes, [batch, pairs / classes, 4]), anchors));
    offset += pairs;
  }
  return { scores: tf.concat(parts.scores, 1), pairs: tf.concat(parts.pairs, 1), deltas: tf.concat(parts.deltas, 1) };
}

/**
 * Row `indexes[n, k]` of each image: [N, A, 4] and [N, k] give [N, k, 4].
 * By `gatherND` over flat rows: `tf.gather` reads its indexes on the host in tfjs-node and so cannot be captured.
 */
function rows(values: tf.Tensor3D, indexes: tf.Tensor): tf.Tensor {
  const [batch, anchors, size] = values.shape;
  const first = tf.tensor2d(Array.from({ length: batch }, (_, image) => image * anchors), [batch, 1], 'int32');
  return tf.gatherND(tf.reshape(values, [batch * anchors, size]), tf.expandDims(tf.add(indexes, first), 2));
}

/** @param contentSizes unpadded [height, width] of each image @param classes K */
export function decodePairs(
  candidates: HostTensors, contentSizes: readonly (readonly [number, number])[], grid: AnchorGrid, classes: number, limits: DecodeLimits, settings: DetectionSettings,
): Detection[][] {
  const [scores, pairs, deltas] = [need(candidates, 'scores'), need(candidates, 'pairs'), need(candidates, 'deltas')];
  const count = scores.shape[1] ?? 0;
  return contentSizes.map(([height, width], image) => {
    const found: Detection[] = [];
    for (let index = image * count; index < (image + 1) * count; index += 1) {
      const score = scores.data[index] ?? 0;
      if (!(score > settings.scoreThreshold)) continue;
      const pair = pairs.data[index] ?? 0;
      const [dx = 0, dy = 0, dw = 0, dh = 0] = deltas.data.subarray(index * 4, index * 4 + 4);
      const box = clip(decode(anchorAt(grid, Math.floor(pair / classes)), [dx, dy, dw, dh], limits), width, height);
      if (box[2] > box[0] && box[3] > box[1]) found.push({ box, label: pair % classes, score });
    }
    return suppress(found, settings.nms, settings.maxDetections);
  });
}

function need(tensors: HostTensors, name: string): HostTensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`candidates lack ${name}`);
  return tensor;
}
