/** From network outputs to boxes: the best scores of each level in the graph, everything after that on the host. */
import * as tf from '@tensorflow/tfjs';
import { type Box, clip, type Detection } from '../engine/boxes.ts';
import { type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type HeadOutputs } from './detector.ts';
import { suppress } from './nms.ts';

export interface DetectionSettings {
  /** Detections at or below this score go. */
  readonly scoreThreshold: number;
  /** IoU above which the weaker box of a class goes. */
  readonly nms: number;
  readonly maxDetections: number;
}

/** How a detector's outputs become scores and boxes. */
export interface DecodingForm {
  readonly classes: number;
  /** Numbers that write one box. */
  readonly depth: number;
  /**
   * What centerness does, where there is one. `after` (MMDetection): class scores are ranked and held against the threshold, then
   * multiplied by it. `before` (torchvision): √(class score · centerness) is ranked and held against the threshold.
   */
  readonly centerness: 'after' | 'before';
  /** In the graph, from the chosen rows [N, k, depth] to what `decode` reads; left out: as they are. */
  readonly read?: (rows: tf.Tensor3D) => tf.Tensor3D;
  /** On the host. @param index flat, of the anchor or point */
  readonly decode: (index: number, values: ArrayLike<number>) => Box;
  /** Whether boxes that have no area once clipped stay, as in torchvision. */
  readonly keepsEmpty: boolean;
}

/** (anchor, class) pairs that go on from each level. */
const TOP = 1000;

interface Parts {
  readonly scores: tf.Tensor[];
  readonly factors: tf.Tensor[];
  readonly pairs: tf.Tensor[];
  readonly boxes: tf.Tensor[];
}

/**
 * The best (anchor, class) pairs of each level, k = min(1000, all).
 * @returns `scores` [N, Σk], `factors` [N, Σk] to multiply them by after the threshold, `pairs` [N, Σk] int32 = anchor · K + class with the
 * flat anchor index, `boxes` [N, Σk, …] as `decode` reads them
 */
export function bestPairs({ logits, regression, centerness }: HeadOutputs, form: DecodingForm): Record<keyof Parts, tf.Tensor> {
  const parts: Parts = { scores: [], factors: [], pairs: [], boxes: [] };
  let offset = 0;
  for (const [index, map] of logits.entries()) {
    const batch = map.shape[0];
    const pairs = map.size / batch;
    const candidates = pairs / form.classes;
    const boxes = regression[index];
    if (boxes === undefined) throw new RangeError(`level ${index} has no regression`);
    const centred = centerness?.[index];
    const rooted = centred !== undefined && form.centerness === 'before';
    const { values, indices } = tf.topk(tf.reshape(rooted ? rootedScores(map, centred, form.classes) : map, [batch, pairs]), Math.min(TOP, pairs), true);
    const anchors = tf.floorDiv(indices, tf.scalar(form.classes, 'int32'));
    const chosen = rows(tf.reshape(boxes, [batch, candidates, form.depth]), anchors) as tf.Tensor3D;
    parts.scores.push(rooted ? values : tf.sigmoid(values));
    parts.factors.push(centred === undefined || rooted ? tf.onesLike(values) : tf.sigmoid(tf.squeeze(rows(tf.reshape(centred, [batch, candidates, 1]), anchors), [2])));
    parts.pairs.push(tf.add(indices, tf.scalar(offset, 'int32')));
    parts.boxes.push(form.read?.(chosen) ?? chosen);
    offset += pairs;
  }
  return { scores: tf.concat(parts.scores, 1), factors: tf.concat(parts.factors, 1), pairs: tf.concat(parts.pairs, 1), boxes: tf.concat(parts.boxes, 1) };
}

/** √(σ(class) · σ(centerness)), [N, H·W·A, K]. */
function rootedScores(logits: tf.Tensor4D, centerness: tf.Tensor4D, classes: number): tf.Tensor {
  const batch = logits.shape[0];
  const candidates = centerness.size / batch;
  return tf.sqrt(tf.mul(tf.sigmoid(tf.reshape(logits, [batch, candidates, classes])), tf.sigmoid(tf.reshape(centerness, [batch, candidates, 1]))));
}

/**
 * Row `indexes[n, k]` of each image: [N, A, D] and [N, k] give [N, k, D].
 * By `gatherND` over flat rows: `tf.gather` reads its indexes on the host in tfjs-node and so cannot be captured.
 */
function rows(values: tf.Tensor3D, indexes: tf.Tensor): tf.Tensor {
  const [batch, anchors, size] = values.shape;
  const first = tf.tensor2d(Array.from({ length: batch }, (_, image) => image * anchors), [batch, 1], 'int32');
  return tf.gatherND(tf.reshape(values, [batch * anchors, size]), tf.expandDims(tf.add(indexes, first), 2));
}

/** @param contentSizes unpadded [height, width] of each image */
export function decodePairs(candidates: HostTensors, contentSizes: readonly (readonly [number, number])[], form: DecodingForm, settings: DetectionSettings): Detection[][] {
  const [scores, factors, pairs, boxes] = [need(candidates, 'scores'), need(candidates, 'factors'), need(candidates, 'pairs'), need(candidates, 'boxes')];
  const count = scores.shape[1] ?? 0;
  const width = boxes.shape[2] ?? 0;
  return contentSizes.map(([height, across], image) => {
    const found: Detection[] = [];
    for (let index = image * count; index < (image + 1) * count; index += 1) {
      const score = scores.data[index] ?? 0;
      if (!(score > settings.scoreThreshold)) continue;
      const pair = pairs.data[index] ?? 0;
      const box = clip(form.decode(Math.floor(pair / form.classes), boxes.data.subarray(index * width, (index + 1) * width)), across, height);
      if (form.keepsEmpty || (box[2] > box[0] && box[3] > box[1])) found.push({ box, label: pair % form.classes, score: score * (factors.data[index] ?? 0) });
    }
    return suppress(found, settings.nms, settings.maxDetections);
  });
}

function need(tensors: HostTensors, name: string): HostTensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`candidates lack ${name}`);
  return tensor;
}
