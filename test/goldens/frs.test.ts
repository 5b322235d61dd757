import { describe, expect, it } from 'vitest';
import { frsOptions } from '../../src/experiment/methods/frs.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Maps, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, levelsFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly distill_feat_weight: number; readonly distill_cls_weight: number; readonly distill_warm_step: number; readonly iteration: number; readonly adapter_kernel: 1 | 3 };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: { readonly total: number; readonly feat: number; readonly cls: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('frs.json') as { readonly cases: readonly Case[] } | undefined;

function sceneOf({ inputs, hyperparameters: { iteration } }: Case): Scene {
  const maps = (network: string): Maps => ({ features: levelsFromGolden(inputs, `${network}_feat_l`), logits: levelsFromGolden(inputs, `${network}_cls_l`) });
  const student = maps('student');
  const grid = (student.logits ?? []).map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const);
  const batch = student.logits?.[0]?.shape[0] ?? 0;
  return {
    student, teacher: maps('teacher'), classes: student.logits?.[0]?.shape[3] ?? 0, anchorsPerCell: 1, grid,
    batch: {
      truth: Array.from({ length: batch }, () => ({ boxes: [], labels: [], ignored: [] })), inputSize: [64, 64],
      contentSizes: Array.from({ length: batch }, () => [64, 64] as const), assignments: [], step: iteration,
    },
  };
}

/** `student_feat_l0` → `features.0`, `conv.0.weight` → `distill.frs.L0.align.weight`. */
function ourName(name: string): string {
  const map = /^student_(cls|feat)_l(\d+)$/.exec(name);
  if (map !== null) return `${map[1] === 'cls' ? 'logits' : 'features'}.${map[2] ?? ''}`;
  return name.replace(/^conv\.(\d+)\./, 'distill.frs.L$1.align.');
}

describe.skipIf(goldens === undefined)('FRS against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { distill_feat_weight, distill_cls_weight, distill_warm_step, adapter_kernel } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const config = frsOptions.parse({ method: 'frs', featureWeight: distill_feat_weight, classWeight: distill_cls_weight, warmup: distill_warm_step, kernel: adapter_kernel });
      const distillers = buildDistillers([config], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients, pictures } = await measure(distillers, scene, execute);
      expectLoss(losses['frs.feature'] ?? Number.NaN, golden.loss.feat, 'feature');
      expectLoss(losses['frs.classification'] ?? (distill_cls_weight === 0 ? 0 : Number.NaN), golden.loss.cls, 'classification');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
      expectGradients(gradients, golden.grads, ourName);
      for (const [name, { shape, data }] of Object.entries(golden.masks)) {
        const picture = pictures[`frs.richness.teacher.L${/\d+$/.exec(name)?.[0] ?? ''}`];
        expect(picture?.shape, name).toEqual(shape);
        expectTensor(picture?.data ?? [], data, name, 1e-5, 1e-7);
      }
    });
  });
});
