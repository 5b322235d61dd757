/** GLAMD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const glamdOptions = z.strictObject({
  method: z.literal('glamd').describe('Global and Local Attention Mask Distillation (ECCV 2022).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  patch: z.int().min(1).default(7).describe('Side of the patches in cells; the last ones of a row or column are smaller where it does not divide the map.'),
  temperature: z.number().min(0.05).default(0.5).describe('τ of the attention softmax (our starting value; the paper\'s is unknown). Below 0.05 one cell would take all.'),
  alpha: weight.optional().describe('Weight of the feature part (our starting value). Default: 4e-5 for `reduction: sum`, 2e-3 for `reduction: cells`.'),
  beta: weight.default(4e-3).describe('Weight of the attention part (our starting value).'),
  gamma: weight.default(1).describe('Weight of the two head parts (our starting value).'),
  reduction: z.enum(['sum', 'cells']).default('sum').describe('`sum`: the feature part is a sum over elements. `cells`: divided by the cells of each level, so that its weight does not depend on the image\'s size.'),
});

export const glamdCard = {
  id: 'glamd', title: 'GLAMD', paper: 'GLAMD: Global and Local Attention Mask Distillation for Object Detectors', venue: 'ECCV 2022',
  family: 'attention', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'restated', experimental: true,
} as const satisfies MethodCard;
