/**
 * FCOS (Tian et al., ICCV 2019, arXiv:1904.01355) as MMDetection 3 and torchvision build it. `preset` says whose conventions points,
 * ranges, averaging, weights and scores follow; `fcos` holds what both leave to choose.
 */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { type Box } from '../engine/boxes.ts';
import { float32 } from '../engine/hostTensor.ts';
import { allCentres, anchorsPerLevel, centreAt, levelOf, type AnchorGrid } from './anchors.ts';
import { assignPoints } from './assignPoints.ts';
import { distanceCoding } from './coding.ts';
import { fourfold, joinLevels, joinSingles, single, stridesOf, type DenseForm } from './dense.ts';
import { aroundOrigin, centernessLoss, focalLoss, overlapLoss } from './losses.ts';
import { type ResolvedDetector } from './settings.ts';
import { centerness, sidesFrom } from './sides.ts';
import { classTargets, countPositives, EPSILON } from './targets.ts';

/** Least sum of centerness that MMDetection divides by. */
const LEAST_CENTERNESS = 1e-6;

export function fcos(config: ResolvedDetector): DenseForm {
  const { preset, fcos: { centerSampling, range, distances, centernessOn, boxLoss } } = config;
  const strides = stridesOf(config);
  const real = preset === 'torchvision';
  const unit = (level: number): number => (distances === 'strides' ? (strides[level] ?? Number.NaN) : 1);
  const unitAt = (grid: AnchorGrid, index: number): number => unit(levelOf(grid, index));
  return {
    // A cell's one anchor is the cell itself: its centre is the point. torchvision's cells begin half a stride earlier.
    anchors: { convention: preset, base: 1, octaves: 1, ratios: [1], rounded: real, strides, offset: real ? 0 : 0.5 },
    reluBeforeP7: true,
    head: {
      names: { classification: 'conv_cls', regression: 'conv_reg' }, depth: 4, scaled: !real,
      centerness: { name: 'conv_centerness', tower: centernessOn },
      shape: (map) => (distances === 'strides' ? relu(map) : tf.exp(map)),
    },
    coding: (grid) => distanceCoding({ points: (size) => allCentres(grid(size)), perLevel: (size) => anchorsPerLevel(grid(size)), unit }),
    decoding: {
      centerness: real ? 'before' : 'after', keepsEmpty: real,
      decode: (grid, index, values) => aroundPoint(centreAt(grid, index), values, unitAt(grid, index)),
    },
    assign: (grid, truth) => assignPoints(grid, truth, { convention: preset, strides, centerSampling, range }),
    targets: (grid, truth, assignments) => {
      const points = assignments.reduce((sum, assignment) => sum + countPositives(assignment), 0);
      const weight = 1 / (Math.max(1, points) + (real ? 0 : EPSILON));
      const { labels, classWeights, positives } = classTargets(grid.count, truth, assignments, () => weight);
      const [boxTargets, boxWeights, centernessTargets, centernessWeights] = [float32([...labels.shape, 4]), float32(labels.shape), float32(labels.shape), float32(labels.shape)];
      let sum = 0;
      for (const { place, index, box } of positives) {
        const sides = sidesFrom(centreAt(grid, index), box, unitAt(grid, index));
        boxTargets.data.set(sides, place * 4);
        const centred = centerness(sides);
        centernessTargets.data[place] = centred;
        centernessWeights.data[place] = weight;
        sum += centred;
      }
      for (const { place } of positives) boxWeights.data[place] = real ? weight : (centernessTargets.data[place] ?? 0) / (Math.max(sum, LEAST_CENTERNESS) + EPSILON);
      return { labels, classWeights, boxTargets, boxWeights, centernessTargets, centernessWeights };
    },
    loss: (outputs, targets, classes) => ({
      classification: focalLoss(joinLevels(outputs.logits, classes), single(targets, 'labels'), single(targets, 'classWeights')),
      box: overlapLoss(boxLoss, aroundOrigin(joinLevels(outputs.regression, 4)), aroundOrigin(fourfold(targets, 'boxTargets')), single(targets, 'boxWeights')),
      centerness: centernessLoss(joinSingles(outputs.centerness ?? []), single(targets, 'centernessTargets'), single(targets, 'centernessWeights')),
    }),
  };
}

/** The box whose sides are so far from the point. @param unit pixels of one unit of distance */
export function aroundPoint([x, y]: readonly [number, number], { 0: left = 0, 1: top = 0, 2: right = 0, 3: bottom = 0 }: ArrayLike<number>, unit: number): Box {
  return [x - left * unit, y - top * unit, x + right * unit, y + bottom * unit];
}
