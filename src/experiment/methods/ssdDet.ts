/** SSD-Det: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

const part = z.number().min(0).max(1);
const count = z.int().min(1);

export const ssdDetOptions = z.strictObject({
  method: z.literal('ssd-det').describe('Spatial Self-Distillation (ICCV 2023): moves inaccurate boxes while the detector trains; needs no teacher.'),
  weight: weight.default(0.25).describe('Multiplies all parts. The paper weighs the detector\'s own losses by 4 instead.'),
  bags: weight.default(0.25).describe('Weight of the bags\' class losses, of either stage and of the negatives.'),
  regression: weight.default(0.25).describe('Weight of the regressors\' loss, of either stage.'),
  spatial: weight.default(5).describe('Weight of the loss of the spatial score; 0 leaves that score out.'),
  ratios: z.array(z.number().positive()).min(1).max(9).default([1, 1.2, 1.3, 0.8, 0.7]).describe('Factors of a box\'s width and height; a bag holds all pairs of them. Fewer need less memory and time.'),
  shake: z.number().min(0).max(1).default(0.2).describe('How far each of them is moved to the left, to the right, up and down as well, in its own sides; 0: not at all.'),
  top: count.default(7).describe('k: proposals that are merged into the new box.'),
  negatives: z.int().min(0).default(100).describe('Random boxes an image that lie off every object; their loss is scaled to the 500 of the paper. 0: none.'),
  maxObjects: count.max(100).default(8).describe('Objects of an image whose boxes are moved; where there are more, the largest. The others keep theirs.'),
  leastSide: z.number().positive().default(8).describe('Objects with a shorter side keep their box, in input pixels.').meta({ unit: 'pixels' }),
  keep: part.default(0.3).describe('Least IoU of a moved box with the given one; below it the given one stays.'),
  refineFrom: part.default(0).describe('Part of the run before which the detector still learns from the given boxes.'),
  output: count.max(14).default(7).describe('Bins along each side of a pooled proposal.'),
  hidden: count.optional().describe('Width of the heads\' two layers. Default: 1024 (as published) times the neck\'s channels / 256.'),
});

export const ssdDetCard = {
  id: 'ssd-det', title: 'SSD-Det', paper: 'Spatial Self-Distillation for Object Detection with Inaccurate Bounding Boxes', venue: 'ICCV 2023', url: 'https://arxiv.org/abs/2307.12101',
  family: 'self', teacher: 'none', shares: [], parity: 'none', experimental: true,
} as const satisfies MethodCard;
