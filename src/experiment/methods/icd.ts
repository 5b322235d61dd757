/** ICD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const icdOptions = z.strictObject({
  method: z.literal('icd').describe('Instance-Conditional Distillation (NeurIPS 2021).'),
  weight: weight.default(8).describe('λ: multiplies the distillation part; 3 for two-stage detectors.'),
  temperature: z.number().positive().default(1).describe('Of the softmax that makes the masks; the decoder\'s own attention keeps 1.'),
  heads: z.int().min(1).optional().describe('Attention heads, or the largest number below that divides the teacher\'s width. Default: 8, fewer where a head would have less than four channels.'),
  detachSteps: z.int().min(0).default(1000).describe('Steps at the start in which only the student\'s projection learns from the distillation, not the student.').meta({ unit: 'steps' }),
  jitter: z.number().min(0).max(0.49).default(0.3).describe('How far a described centre may be off, in sides of its box.'),
  maxInstances: z.int().min(1).default(100).describe('Slots of an image for its objects and the invented ones. Beyond it the smallest objects are left out.'),
});

export const icdCard = {
  id: 'icd', title: 'ICD', paper: 'Instance-Conditional Knowledge Distillation for Object Detection', venue: 'NeurIPS 2021', url: 'https://arxiv.org/abs/2110.12724',
  family: 'instance', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
