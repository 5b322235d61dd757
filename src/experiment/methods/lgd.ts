/** LGD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

const part = z.number().min(0).max(1);
const width = z.int().min(1);

export const lgdOptions = z.strictObject({
  method: z.literal('lgd').describe('Label-Guided Self-Distillation (AAAI 2022); needs no teacher.'),
  weight: weight.default(1).describe('λ of the distillation term. The detection loss on the instructive features always weighs 1.'),
  context: z.boolean().default(true).describe('Give every image one more row, for the whole image. The authors turn it off for FCOS with ResNet-50 and for two-stage detectors.'),
  detachAppearance: z.boolean().default(false).describe('Keep the dynamic teacher\'s losses from the student\'s features. On for two-stage detectors.'),
  heads: z.int().min(1).default(8).describe('Most attention heads; the largest number up to this that divides the neck\'s channels is taken.'),
  maxObjects: z.int().min(1).max(1000).default(64).describe('Objects of an image that are encoded; where there are more, the largest.'),
  widths: z.tuple([width, width, width, width, width]).optional().describe('Widths inside the label encoder. Default: 64, 128, 1024, 512, 256 (as published), times the neck\'s channels / 256.'),
  backboneFrom: part.default(1 / 9).describe('Part of the run during which the student\'s backbone and neck wait for head and label encoder (20,000 of 180,000 steps).'),
  imitateFrom: part.default(1 / 6).describe('Part of the run before which only the adapter learns from the distillation term (30,000 of 180,000 steps).'),
  imitateUntil: part.default(1).describe('Part of the run after which that is so again.'),
});

export const lgdCard = {
  id: 'lgd', title: 'LGD', paper: 'LGD: Label-Guided Self-Distillation for Object Detection', venue: 'AAAI 2022', url: 'https://arxiv.org/abs/2109.11496',
  family: 'self', teacher: 'none', shares: [], parity: 'reference',
} as const satisfies MethodCard;
