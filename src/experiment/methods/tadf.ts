/** TADF: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const tadfOptions = z.strictObject({
  method: z.literal('tadf').describe('Task Adaptive Regularization (arXiv 2020).'),
  weight: weight.default(1).describe('λ at the start of the run; multiplies all three parts.'),
  featureWeight: weight.default(1).describe('w_f: features near objects.'),
  classWeight: weight.default(1).describe('w_c: classes where the teacher is surer of the object.'),
  boxWeight: weight.default(1).describe('w_r: boxes where the teacher\'s fits the object better.'),
  spread: z.number().positive().default(1).describe('k: deviation of the Gaussian mask, in halves of the box\'s sides.'),
  levels: z.enum(['all', 'own']).default('all').describe('Whether an object\'s mask is on every level or on the one of its size.'),
  decay: z.enum(['linear', 'cosine', 'none']).default('linear').describe('How λ falls to 0 over the run.'),
});

export const tadfCard = {
  id: 'tadf', title: 'TADF', paper: 'Distilling Object Detectors with Task Adaptive Regularization', venue: 'arXiv 2020', url: 'https://arxiv.org/abs/2006.13108',
  family: 'instance', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'none', experimental: true,
} as const satisfies MethodCard;
