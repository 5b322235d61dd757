/** DRKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { scale, weight } from './common.ts';

export const drkdOptions = z.strictObject({
  method: z.literal('drkd').describe('Dual Relation Knowledge Distillation (IJCAI 2023).'),
  weight: weight.default(1).describe('Multiplies all three parts.'),
  pixel: weight.default(0.004).describe('Weight of the relations of cells; 0.001 for two-stage detectors.'),
  instance: weight.default(0.005).describe('Weight of the relations of objects; 0.004 for two-stage detectors.'),
  foreground: weight.default(0.006).describe('Weight of the objects\' own features; 0.0024 for two-stage detectors.'),
  graphNodes: z.array(z.int().min(1)).min(1).optional().describe('Nodes of each level\'s graph; the last number is taken for the levels beyond. Default: a quarter of the teacher\'s width on the two finest levels, all of it beyond.'),
  normalizeGraph: z.boolean().default(false).describe('Divide what a node collects by the number of cells. The official code sums.'),
  relationLevels: z.int().min(1).default(2).describe('Levels from the finest on whose objects are related.'),
  poolSize: z.int().min(1).default(3).describe('Cells along each side of a pooled object.'),
  filter: z.enum(['none', 'fixed']).default('none').describe('What weighs the relations of objects: nothing, or a linear map with random weights that never change. The official code draws them anew each time.'),
  maxObjects: z.int().min(1).default(50).describe('Slots of an image for its objects; beyond it the smallest are left out.'),
  scale: scale.describe('`paper`: features as they are. `normalized`: features of both networks divided by the teacher\'s deviation at their level, for networks whose features are large.'),
});

export const drkdCard = {
  id: 'drkd', title: 'DRKD', paper: 'Dual Relation Knowledge Distillation for Object Detection', venue: 'IJCAI 2023', url: 'https://arxiv.org/abs/2302.05637',
  family: 'relation', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
