import { describe, it } from 'vitest';
import { pkdOptions } from '../../src/experiment/methods/pkd.ts';
import { buildDistillers, expectGradients, featureScene, loadAdapters, measure } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, levelsFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly loss_weight: number; readonly resize_stu: boolean };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('pkd.json') as { readonly cases: readonly Case[] } | undefined;

/** `student_l0` → `features.0`, `0.weight` → `distill.pkd.L0.align.weight`. */
function ourName(name: string): string {
  return name.replace(/^student_l(\d+)$/, 'features.$1').replace(/^(?:align\.)?(\d+)\./, 'distill.pkd.L$1.align.');
}

describe.skipIf(goldens === undefined)('PKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { loss_weight, resize_stu } = golden.hyperparameters;
      const scene = featureScene(levelsFromGolden(golden.inputs, 'student_l'), levelsFromGolden(golden.inputs, 'teacher_l'));
      const distillers = buildDistillers([pkdOptions.parse({ method: 'pkd', weight: loss_weight, resize: resize_stu ? 'student' : 'teacher', levels: scene.grid.length })], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients } = await measure(distillers, scene, execute);
      expectLoss(losses['pkd.correlation'] ?? Number.NaN, golden.loss.total, 'total');
      expectGradients(gradients, golden.grads, ourName);
    });
  });
});
