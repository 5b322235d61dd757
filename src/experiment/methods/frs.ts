/** FRS: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { hasTwoStages, warmup, weight } from './common.ts';

export const frsOptions = z.strictObject({
  method: z.literal('frs').describe('Feature Richness Score distillation (NeurIPS 2021).'),
  weight: weight.default(1).describe('Multiplies both parts.'),
  featureWeight: weight.optional().describe('w_f, for 256 channels. Default by detector: 0.005 (RetinaNet), 0.01 (FCOS), 0.1 (GFL).'),
  classWeight: weight.optional().describe('w_c; 0 leaves the class part out. Default by detector: 0.02 (RetinaNet), 0.05 (FCOS, GFL).'),
  normaliseChannels: z.boolean().default(false).describe('Multiply w_f by 256 / (channels of the teacher): the published weights are for 256 channels, and squares are summed over them.'),
  kernel: z.union([z.literal(1), z.literal(3)]).default(3).describe('Side of the adapter\'s convolution in cells.'),
  warmup: warmup.default(500),
});

export interface FrsDefaults {
  readonly featureWeight: number;
  readonly classWeight: number;
}

/** From the official configurations (config/distill_frs). A one-stage detector that is not listed takes RetinaNet's. */
export function frsDefaults(detector: string): FrsDefaults {
  if (detector === 'fcos') return { featureWeight: 0.01, classWeight: 0.05 };
  if (detector === 'gfl') return { featureWeight: 0.1, classWeight: 0.05 };
  return hasTwoStages(detector) ? { featureWeight: 0.002, classWeight: 0.1 } : { featureWeight: 0.005, classWeight: 0.02 };
}

export const frsCard = {
  id: 'frs', title: 'FRS', paper: 'Distilling Object Detectors with Feature Richness', venue: 'NeurIPS 2021', url: 'https://arxiv.org/abs/2111.00674',
  family: 'feature', teacher: 'needed', shares: ['levels', 'classes', 'anchors'], parity: 'reference', defaults: (detector) => ({ ...frsDefaults(detector) }),
} as const satisfies MethodCard;
