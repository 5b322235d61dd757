/**
 * RetinaNet (Lin et al. 2017, arXiv:1708.02002) as MMDetection 3 and torchvision build it; `preset` says whose conventions
 * anchors, matching, averaging and decoding follow.
 */
import { allAnchors, anchorAt, anchorsPerLevel } from './anchors.ts';
import { assignAnchors, type AssignSettings } from './assign.ts';
import { decode, DECODE_LIMITS } from './boxCoder.ts';
import { deltaCoding } from './coding.ts';
import { fourfold, joinLevels, single, stridesOf, type DenseForm } from './dense.ts';
import { boxLoss, focalLoss } from './losses.ts';
import { type ResolvedDetector } from './settings.ts';
import { createTargets } from './targets.ts';

export function retinaNet(config: ResolvedDetector): DenseForm {
  const { preset, anchors } = config;
  const limits = DECODE_LIMITS[preset];
  const matching: AssignSettings = { positive: 0.5, negative: 0.4, lowQuality: preset === 'mmdetection' ? 'object' : 'anchor' };
  return {
    anchors: { convention: preset, ...anchors, strides: stridesOf(config) },
    reluBeforeP7: preset === 'torchvision',
    head: { names: { classification: 'retina_cls', regression: 'retina_reg' }, depth: 4, scaled: false },
    coding: (grid) => deltaCoding({ anchors: (size) => allAnchors(grid(size)), deviations: [1, 1, 1, 1], limits, perLevel: (size) => anchorsPerLevel(grid(size)) }),
    decoding: {
      centerness: 'after', keepsEmpty: preset === 'torchvision',
      decode: (grid, index, { 0: dx = 0, 1: dy = 0, 2: dw = 0, 3: dh = 0 }) => decode(anchorAt(grid, index), [dx, dy, dw, dh], limits),
    },
    assign: (grid, truth) => assignAnchors(grid, truth, matching),
    targets: (grid, truth, assignments) => createTargets(grid, truth, assignments, preset === 'mmdetection' ? 'batch' : 'image').tensors,
    loss: ({ logits, regression }, targets, classes) => ({
      classification: focalLoss(joinLevels(logits, classes), single(targets, 'labels'), single(targets, 'classWeights')),
      box: boxLoss(config.boxLoss, joinLevels(regression, 4), fourfold(targets, 'boxTargets'), single(targets, 'boxWeights')),
    }),
  };
}
