/** FKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { hasTwoStages, temperature, weight } from './common.ts';

const perLevel = z.array(z.int().min(1)).min(1);

export const fkdOptions = z.strictObject({
  method: z.literal('fkd').describe('Feature-based Knowledge Distillation (ICLR 2021; TPAMI 2023).'),
  weight: weight.default(1).describe('Multiplies all four parts.'),
  temperature: temperature.default(0.5).describe('T of the attention softmax. The paper writes 0.1 for two-stage detectors, published code 0.5 for all.'),
  featureWeight: weight.optional().describe('Weight of the attention-guided feature difference. One-stage: 4e-4; two-stage: 7e-5.'),
  channelWeight: weight.optional().describe('Weight of the difference of channel means. One-stage: 2e-2; two-stage: 4e-3.'),
  spatialWeight: weight.optional().describe('Weight of the difference of spatial means. One-stage: 2e-2; two-stage: 4e-3.'),
  nonlocalWeight: weight.optional().describe('Weight of the non-local part. One-stage: 4e-4; two-stage: 7e-5.'),
  pooling: perLevel.default([8, 4, 2]).describe('Window of the max pooling in the non-local blocks, by level from the finest on; the last counts for all others. No more than the map has cells.'),
  reduction: perLevel.default([4, 4, 2]).describe('By how much the non-local blocks divide the channels, by level from the finest on; the last counts for all others.'),
  useChannelMask: z.boolean().default(false).describe('Weigh channels by their attention too, as the paper writes; published code computes that mask and leaves it out.'),
  freezeTeacherNonLocal: z.boolean().default(false).describe('Keep the teacher\'s non-local blocks as they start (the identity) instead of training them by this loss.'),
});

export const fkdCard = {
  id: 'fkd', title: 'FKD', paper: 'Improve Object Detection with Feature-based Knowledge Distillation: Towards Accurate and Efficient Detectors', venue: 'ICLR 2021', url: 'https://openreview.net/forum?id=uKhGRvM8QNH',
  family: 'attention', teacher: 'needed', shares: ['levels'], parity: 'reference', defaults: (detector) => ({ ...fkdDefaults(detector) }),
} as const satisfies MethodCard;

export interface FkdWeights { readonly featureWeight: number; readonly channelWeight: number; readonly spatialWeight: number; readonly nonlocalWeight: number }

export function fkdDefaults(detector: string): FkdWeights {
  return hasTwoStages(detector)
    ? { featureWeight: 7e-5, channelWeight: 4e-3, spatialWeight: 4e-3, nonlocalWeight: 7e-5 }
    : { featureWeight: 4e-4, channelWeight: 2e-2, spatialWeight: 2e-2, nonlocalWeight: 4e-4 };
}
