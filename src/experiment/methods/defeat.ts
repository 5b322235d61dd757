/** DeFeat: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export const defeatOptions = z.strictObject({
  method: z.literal('defeat').describe('Decoupled Features (CVPR 2021).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  foreground: weight.default(4).describe('w_f: features inside boxes. 4 for COCO, 3 for VOC.'),
  background: weight.default(16).describe('w_b: features outside boxes. 16 for COCO, 12 for VOC.'),
  backboneForeground: weight.default(0).describe('Weight of the backbone\'s features inside boxes; both 0: the backbone is left alone.'),
  backboneBackground: weight.default(0).describe('Weight of the backbone\'s features outside boxes.'),
  stages: z.array(z.enum(['C3', 'C4', 'C5'])).min(1).default(['C3', 'C4', 'C5']).describe('Stages of the backbone that are distilled, where their weights are above 0.'),
  head: z.boolean().default(false).describe('Distil class logits too, positives and negatives apart. For one-stage heads this is our reading of the paper; it was never released.'),
  headForeground: weight.default(2).describe('w_cf: logits of positives. Counts with `head`.'),
  headBackground: weight.default(2).describe('w_cb: logits of negatives. Counts with `head`.'),
  temperature: temperature.default(1).describe('T_h of the logits. Counts with `head`.'),
  decay: z.enum(['none', 'linear', 'cosine']).default('none').describe('How all parts fall to 0 over the run.'),
});

export const defeatCard = {
  id: 'defeat', title: 'DeFeat', paper: 'Distilling Object Detectors via Decoupled Features', venue: 'CVPR 2021', url: 'https://arxiv.org/abs/2103.14475',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
