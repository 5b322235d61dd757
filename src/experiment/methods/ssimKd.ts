/** SSIM-KD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const ssimKdOptions = z.strictObject({
  method: z.literal('ssim-kd').describe('Structural Knowledge Distillation (NeurIPS 2022).'),
  weight: weight.default(4).describe('λ of the paper.'),
  window: z.int().min(1).refine((value) => value % 2 === 1, 'must be odd').default(11).describe('Width of the Gaussian window in cells, odd. Levels too small for it get the largest one that fits.'),
  deviation: z.number().positive().default(1.5).describe('σ of the window in cells.'),
  k1: z.number().positive().default(0.01).describe('Keeps the comparison of means stable: C1 = k1².'),
  k2: z.number().positive().default(0.03).describe('Keeps the comparison of variances stable: C2 = k2².'),
  normalise: z.enum(['perTensor', 'perImage', 'perChannel', 'perImageChannel', 'none']).default('perTensor')
    .describe('Over what the least and the largest value are taken by which each level is brought to 0 … 1 (a reading); `perTensor`: over the whole batch.'),
  adapter: z.enum(['auto', 'always']).default('auto').describe('1×1 convolution of the student\'s features: only where widths differ, or always.'),
});

export const ssimKdCard = {
  id: 'ssim-kd', title: 'SSIM-KD', paper: 'Structural Knowledge Distillation for Object Detection', venue: 'NeurIPS 2022', url: 'https://arxiv.org/abs/2211.13133',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'restated', experimental: true,
} as const satisfies MethodCard;
