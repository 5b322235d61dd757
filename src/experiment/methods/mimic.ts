/** Mimic: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const mimicOptions = z.strictObject({
  method: z.literal('mimic').describe('Mimicking Very Efficient Network (CVPR 2017).'),
  weight: weight.default(1).describe('λ.'),
  proposals: z.int().min(1).max(1000).default(128).describe('Regions of an image: the objects\' boxes, then the student\'s own best ones.'),
  predictions: z.boolean().default(true).describe('Take the student\'s predicted boxes as regions too; else objects\' boxes only.'),
  nms: z.number().min(0).max(1).default(0.7).describe('IoU above which the weaker of two predicted regions of a class goes.'),
  output: z.int().min(1).max(32).default(7).describe('G: a region is compared on G × G bins.'),
  samples: z.union([z.int().positive(), z.literal('adaptive')]).default(2).describe('Samples along each side of a bin; `adaptive`: one for each cell that it is long.'),
  aligned: z.boolean().default(true).describe('RoIAlign with half-pixel centres; false: the older rule without.'),
  adapter: z.enum(['always', 'auto']).default('always').describe('`always`: a 1×1 convolution of the student\'s features. `auto`: only where widths differ.'),
  scale: z.enum(['paper', 'normalized']).default('paper').describe('`normalized`: the teacher\'s features are divided by their deviation at each level first, where large ones would swamp the detection loss.'),
});

export const mimicCard = {
  id: 'mimic', title: 'Mimic', paper: 'Mimicking Very Efficient Network for Object Detection', venue: 'CVPR 2017', url: 'https://openaccess.thecvf.com/content_cvpr_2017/html/Li_Mimicking_Very_Efficient_CVPR_2017_paper.html',
  family: 'instance', teacher: 'needed', shares: ['levels'], parity: 'restated', experimental: true,
} as const satisfies MethodCard;
