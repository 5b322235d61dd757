/** HEAD: options and card. */
import { z } from 'zod';
import { attachedHead } from './attachedHead.ts';
import { type MethodCard } from './card.ts';
import { warmup, weight } from './common.ts';

export const headOptions = z.strictObject({
  method: z.literal('head').describe('Hetero-Assists Distillation without a teacher (TF-HEAD, ECCV 2022).'),
  weight: weight.default(2).describe('Weight of what the class tower learns from the assistant.'),
  warmup: warmup.default(2000),
  assistant: weight.default(1).describe('Weight of the assistant\'s own class and box losses.'),
  finestScale: z.number().positive().default(56).describe('Size in pixels from whose double on a region is pooled from the second level.').meta({ unit: 'pixels' }),
  ...attachedHead,
});

export const headCard = {
  id: 'head', title: 'HEAD', paper: 'HEAD: HEtero-Assists Distillation for Heterogeneous Object Detectors', venue: 'ECCV 2022', url: 'https://arxiv.org/abs/2207.05345',
  family: 'self', teacher: 'none', shares: ['boxes', 'towers'], parity: 'reference',
} as const satisfies MethodCard;
