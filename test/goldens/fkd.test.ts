import { describe, expect, it } from 'vitest';
import { fkdOptions } from '../../src/experiment/methods/fkd.ts';
import { buildDistillers, expectGradients, featureScene, loadAdapters, measure, type Measured } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, levelsFromGolden, permute, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly temperature: number; readonly downsample_stride: readonly number[]; readonly reduction: number;
    readonly weights: { readonly feat: number; readonly channel: number; readonly spatial: number; readonly nonlocal_: number };
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: Readonly<Record<string, number>> & { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('fkd.json') as { readonly cases: readonly Case[] } | undefined;

function configOf({ hyperparameters: { temperature, downsample_stride, reduction, weights } }: Case): ReturnType<typeof fkdOptions.parse> {
  return fkdOptions.parse({
    method: 'fkd', temperature, pooling: downsample_stride, reduction: [reduction],
    featureWeight: weights.feat, channelWeight: weights.channel, spatialWeight: weights.spatial, nonlocalWeight: weights.nonlocal_,
  });
}

const PARTS: Readonly<Record<string, string>> = { w: 'weight', b: 'bias' };

/** `student_feat_0` → `features.0`, `feat_adapt_weight_0` → `…L0.feat_adapt.weight`, `student_nonlocal_theta_w_0` → `…L0.student_nonlocal.theta.weight`. */
function ourName(name: string): string {
  const [, stem = '', level = ''] = /^(.*)_(\d+)$/.exec(name) ?? [];
  if (stem === 'student_feat') return `features.${level}`;
  const own = stem.replace(/_(weight|bias)$/, '.$1').replace(/_gamma$/, '.norm.weight').replace(/_beta$/, '.norm.bias')
    .replace(/_nonlocal_(\w+)_([wb])$/, (_, layer: string, part: string) => `_nonlocal.${layer}.${PARTS[part] ?? part}`);
  return `distill.fkd.L${level}.${own}`;
}

/** A linear layer is OI there, IO here. */
function ourWeight(tensor: GoldenTensor): Float32Array {
  return tensor.shape.length === 2 ? permute(Float32Array.from(tensor.data), tensor.shape, [1, 0]) : weightFromGolden(tensor);
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  const sum = (part: string): number => Object.entries(golden.loss).reduce((all, [name, value]) => (name.startsWith(`${part}_`) ? all + value : all), 0);
  expectLoss(losses['fkd.feature'] ?? Number.NaN, sum('feat'), 'feature');
  for (const part of ['channel', 'spatial', 'nonlocal']) expectLoss(losses[`fkd.${part}`] ?? Number.NaN, sum(part), part);
  expectLoss(Object.values(losses).reduce((all, value) => all + value, 0), golden.loss.total, 'total');
  expectGradients(gradients, golden.grads, ourName, ourWeight);
  for (const [name, { shape, data }] of Object.entries(golden.masks)) {
    const picture = pictures[`fkd.mask.shared.${name.replace('spatial_mask_', 'L')}`];
    expect(picture?.shape, name).toEqual([shape[0], shape[2], shape[3]]);
    expectTensor(picture?.data ?? [], data, name, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('FKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const scene = featureScene(levelsFromGolden(golden.inputs, 'student_feat_'), levelsFromGolden(golden.inputs, 'teacher_feat_'));
      const distillers = buildDistillers([configOf(golden)], scene);
      loadAdapters(distillers, golden.parameters, ourName, ourWeight);
      compare(golden, await measure(distillers, scene, execute));
    });
  });
});
