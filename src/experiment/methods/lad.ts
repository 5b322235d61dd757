/** LAD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { weight } from './common.ts';

export const ladOptions = z.strictObject({
  method: z.literal('lad').describe('Label Assignment Distillation (WACV 2022).'),
  losses: z.enum(['detector', 'paa']).default('detector')
    .describe('`detector`: the student\'s own losses on the teacher\'s assignment. `paa`: the paper\'s focal, GIoU and IoU losses in their place (RetinaNet, ATSS, FCOS).'),
  candidates: z.int().min(1).default(9).describe('Candidates a level that go into an object\'s mixture.'),
  overlap: z.number().min(0).max(1).default(0.1).describe('Least IoU with the object that makes an anchor a candidate.'),
  classWeight: weight.default(1).describe('Weight of the focal loss (`losses: paa`).'),
  giouWeight: weight.default(1.3).describe('Weight of the GIoU loss, and of 1 − GIoU in the cost by which anchors are chosen.'),
  iouWeight: weight.default(0.5).describe('Weight of the loss of the IoU branch (`losses: paa`).'),
});

export const ladCard = {
  id: 'lad', title: 'LAD', paper: 'Improving Object Detection by Label Assignment Distillation', venue: 'WACV 2022', url: 'https://arxiv.org/abs/2108.10520',
  family: 'assignment', teacher: 'needed', shares: ['levels', 'classes', 'anchors', 'boxes'], parity: 'reference',
} as const satisfies MethodCard;
