/** G-DetKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { scale, weight } from './common.ts';

export const gDetkdOptions = z.strictObject({
  method: z.literal('g-detkd').describe('General distillation for any pair of detectors (ICCV 2021).'),
  weight: weight.default(1).describe('Multiplies both parts.'),
  imitation: weight.default(1).describe('Weight of the regions\' features against the blend of the teacher\'s levels.'),
  contrast: weight.default(0.5).describe('Weight of the contrastive part.'),
  temperature: z.number().positive().default(0.07).describe('τ of the contrast between regions.'),
  embedding: z.int().min(1).default(256).describe('Width of the regions\' embeddings.'),
  queue: z.int().min(0).default(4096).describe('Teacher embeddings of past steps that serve as negatives too; 0 for those of the batch alone.'),
  overlap: z.number().min(0).max(1).default(0.5).describe('IoU above which two regions of an image are no negatives of each other.'),
  maxRegions: z.int().min(1).default(64).describe('Regions of an image: its objects (the largest, if there are more), then the student\'s best detections.'),
  nms: z.number().gt(0).max(1).default(0.5).describe('IoU above which the weaker detection of a class is no region.'),
  poolSize: z.int().min(1).default(7).describe('Cells along each side of a pooled region.'),
  scale: scale.describe('`paper`: features as they are. `normalized`: features of both networks divided by the mean of the teacher\'s deviations, for networks whose features are large.'),
});

export const gDetkdCard = {
  id: 'g-detkd', title: 'G-DetKD', paper: 'G-DetKD: Towards General Distillation Framework for Object Detectors via Contrastive and Semantic-guided Feature Imitation', venue: 'ICCV 2021',
  url: 'https://arxiv.org/abs/2108.07482', family: 'instance', teacher: 'needed', shares: ['boxes'], parity: 'none', experimental: true,
} as const satisfies MethodCard;
