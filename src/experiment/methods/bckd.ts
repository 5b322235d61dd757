/** BCKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const bckdOptions = z.strictObject({
  method: z.literal('bckd').describe('Bridging Cross-task Protocol Inconsistency (ICCV 2023).'),
  weight: weight.default(1).describe('Multiplies both parts.'),
  classification: weight.default(1).describe('Weight of the classification part.'),
  localisation: weight.default(4).describe('Weight of the localisation part.'),
  beta: z.number().min(0).default(1).describe('β, the power of the gap between the two probabilities that weighs the cross entropy.'),
  detachGap: z.boolean().default(false).describe('Stop the gradient through the gap; the official code lets it through.'),
  skipLevelsWithoutPositives: z.boolean().default(true).describe('Leave out levels without any positive candidate in the batch, as the official code does; the paper has no such condition.'),
});

export const bckdCard = {
  id: 'bckd', title: 'BCKD', paper: 'Bridging Cross-task Protocol Inconsistency for Distillation in Dense Object Detection', venue: 'ICCV 2023', url: 'https://arxiv.org/abs/2308.14286',
  family: 'logit', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'reference',
} as const satisfies MethodCard;
