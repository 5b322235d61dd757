/** RM: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export const rmOptions = z.strictObject({
  method: z.literal('rm').describe('Rank Mimicking (AAAI 2022).'),
  weight: weight.default(4).describe('α of the paper.'),
  temperature: temperature.default(1).describe('τ of the softmax over an object\'s candidates.'),
  score: z.enum(['probability', 'logit']).default('probability'),
  sorted: z.boolean().default(false).describe('Compare sorted score lists, as the mmrazor draft does; loses which box is best.'),
  reduction: z.enum(['image', 'batch']).default('image'),
  localisation: weight.default(0).describe('Weight of the same loss over IoU instead of score; 0 is off.'),
});

export const rmCard = {
  id: 'rm', title: 'RM', paper: 'Knowledge Distillation for Object Detection via Rank Mimicking and Prediction-guided Feature Imitation', venue: 'AAAI 2022', url: 'https://arxiv.org/abs/2112.04840',
  family: 'logit', teacher: 'needed', shares: ['levels', 'classes', 'anchors'], parity: 'restated',
} as const satisfies MethodCard;
