/** PGD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export interface PgdDefaults {
  readonly alpha: number;
  readonly beta: number;
  readonly gamma: number;
  readonly topK: number;
}

/** The official configurations; β = α / 2 and γ = 1.6 α in all of them. A detector that is not listed takes FCOS's. */
export function pgdDefaults(detector: string): PgdDefaults {
  const alpha = detector === 'atss' ? 0.08 : 0.04;
  return { alpha, beta: alpha * 0.5, gamma: alpha * 1.6, topK: detector === 'atss' ? 9 : 30 };
}

export const pgdOptions = z.strictObject({
  method: z.literal('pgd').describe('Prediction-Guided Distillation (ECCV 2022).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  alpha: weight.optional().describe('Weight of the foreground part. FCOS, GFL: 0.04, ATSS: 0.08.'),
  beta: weight.optional().describe('Weight of the background part: half of α in the official configurations.'),
  gamma: weight.optional().describe('Weight of the regression tower\'s part: 1.6 α in the official configurations.'),
  delta: weight.default(0.0008).describe('Weight of the attention parts.'),
  temperature: temperature.default(0.8).describe('τ of the attention softmax.'),
  topK: z.int().positive().optional().describe('K: cells that an object keeps, over all levels together. FCOS, GFL: 30, ATSS: 9.'),
  classExponent: z.number().min(0).max(1).default(0.8).describe('ξ of the classification tower\'s map: quality is score^(1 − ξ) · IoU^ξ.'),
  boxExponent: z.number().min(0).max(1).default(0.6).describe('ξ of the regression tower\'s map.'),
  levelWeights: z.array(z.number().min(0)).optional().describe('Weight of the foreground and background parts at each level, finest first. Default: 1, 1.25, 1.5, … as published.'),
  maskBroadcast: z.enum(['corrected', 'official']).default('corrected').describe('`corrected`: each image is weighed by its own maps. `official`: by the sum of all images\' maps, as the official code does for want of a dimension; the same with one image.'),
  swapXY: z.boolean().default(false).describe('Read points as (y, x) where the official code does in point-based detectors (FCOS): in the test whether a cell lies in a box.'),
  noise: z.number().min(0).default(0).describe('Largest uniform noise on positions before the Gaussian is fitted, in pixels of the network\'s input; the official code adds 0.05.').meta({ unit: 'pixels' }),
});

export const pgdCard = {
  id: 'pgd', title: 'PGD', paper: 'Prediction-Guided Distillation for Dense Object Detection', venue: 'ECCV 2022', url: 'https://arxiv.org/abs/2203.05469',
  family: 'feature', teacher: 'needed', shares: ['levels', 'classes', 'boxes'], parity: 'reference', defaults: (detector) => ({ ...pgdDefaults(detector) }),
} as const satisfies MethodCard;
