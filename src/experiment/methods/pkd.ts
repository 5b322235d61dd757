/** PKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { hasTwoStages, weight } from './common.ts';

export const pkdOptions = z.strictObject({
  method: z.literal('pkd').describe('Distillation by Pearson correlation (NeurIPS 2022).'),
  weight: weight.optional().describe('Weight of each level. Default by detector: 10, and 6 where teacher or student has two stages.'),
  levels: z.int().min(1).default(4).describe('How many levels are compared, from the finest on; no more than either network has.'),
  resize: z.enum(['student', 'teacher']).default('student').describe('Whose maps are brought to the other\'s size where sizes differ.'),
});

export const pkdCard = {
  id: 'pkd', title: 'PKD', paper: 'PKD: General Distillation Framework for Object Detectors via Pearson Correlation Coefficient', venue: 'NeurIPS 2022', url: 'https://arxiv.org/abs/2207.02039',
  family: 'feature', teacher: 'needed', shares: [], parity: 'reference', defaults: (detector) => ({ weight: pkdWeight(detector) }),
} as const satisfies MethodCard;

/** @param detectors of the teacher and the student */
export function pkdWeight(...detectors: readonly string[]): number {
  return detectors.some(hasTwoStages) ? 6 : 10;
}
