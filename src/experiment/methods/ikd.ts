/** IKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

const shade = z.number().positive();

export const ikdOptions = z.strictObject({
  method: z.literal('ikd').describe('Inconsistent Knowledge Distillation (MM 2023): agreement on adversarial images, beside another method such as `fgd`.'),
  weight: weight.default(1e-5).describe('α of the adversarial feature loss.'),
  loss: z.enum(['mse', 'l1', 'cwd']).default('mse').describe('What is summed over the differences: squares, absolute values, or channel-wise divergence.'),
  temperature: temperature.default(4).describe('τ of `loss: cwd`.'),
  epsilon: shade.default(8).describe('Farthest that a value may move, in 255ths of the image\'s range.'),
  step: shade.default(2).describe('How far a value moves in a step of the attack, in 255ths of the image\'s range.'),
  steps: z.int().min(1).max(50).default(5).describe('Steps of the attack; each costs a forward and a backward pass of the teacher.'),
  momentum: z.number().min(0).default(1).describe('Decay of the attack\'s accumulated gradient.'),
  diversity: z.number().min(0).max(1).default(0.5).describe('Chance, in each step of the attack, that the teacher is shown the image shrunk and moved.'),
  shrink: z.number().positive().max(1).default(0.9).describe('Least size of a shrunk image, as a part of the whole.'),
  until: z.number().min(0).max(1).default(2 / 3).describe('Part of the run after which the loss is 0 (16 of 24 epochs).').meta({ unit: 'part of the run' }),
});

export const ikdCard = {
  id: 'ikd', title: 'IKD', paper: 'Exploring Inconsistent Knowledge Distillation for Object Detection with Data Augmentation', venue: 'ACM MM 2023', url: 'https://arxiv.org/abs/2209.09841',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
