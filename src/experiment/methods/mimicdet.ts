/** MimicDet: options and card. */
import { z } from 'zod';
import { attachedHead } from './attachedHead.ts';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const mimicdetOptions = z.strictObject({
  method: z.literal('mimicdet').describe('Imitation of an attached two-stage head (ECCV 2020).'),
  weight: weight.default(1).describe('Weight of the imitation of either branch.'),
  head: weight.default(1).describe('Weight of the attached head\'s own class and box losses.'),
  detach: z.boolean().default(true).describe('Whether the attached head is a constant to the imitation; otherwise both sides move.'),
  staggered: z.boolean().default(true).describe('Whether a region is pooled from the level finer than its anchor\'s, as published; the finest level from itself.'),
  ...attachedHead,
});

export const mimicdetCard = {
  id: 'mimicdet', title: 'MimicDet', paper: 'MimicDet: Bridging the Gap Between One-Stage and Two-Stage Object Detection', venue: 'ECCV 2020', url: 'https://arxiv.org/abs/2009.11528',
  family: 'self', teacher: 'none', shares: ['boxes', 'towers'], parity: 'none', experimental: true,
} as const satisfies MethodCard;
