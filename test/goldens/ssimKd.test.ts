import { describe, expect, it } from 'vitest';
import { ssimKdOptions } from '../../src/experiment/methods/ssimKd.ts';
import { buildDistillers, expectGradients, featureScene, loadAdapters, measure } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, levelsFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly window: number; readonly sigma: number; readonly C1: number; readonly C2: number; readonly loss_weight: number;
    readonly normalise: string; readonly adapter: string | null;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: Readonly<Record<string, number>> & { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('ssim-kd.json') as { readonly cases: readonly Case[] } | undefined;

function configOf({ hyperparameters: of }: Case): ReturnType<typeof ssimKdOptions.parse> {
  return ssimKdOptions.parse({
    method: 'ssim-kd', weight: of.loss_weight, window: of.window, deviation: of.sigma, k1: Math.sqrt(of.C1), k2: Math.sqrt(of.C2),
    normalise: of.normalise.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), adapter: of.adapter === null ? 'auto' : 'always',
  });
}

/** `student_feat_0` → `features.0`, `adapt_weight_0` → `distill.ssim-kd.L0.align.weight`. */
function ourName(name: string): string {
  return name.replace(/^student_feat_(\d+)$/, 'features.$1').replace(/^adapt_(weight|bias)_(\d+)$/, 'distill.ssim-kd.L$2.align.$1');
}

describe.skipIf(goldens === undefined)('SSIM-KD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const scene = featureScene(levelsFromGolden(golden.inputs, 'student_feat_'), levelsFromGolden(golden.inputs, 'teacher_feat_'));
      const distillers = buildDistillers([configOf(golden)], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients, pictures } = await measure(distillers, scene, execute);
      expectLoss(losses['ssim-kd.structure'] ?? Number.NaN, golden.loss.total, 'total');
      expectGradients(gradients, golden.grads, ourName);
      scene.grid.forEach((grid, level) => {
        const shown = pictures[`ssim-kd.dssim.difference.L${level}`];
        const mask = golden.masks[`dssim_${level}`];
        if (mask !== undefined) expectTensor(shown?.data ?? [], mask.data, `dssim_${level}`, 1e-5, 1e-7);
        // The loss of a level is the mean of its picture.
        expect(shown?.shape.slice(1)).toEqual([...grid]);
        const values = [...shown?.data ?? []];
        expectLoss(values.reduce((sum, value) => sum + value, 0) / values.length, golden.loss[`ssim_${level}`] ?? Number.NaN, `ssim_${level}`);
      });
    });
  });
});
