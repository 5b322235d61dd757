/** LabelEnc: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

const part = z.number().min(0).max(1);
const width = z.int().min(1);
const four = z.tuple([width, width, width, width]);

export const labelencOptions = z.strictObject({
  method: z.literal('labelenc').describe('LabelEnc, intermediate supervision by encoded labels (ECCV 2020); needs no teacher.'),
  weight: weight.default(1).describe('λ of the distance between features and label features.'),
  stage: z.enum(['encoder', 'detector']).default('encoder').describe('`encoder`: label encoder and detector learn together (step 1 of the paper; serves by itself too). `detector`: a detector learns from a finished `encoder` (step 2).'),
  encoder: z.string().min(1).optional().describe('For `stage: detector`: `adapters.safetensors` in a checkpoint of a run with `stage: encoder`. Relative paths start at the experiment\'s folder.'),
  imitateFrom: part.optional().describe('Part of the run before which λ is 0. Default by stage: `encoder` 1/4 (30,000 of 120,000 steps), `detector` 0.'),
  imitateUntil: part.optional().describe('Part of the run after which λ is 0. Default by stage: `encoder` 1, `detector` 8/9 (80,000 of 90,000 steps).'),
  labelMapScale: z.union([z.literal(1), z.literal(0.5)]).default(1).describe('Side of the label map / side of the input. 0.5 needs a quarter of the memory; the encoder\'s first convolution then has stride 1.'),
  emptyImages: z.boolean().default(true).describe('Whether images without objects count in the distance, as in the official code.'),
  p6From: z.enum(['c5', 'p5']).default('c5').describe('What P6 of the label features is made from; the official FCOS configurations take `p5`.'),
  widths: z.strictObject({
    stem: width.describe('Channels after the first convolution (128).'),
    stages: four.describe('Channels of the four stages (256, 512, 1024, 2048).'),
    middle: four.describe('Channels of their 3×3 convolutions (64, 128, 256, 512).'),
  }).optional().describe('Widths of the label encoder. Default: the published ones times the neck\'s channels / 256.'),
});

export const labelencCard = {
  id: 'labelenc', title: 'LabelEnc', paper: 'LabelEnc: A New Intermediate Supervision Method for Object Detection', venue: 'ECCV 2020', url: 'https://arxiv.org/abs/2007.03282',
  family: 'self', teacher: 'none', shares: [], parity: 'reference',
} as const satisfies MethodCard;
