/** The student's own boxes as regions for an attached head, each with the anchor that it came from. They carry no gradient. */
import * as tf from '@tensorflow/tfjs';
import { suppress } from '../../detectors/nms.ts';
import { type DetectorTraits, type HeadOutputs } from '../../detectors/detector.ts';
import { clip, type Box, type Detection } from '../../engine/boxes.ts';
import { type HostTensors } from '../../engine/hostTensor.ts';
import { pickRows } from '../../engine/ops/pick.ts';
import { asCandidates, codingOf } from './assigned.ts';
import { at } from './maps.ts';

export interface Proposal {
  readonly box: Box;
  /** Flat index of its anchor, in the order of `Assignment`. */
  readonly anchor: number;
}

/**
 * The best anchors of each level by their largest class score.
 * @param most of each level @returns `scores` [N, Σk] logits, `boxes` [N, Σk, 4] not clipped, `anchors` [N, Σk] int32
 */
export function proposalCandidates({ logits, regression }: HeadOutputs, traits: DetectorTraits, size: readonly [number, number], most: number): Record<'scores' | 'boxes' | 'anchors', tf.Tensor> {
  let offset = 0;
  const levels = logits.map((map, level) => {
    const best = tf.max<tf.Tensor2D>(asCandidates(map, traits.classes.length), 2);
    const [batch, anchors] = best.shape;
    const { values, indices } = tf.topk(best, Math.min(most, anchors), true);
    const first = tf.tensor2d(Int32Array.from({ length: batch }, (_, image) => image * anchors), [batch, 1], 'int32');
    const boxes = tf.reshape<tf.Rank.R2>(codingOf(traits).decode(at(regression, level), level, size), [-1, 4]);
    const taken = pickRows(boxes, tf.reshape(tf.add(indices, first), [-1, 1]));
    const result = { scores: values, boxes: tf.reshape(taken, [batch, -1, 4]), anchors: tf.add(indices, tf.scalar(offset, 'int32')) };
    offset += anchors;
    return result;
  });
  return {
    scores: tf.concat(levels.map(({ scores }) => scores), 1), boxes: tf.concat(levels.map(({ boxes }) => boxes), 1), anchors: tf.concat(levels.map(({ anchors }) => anchors), 1),
  };
}

export interface ProposalSettings {
  /** IoU above which the weaker box of a level goes. */
  readonly nms: number;
  readonly proposals: number;
  /** Number of anchors of each level. */
  readonly perLevel: readonly number[];
}

/** Boxes of each image, clipped, after suppression within each level, best first; none where nothing was observed. */
export function keepProposals({ scores, boxes, anchors }: HostTensors, contentSizes: readonly (readonly [number, number])[], { nms, proposals, perLevel }: ProposalSettings): Proposal[][] {
  if (scores === undefined || boxes === undefined || anchors === undefined) return contentSizes.map(() => []);
  const count = scores.data.length / contentSizes.length;
  return contentSizes.map(([height, width], image) => {
    const origin = new Map<Box, number>();
    const found: Detection[] = [];
    for (let index = image * count; index < (image + 1) * count; index += 1) {
      const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = boxes.data.subarray(index * 4, index * 4 + 4);
      const box = clip([x1, y1, x2, y2], width, height);
      if (!(box[2] > box[0] && box[3] > box[1])) continue;
      const anchor = anchors.data[index] ?? 0;
      origin.set(box, anchor);
      found.push({ box, label: levelAt(anchor, perLevel), score: scores.data[index] ?? 0 });
    }
    return suppress(found, nms, proposals).map(({ box }) => ({ box, anchor: origin.get(box) ?? 0 }));
  });
}

/** Index of the level of an anchor. */
export function levelAt(anchor: number, perLevel: readonly number[]): number {
  let end = 0;
  return perLevel.findIndex((count) => anchor < (end += count));
}
