/**
 * Options of the distillation methods. A default that depends on the detector is left out here and filled by
 * the method's table of defaults (`src/distillers`); the description says where it comes from.
 */
import { z } from 'zod';

const weight = z.number().min(0);
const scale = z.enum(['paper', 'normalized']).default('paper')
  .describe('`paper`: the loss as published. `normalized`: features divided by the teacher\'s deviation at each level, sums rescaled to the size of the paper\'s networks; for small networks.');

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

export const rmOptions = z.strictObject({
  method: z.literal('rm').describe('Rank Mimicking (AAAI 2022).'),
  weight: weight.default(4).describe('α of the paper.'),
  temperature: z.number().positive().default(1).describe('τ of the softmax over an object\'s candidates.'),
  score: z.enum(['probability', 'logit']).default('probability'),
  sorted: z.boolean().default(false).describe('Compare sorted score lists, as the mmrazor draft does; loses which box is best.'),
  reduction: z.enum(['image', 'batch']).default('image'),
  localisation: weight.default(0).describe('Weight of the same loss over IoU instead of score; 0 is off.'),
});

export const pfiOptions = z.strictObject({
  method: z.literal('pfi').describe('Prediction-guided Feature Imitation (AAAI 2022).'),
  weight: weight.default(1.5).describe('β of the paper.'),
  form: z.enum(['mean', 'squared', 'norm']).default('mean'),
  prediction: z.enum(['logit', 'probability']).default('logit'),
  detachPrediction: z.boolean().default(false).describe('Stop the gradient through the prediction difference.'),
  adapter: z.enum(['auto', 'always']).default('auto').describe('`auto` adds a 1×1 convolution only where widths differ.'),
  warmup: z.int().min(0).default(0).describe('Steps over which the weight grows from 0.'),
});
