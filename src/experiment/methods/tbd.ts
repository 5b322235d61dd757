/** TBD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const tbdOptions = z.strictObject({
  method: z.literal('tbd').describe('Task-Balanced Distillation (Pattern Recognition 2023); formulas are our reading of its abstract.'),
  weight: weight.default(1).describe('Multiplies both parts.'),
  harmonyWeight: weight.default(1).describe('Weight of the harmony part (a reading).'),
  featureWeight: weight.default(2).describe('Weight of the feature part (a reading).'),
  harmony: z.enum(['harmonic', 'product', 'geometric']).default('harmonic').describe('How class score p and IoU u make a harmony score (a reading). `harmonic`: 2pu / (p + u). `product`: pu. `geometric`: √(pu).'),
});

export const tbdCard = {
  id: 'tbd', title: 'TBD', paper: 'Task-Balanced Distillation for Object Detection', venue: 'Pattern Recognition 2023', url: 'https://arxiv.org/abs/2208.03006',
  family: 'feature', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'none', experimental: true,
} as const satisfies MethodCard;
