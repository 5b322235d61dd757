/** FGD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { scale, weight } from './common.ts';
import { fgdDefaults } from './fgdDefaults.ts';

export const fgdOptions = z.strictObject({
  method: z.literal('fgd').describe('Focal and Global Distillation (CVPR 2022).'),
  weight: weight.default(1).describe('Multiplies all four parts.'),
  temperature: z.number().positive().optional().describe('τ of the attention softmax. Default by detector: 0.5 (RetinaNet), 0.8 (FCOS).'),
  alpha: weight.optional().describe('Weight of the foreground part. RetinaNet: 1e-3.'),
  beta: weight.optional().describe('Weight of the background part. RetinaNet: 5e-4.'),
  gamma: weight.optional().describe('Weight of the attention part. RetinaNet: 5e-4.'),
  lambda: weight.optional().describe('Weight of the global part. RetinaNet: 5e-6.'),
  boxScale: z.enum(['image', 'input']).default('image').describe('Whether boxes are brought to cells by the unpadded image (official code) or by the network\'s input.'),
  scale,
});

export const fgdCard = {
  id: 'fgd', title: 'FGD', paper: 'Focal and Global Knowledge Distillation for Detectors', venue: 'CVPR 2022', url: 'https://arxiv.org/abs/2111.11837',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'reference', defaults: (detector) => ({ ...fgdDefaults(detector) }),
} as const satisfies MethodCard;
