/** DSIG: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { scale, temperature, weight } from './common.ts';

export const dsigOptions = z.strictObject({
  method: z.literal('dsig').describe('Deep Structured Instance Graph (ICCV 2021).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  nodes: weight.default(0.5).describe('Weight of the regions\' own features.'),
  edges: weight.default(1).describe('Weight of the similarities between regions; 2 for small two-stage students.'),
  features: weight.default(0.5).describe('Weight of the plain difference of the pyramids.'),
  classification: weight.default(1).describe('Weight of the divergence of class predictions over all anchors. 0 for students with a mobile backbone.'),
  regression: weight.default(1).describe('Weight of the difference of box predictions at foreground anchors. 0 for students with a mobile backbone.'),
  temperature: temperature.default(1).describe('Of the class predictions.'),
  maxNodes: z.int().min(1).default(100).describe('Regions of an image, at most: its best detections. 32 are enough for small images, and faster.'),
  nms: z.number().gt(0).max(1).default(0.5).describe('IoU above which the weaker detection of a class is no region.'),
  poolSize: z.int().min(1).default(7).describe('Cells along each side of a pooled region.'),
  scale: scale.describe('`paper`: features as they are. `normalized`: features of both networks divided by the teacher\'s deviation at their level, for networks whose features are large.'),
});

export const dsigCard = {
  id: 'dsig', title: 'DSIG', paper: 'Deep Structured Instance Graph for Distilling Object Detectors', venue: 'ICCV 2021', url: 'https://arxiv.org/abs/2109.12862',
  family: 'relation', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'reference',
} as const satisfies MethodCard;
