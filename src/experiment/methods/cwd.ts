/** CWD: options and card. */
import { z } from 'zod';
import { type MethodCard } from './card.ts';
import { temperature, weight } from './common.ts';

export const cwdOptions = z.strictObject({
  method: z.literal('cwd').describe('Channel-wise Knowledge Distillation (ICCV 2021).'),
  tap: z.enum(['features', 'logits']).default('features').describe('What is compared: the neck\'s outputs, or class logits before the sigmoid.'),
  weight: weight.optional().describe('Weight of each level. Default: 10 for `tap: features`, 5 for `tap: logits`.'),
  temperature: temperature.default(1).describe('τ of the softmax over places; the loss is multiplied by τ².'),
  levels: z.int().min(1).optional().describe('How many levels are compared, from the finest on. Default: all.'),
  constant: z.enum(['kl', 'ce']).default('kl').describe('`kl`: the divergence, 0 where both agree. `ce`: the cross entropy, larger by the teacher\'s entropy, with the same gradient.'),
  align: z.enum(['auto', 'always']).default('auto').describe('1×1 convolution of the student\'s features: only where widths differ, or always. Logits have none.'),
  maskPadding: z.boolean().default(false).describe('Leave cells that lie wholly in the padding out of both distributions; published code keeps them.'),
  channel: z.int().min(0).default(0).describe('The channel (for logits: anchor · classes + class) whose distributions are shown; the last one where there are fewer.'),
});

export const cwdCard = {
  id: 'cwd', title: 'CWD', paper: 'Channel-wise Knowledge Distillation for Dense Prediction', venue: 'ICCV 2021', url: 'https://arxiv.org/abs/2011.13256',
  family: 'feature', teacher: 'needed', shares: ['levels'], parity: 'reference',
} as const satisfies MethodCard;
