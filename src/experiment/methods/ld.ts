/** LD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const ldOptions = z.strictObject({
  method: z.literal('ld').describe('Localization Distillation (CVPR 2022).'),
  weight: weight.default(0.25).describe('Weight of the main part, over positives.'),
  vlrWeight: weight.default(0.25).describe('Weight of the part over the valuable localisation region.'),
  temperature: z.number().min(1).default(10).describe('Temperature of the softmax over a side\'s bins, at least 1.'),
  classWeight: weight.default(10).describe('Weight of the class part, over positives.'),
  classTemperature: z.number().min(1).default(2).describe('Temperature of the softmax over classes, at least 1.'),
  imitation: z.enum(['none', 'finegrained', 'fitnet']).default('none')
    .describe('Region of feature imitation. `finegrained`: anchors that overlap an object by more than half its best overlap. `fitnet`: anchors with their centre in an object.'),
  imitationWeight: weight.default(2).describe('Weight of feature imitation.'),
  vlrOverlap: z.enum(['iof', 'iou']).default('iof').describe('Overlap in the region\'s distance: `iof` divides by the anchor\'s area (official code), `iou` by the union (paper).'),
  gamma: z.number().min(0).max(1).default(0.25).describe('Lower end of the region, as a share of the object\'s positive threshold.'),
  candidates: z.int().min(1).default(9).describe('Anchors a level that make up an object\'s positive threshold; the assigner takes 9.'),
  normalize: z.enum(['sum', 'positives']).default('sum')
    .describe('`sum`: main and region part are sums over cells and grow with the batch (official code). `positives`: divided by the batch\'s positives.'),
});

export const ldCard = {
  id: 'ld', title: 'LD', paper: 'Localization Distillation for Dense Object Detection', venue: 'CVPR 2022', url: 'https://arxiv.org/abs/2102.12252',
  family: 'localisation', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'distribution'], parity: 'reference',
} as const satisfies MethodCard;
