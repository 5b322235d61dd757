/** FGFI: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const fgfiOptions = z.strictObject({
  method: z.literal('fgfi').describe('Fine-grained Feature Imitation (CVPR 2019).'),
  variant: z.enum(['fpn', 'single']).default('fpn').describe('`fpn`: every level of the pyramid, each object on one of them. `single`: one level, all objects, the adapter followed by a rectifier, as in the first release.'),
  weight: weight.optional().describe('λ. Default 3 (`fpn`) or 0.01 (`single`).'),
  threshold: z.number().min(0).max(1).default(0.5).describe('φ: a cell is imitated if one of its anchors overlaps an object by more than φ times the best anchor\'s IoU.'),
  stride: z.int().positive().default(16).describe('Stride in input pixels of the level that `single` takes; without such a level, the finest.').meta({ unit: 'pixels' }),
  delay: z.int().min(0).optional().describe('Steps at the start without imitation. Default 0 (`fpn`) or 400 (`single`).').meta({ unit: 'steps' }),
});

const BY_VARIANT = { fpn: { weight: 3, delay: 0 }, single: { weight: 0.01, delay: 400 } } as const;

export function fgfiDefaults(variant: keyof typeof BY_VARIANT): { readonly weight: number; readonly delay: number } {
  return BY_VARIANT[variant];
}

export const fgfiCard = {
  id: 'fgfi', title: 'FGFI', paper: 'Distilling Object Detectors with Fine-grained Feature Imitation', venue: 'CVPR 2019', url: 'https://arxiv.org/abs/1906.03609',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
