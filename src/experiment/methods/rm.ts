/** RM: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export const rmOptions = z.strictObject({
  method: z.literal('rm').describe('Rank Mimicking (AAAI 2022).'),
  weight: weight.default(4).describe('α of the paper.'),
  temperature: temperature.default(1).describe('τ of the softmax over an object\'s candidates.'),
  score: z.enum(['probability', 'logit']).default('probability').describe('What is ranked: class scores after the sigmoid, or before it (a reading).'),
  sorted: z.boolean().default(false).describe('Compare the two sorted lists of scores, as one public draft does (a reading). It loses which box is best, and is there for comparison only.'),
  reduction: z.enum(['image', 'batch']).default('image').describe('`image`: mean over an image\'s objects, then over images. `batch`: mean over all objects of the batch.'),
  localisation: weight.default(0).describe('Weight of the same loss over the IoU of each decoded box with its object instead of the score (a reading); 0 is off. The paper is said to be best with both: 4 when on.'),
});

export const rmCard = {
  id: 'rm', title: 'RM', paper: 'Knowledge Distillation for Object Detection via Rank Mimicking and Prediction-guided Feature Imitation', venue: 'AAAI 2022', url: 'https://arxiv.org/abs/2112.04840',
  family: 'logit', teacher: 'needed', shares: ['levels', 'classes', 'anchors'], parity: 'restated',
} as const satisfies MethodCard;
