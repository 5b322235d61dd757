/** ScaleKD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { scale, warmup, weight } from './common.ts';

export const scalekdOptions = z.strictObject({
  method: z.literal('scalekd').describe('Scale-aware distillation for small objects (CVPR 2023).'),
  weight: weight.default(1).describe('Multiplies all parts.'),
  branches: weight.default(1).describe('Weight of the features decoupled by scale.'),
  assistant: weight.default(1).describe('Weight of the assistant\'s own detection loss.'),
  classification: weight.default(1).describe('Weight of class predictions, teacher to assistant and assistant to student.'),
  box: weight.default(1).describe('Weight of boxes, teacher to assistant and assistant to student.'),
  dilations: z.array(z.int().min(1)).min(1).max(3).default([1, 2, 3]).describe('Distances of the taps of the branches\' windows, in cells.'),
  branchWeights: z.array(z.number().min(0)).min(1).max(3).default([1]).describe('Weights of the branches, in their order; the last counts for those beyond.'),
  rates: z.array(z.int().min(1)).min(1).default([1, 2, 4]).describe('How many cells of the teacher\'s map along each side a key of the assistant pools; the heads are dealt out to them.'),
  heads: z.int().min(1).default(8).describe('The assistant\'s attention heads.'),
  maxTokens: z.int().min(1).default(1024).describe('Keys of a level and rate, at most: larger maps are pooled more.'),
  warmup: warmup.default(500),
  scale: scale.describe('`paper`: features as they are. `normalized`: the branches\' features of both networks divided by the teacher\'s deviation at their level, for networks whose features are large.'),
});

export const scalekdCard = {
  id: 'scalekd', title: 'ScaleKD', paper: 'ScaleKD: Distilling Scale-Aware Knowledge in Small Object Detector', venue: 'CVPR 2023',
  url: 'https://openaccess.thecvf.com/content/CVPR2023/html/Zhu_ScaleKD_Distilling_Scale-Aware_Knowledge_in_Small_Object_Detector_CVPR_2023_paper.html',
  family: 'feature', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'none', experimental: true,
} as const satisfies MethodCard;
