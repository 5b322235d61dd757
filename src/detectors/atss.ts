/** ATSS (Zhang et al., CVPR 2020, arXiv:1912.02424) as MMDetection 3 builds it: one square anchor a cell, chosen by its overlaps. */
import * as tf from '@tensorflow/tfjs';
import { type Box } from '../engine/boxes.ts';
import { float32 } from '../engine/hostTensor.ts';
import { allAnchors, anchorAt, anchorsPerLevel, centreAt } from './anchors.ts';
import { assignAtss } from './assignAtss.ts';
import { decode, DECODE_LIMITS } from './boxCoder.ts';
import { deltaCoding } from './coding.ts';
import { fourfold, joinLevels, joinSingles, single, stridesOf, type DenseForm } from './dense.ts';
import { centernessLoss, focalLoss, overlapLoss } from './losses.ts';
import { type ResolvedDetector } from './settings.ts';
import { centerness, sidesFrom } from './sides.ts';
import { classTargets, positivesByImage } from './targets.ts';

const DEVIATIONS = [0.1, 0.1, 0.2, 0.2] as const;
const LIMITS = DECODE_LIMITS.mmdetection;
/** Of the GIoU loss. */
const BOX_WEIGHT = 2;

export function atss(config: ResolvedDetector): DenseForm {
  return {
    anchors: { convention: 'mmdetection', ...config.anchors, strides: stridesOf(config) },
    reluBeforeP7: false,
    head: {
      names: { classification: 'atss_cls', regression: 'atss_reg' }, depth: 4, scaled: true,
      centerness: { name: 'atss_centerness', tower: 'regression' },
    },
    coding: (grid) => deltaCoding({ anchors: (size) => allAnchors(grid(size)), deviations: DEVIATIONS, limits: LIMITS, perLevel: (size) => anchorsPerLevel(grid(size)) }),
    decoding: {
      centerness: 'after', keepsEmpty: false,
      decode: (grid, index, { 0: dx = 0, 1: dy = 0, 2: dw = 0, 3: dh = 0 }) =>
        decode(anchorAt(grid, index), [dx * DEVIATIONS[0], dy * DEVIATIONS[1], dw * DEVIATIONS[2], dh * DEVIATIONS[3]], LIMITS),
    },
    assign: assignAtss,
    targets: (grid, truth, assignments) => {
      const weight = 1 / positivesByImage(assignments);
      const { labels, classWeights, positives } = classTargets(grid.count, truth, assignments, () => weight);
      const [boxTargets, boxWeights, centernessTargets, centernessWeights] = [float32([...labels.shape, 4]), float32(labels.shape), float32(labels.shape), float32(labels.shape)];
      const centred = positives.map(({ index, box }) => centerness(sidesFrom(centreAt(grid, index), box)));
      const divisor = Math.max(1, centred.reduce((sum, value) => sum + value, 0));
      for (const [position, { place, index, box }] of positives.entries()) {
        const value = centred[position] ?? 0;
        boxTargets.data.set(inAnchor(anchorAt(grid, index), box), place * 4);
        boxWeights.data[place] = (BOX_WEIGHT * value) / divisor;
        centernessTargets.data[place] = value;
        centernessWeights.data[place] = weight;
      }
      return { labels, classWeights, boxTargets, boxWeights, centernessTargets, centernessWeights };
    },
    loss: (outputs, targets, classes) => ({
      classification: focalLoss(joinLevels(outputs.logits, classes), single(targets, 'labels'), single(targets, 'classWeights')),
      box: overlapLoss('giou', cornersInAnchor(joinLevels(outputs.regression, 4)), fourfold(targets, 'boxTargets'), single(targets, 'boxWeights')),
      centerness: centernessLoss(joinSingles(outputs.centerness ?? []), single(targets, 'centernessTargets'), single(targets, 'centernessWeights')),
    }),
  };
}

/** A box as seen from its anchor, whose centre is 0 and whose sides are 1: overlaps stay what they are. */
function inAnchor(anchor: Box, box: Box): number[] {
  const [x, y, width, height] = [(anchor[0] + anchor[2]) / 2, (anchor[1] + anchor[3]) / 2, anchor[2] - anchor[0], anchor[3] - anchor[1]];
  return [(box[0] - x) / width, (box[1] - y) / height, (box[2] - x) / width, (box[3] - y) / height];
}

/** Corners of predicted boxes in the same frame. @param deltas [M, 4] */
function cornersInAnchor(deltas: tf.Tensor2D): tf.Tensor2D {
  const [moves, logarithms] = tf.split(tf.mul<tf.Tensor2D>(deltas, tf.tensor1d([...DEVIATIONS])), 2, 1) as [tf.Tensor2D, tf.Tensor2D];
  const halves = tf.mul(tf.exp(tf.clipByValue(logarithms, LIMITS.least, LIMITS.most)), 0.5);
  return tf.concat([tf.sub(moves, halves), tf.add(moves, halves)], 1) as tf.Tensor2D;
}
