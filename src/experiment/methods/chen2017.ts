/** Chen et al. 2017: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export const chen2017Options = z.strictObject({
  method: z.literal('chen2017').describe('Weighted soft classes, bounded regression and a hint (NeurIPS 2017).'),
  losses: z.enum(['detector', 'paper']).default('detector')
    .describe('`detector`: the student keeps its own detection loss. `paper`: the hard losses over the same rows take its place (RetinaNet).'),
  mu: z.number().min(0).max(1).default(0.5).describe('Share of the hard class loss; 1 − mu weighs the soft one.'),
  nu: weight.default(0.5).describe('Weight of the bounded regression.'),
  lambda: weight.default(1).describe('Weight of all of the regression.'),
  gamma: weight.default(0.5).describe('Weight of the hint.'),
  temperature: temperature.default(1).describe('Temperature of the soft classes.'),
  backgroundWeight: weight.default(1.5).describe('Weight of the background in the soft classes; classes weigh 1.'),
  margin: z.number().default(0).describe('Squared error by which the student may beat the teacher before the bounded regression stops.'),
  classView: z.enum(['softmax', 'binary']).default('softmax')
    .describe('How class scores without a background become distributions: one softmax with a background logit of 0, or class by class against 0.'),
  rows: z.int().min(1).default(256).describe('Anchors drawn from each image.'),
  foregroundShare: z.number().min(0).max(1).default(0.5).describe('Largest share of anchors with an object among them.'),
  hint: z.enum(['backbone', 'neck', 'none']).default('backbone').describe('The feature map that is hinted: the backbone\'s last, or every level of the neck.'),
  hintNorm: z.enum(['l2', 'l1']).default('l2').describe('Squared or absolute difference.'),
});

export const chen2017Card = {
  id: 'chen2017', title: 'Chen et al. 2017', paper: 'Learning Efficient Object Detection Models with Knowledge Distillation', venue: 'NeurIPS 2017',
  url: 'https://papers.nips.cc/paper_files/paper/2017/hash/e1e32e235eee1f970470a3a6658dfdd5-Abstract.html',
  family: 'logit', teacher: 'needed', shares: ['levels', 'classes', 'anchors'], parity: 'restated',
} as const satisfies MethodCard;
