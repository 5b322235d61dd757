/** GID: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const gidOptions = z.strictObject({
  method: z.literal('gid').describe('General Instance Distillation (CVPR 2021).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  feature: weight.default(0.0005).describe('Weight of the feature part.'),
  relation: weight.default(40).describe('Weight of the relation part.'),
  classification: weight.default(0.1).describe('Weight of the response part for classes.'),
  box: weight.default(1).describe('Weight of the response part for boxes.'),
  boxBeta: z.number().min(0).default(0).describe('Turning point of the smooth L1 loss of the boxes; 0 is L1.'),
  instances: z.int().positive().default(10).describe('K: general instances of an image.'),
  candidates: z.int().positive().default(3000).describe('Candidates of largest disagreement that non-maximum suppression looks at, in an image.'),
  overlap: z.number().min(0).max(1).default(0.3).describe('IoU above which the weaker of two instances goes.'),
  leastSide: z.number().min(0).default(10).describe('Boxes that are not longer than this on both sides, in pixels of the network\'s input, are left out.').meta({ unit: 'pixels' }),
  output: z.int().positive().default(10).describe('Bins along each side of a region.'),
  samples: z.int().positive().default(2).describe('Samples along each side of a bin.'),
  canonicalLevel: z.int().default(4).describe('Level, counted as in P3, that a region of `canonicalSize` is read from; one up for twice the size.'),
  canonicalSize: z.number().positive().default(224).describe('Side in pixels of the region that belongs to `canonicalLevel`. Lower it for small images, where all regions go to the finest level.').meta({ unit: 'pixels' }),
  adapter: z.enum(['auto', '3x3']).default('auto').describe('`3x3`: a trained 3×3 convolution of the student\'s features, shared by all levels, as the paper has it and the official code leaves out. `auto`: only where widths differ.'),
});

export const gidCard = {
  id: 'gid', title: 'GID', paper: 'General Instance Distillation for Object Detection', venue: 'CVPR 2021', url: 'https://arxiv.org/abs/2103.02340',
  family: 'instance', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'reference',
} as const satisfies MethodCard;
