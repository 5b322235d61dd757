/** CrossKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

/** The official configurations' weights; a detector that is not listed takes RetinaNet's. */
const PUBLISHED: Readonly<Record<string, { readonly classification: number; readonly box: number }>> = {
  gfl: { classification: 1, box: 4 },
  fcos: { classification: 0.4, box: 0.75 },
};

export function crosskdDefaults(detector: string): { readonly classification: number; readonly box: number } {
  return PUBLISHED[detector] ?? { classification: 1, box: 1 };
}

export const crosskdOptions = z.strictObject({
  method: z.literal('crosskd').describe('Cross-Head Knowledge Distillation (CVPR 2024).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  reuse: z.int().min(0).optional().describe('r: how many blocks of the student\'s own towers its features pass before the rest of the teacher\'s head takes over; 0 hands over the pyramid itself. Default: all blocks but one (3 of 4), in FCOS all but two (2 of 4).'),
  classification: weight.optional().describe('Weight of the classification part. RetinaNet, ATSS, GFL: 1.'),
  box: weight.optional().describe('Weight of the box part. RetinaNet, ATSS: 1.'),
  centerness: weight.default(1).describe('Weight of the centerness part, which only detectors with anchors and a centerness branch (ATSS) have.'),
  beta: z.number().min(0).default(1).describe('β, the power of the gap between the two probabilities that weighs the cross entropy.'),
});

export const crosskdCard = {
  id: 'crosskd', title: 'CrossKD', paper: 'CrossKD: Cross-Head Knowledge Distillation for Object Detection', venue: 'CVPR 2024', url: 'https://arxiv.org/abs/2306.11369',
  family: 'logit', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes', 'towers'], parity: 'reference', defaults: (detector) => ({ ...crosskdDefaults(detector) }),
} as const satisfies MethodCard;
