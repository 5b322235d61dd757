/** PFI: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { warmup, weight } from './common.ts';

export const pfiOptions = z.strictObject({
  method: z.literal('pfi').describe('Prediction-guided Feature Imitation (AAAI 2022).'),
  weight: weight.default(1.5).describe('β of the paper.'),
  form: z.enum(['mean', 'squared', 'norm']).default('mean').describe('`mean`: the plain product (a reading). `squared`: mean of (P·F)², as two descriptions of the paper write. `norm`: mean over images of ‖P·F‖₂ / (N·H·W), as a later draft has it.'),
  prediction: z.enum(['logit', 'probability']).default('logit').describe('What P compares (a reading). With `probability` P becomes a thousand times smaller or more: raise `weight` accordingly.'),
  detachPrediction: z.boolean().default(false).describe('Stop the gradient through the prediction difference.'),
  adapter: z.enum(['auto', 'always']).default('auto').describe('`auto` adds a 1×1 convolution only where widths differ.'),
  warmup: warmup.default(0),
});

export const pfiCard = {
  id: 'pfi', title: 'PFI', paper: 'Knowledge Distillation for Object Detection via Rank Mimicking and Prediction-guided Feature Imitation', venue: 'AAAI 2022', url: 'https://arxiv.org/abs/2112.04840',
  family: 'feature', teacher: 'needed', shares: ['levels', 'classes', 'anchors'], parity: 'restated',
} as const satisfies MethodCard;
