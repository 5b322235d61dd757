/**
 * GFL, RetinaNet's heir with generalised focal loss (Li et al., NeurIPS 2020, arXiv:2006.04388), as MMDetection 3 builds it: ATSS's anchors
 * and assignment, classes that learn the overlap of their box, and each side of a box as a distribution over whole strides.
 */
import * as tf from '@tensorflow/tfjs';
import { float32 } from '../engine/hostTensor.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxIou } from '../engine/ops/iou.ts';
import { allAnchors, anchorsPerLevel, centreAt, levelOf } from './anchors.ts';
import { assignAtss } from './assignAtss.ts';
import { distributionCoding, meanDistances } from './coding.ts';
import { fourfold, joinLevels, single, stridesOf, type DenseForm } from './dense.ts';
import { aroundPoint } from './fcos.ts';
import { aroundOrigin, distributionFocalLoss, overlapLoss, qualityFocalLoss } from './losses.ts';
import { type ResolvedDetector } from './settings.ts';
import { sidesFrom } from './sides.ts';
import { classTargets, positivesByImage } from './targets.ts';

const WEIGHTS = { box: 2, distribution: 0.25 } as const;
/** A side's target stays this far below the last bin. */
const MARGIN = 0.1;

export function gfl(config: ResolvedDetector): DenseForm {
  const { bins } = config.gfl;
  const strides = stridesOf(config);
  const strideAt = (level: number): number => strides[level] ?? Number.NaN;
  return {
    anchors: { convention: 'mmdetection', ...config.anchors, strides },
    reluBeforeP7: false,
    head: { names: { classification: 'gfl_cls', regression: 'gfl_reg' }, depth: 4 * bins, scaled: true },
    coding: (grid) => distributionCoding({ anchors: (size) => allAnchors(grid(size)), bins, perLevel: (size) => anchorsPerLevel(grid(size)), strides }),
    decoding: {
      centerness: 'after', keepsEmpty: false,
      read: (rows) => meanDistances(rows, bins),
      decode: (grid, index, values) => aroundPoint(centreAt(grid, index), values, strideAt(levelOf(grid, index))),
    },
    assign: assignAtss,
    targets: (grid, truth, assignments) => {
      const weight = 1 / positivesByImage(assignments);
      const { labels, classWeights, positives } = classTargets(grid.count, truth, assignments, () => weight);
      const [boxTargets, boxWeights] = [float32([...labels.shape, 4]), float32(labels.shape)];
      for (const { place, index, box } of positives) {
        boxTargets.data.set(sidesFrom(centreAt(grid, index), box, strideAt(levelOf(grid, index))), place * 4);
        boxWeights.data[place] = 1;
      }
      return { labels, classWeights, boxTargets, boxWeights };
    },
    loss: ({ logits, regression }, targets, classes) => {
      const scores = joinLevels(logits, classes);
      const sides = joinLevels(regression, 4 * bins);
      const sideTargets = fourfold(targets, 'boxTargets');
      const predicted = aroundOrigin(meanSides(sides, bins));
      const wanted = aroundOrigin(sideTargets);
      const quality = detached(() => boxIou(predicted, wanted) as tf.Tensor1D);
      // A positive weighs as much as its surest class; what all of them weigh is the divisor.
      const weights = detached(() => {
        const surest = tf.mul(tf.sigmoid(tf.max(scores, 1)), single(targets, 'boxWeights'));
        return tf.div<tf.Tensor1D>(surest, tf.maximum(tf.sum(surest), 1));
      });
      return {
        classification: qualityFocalLoss(scores, single(targets, 'labels'), quality, single(targets, 'classWeights')),
        box: tf.mul(overlapLoss('giou', predicted, wanted, weights), WEIGHTS.box),
        distribution: tf.mul(distributionFocalLoss(
          tf.reshape(sides, [-1, bins]), tf.reshape(tf.clipByValue(sideTargets, 0, bins - 1 - MARGIN), [-1]), tf.reshape(tf.tile(tf.expandDims(weights, 1), [1, 4]), [-1]),
        ), WEIGHTS.distribution / 4),
      };
    },
  };
}

/** @param logits [M, 4·bins] @returns [M, 4] in strides */
function meanSides(logits: tf.Tensor2D, bins: number): tf.Tensor2D {
  return tf.reshape(meanDistances(tf.expandDims(logits, 0), bins), [-1, 4]);
}
