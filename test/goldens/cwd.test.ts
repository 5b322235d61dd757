import { describe, expect, it } from 'vitest';
import { cwdOptions } from '../../src/experiment/methods/cwd.ts';
import { buildDistillers, expectGradients, featureScene, loadAdapters, measure, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly reference: string;
  readonly hyperparameters: { readonly tau: number; readonly loss_weight: number };
  readonly inputs: { readonly student: GoldenTensor; readonly teacher: GoldenTensor };
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('cwd.json') as { readonly cases: readonly Case[] } | undefined;

/** `student` → `features.0`, `0.weight` → the adapter's. */
const ourName = (name: string): string => (name === 'student' ? 'features.0' : `distill.cwd.L0.${name}`);

/** The distiller's class takes the cross entropy and divides by the student's channels, ours by the teacher's. */
function settingsOf({ reference, inputs, hyperparameters }: Case): { readonly constant: 'kl' | 'ce'; readonly factor: number } {
  if (!reference.includes('cross entropy')) return { constant: 'kl', factor: hyperparameters.loss_weight };
  return { constant: 'ce', factor: hyperparameters.loss_weight * (inputs.teacher.shape[1] ?? 1) / (inputs.student.shape[1] ?? 1) };
}

function build(golden: Case, scene: Scene, channel: number): ReturnType<typeof buildDistillers> {
  const { constant, factor } = settingsOf(golden);
  const align = Object.keys(golden.parameters).length > 0 ? 'always' : 'auto';
  const distillers = buildDistillers([cwdOptions.parse({ method: 'cwd', temperature: golden.hyperparameters.tau, weight: factor, constant, align, channel })], scene);
  loadAdapters(distillers, golden.parameters, ourName);
  return distillers;
}

function compare(golden: Case, { losses, gradients }: Measured): void {
  expectLoss(losses['cwd.divergence'] ?? Number.NaN, golden.loss.total, 'total');
  expectGradients(gradients, golden.grads, ourName);
}

describe.skipIf(goldens === undefined)('CWD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const scene = featureScene([mapFromGolden(golden.inputs.student)], [mapFromGolden(golden.inputs.teacher)]);
      compare(golden, await measure(build(golden, scene, 0), scene, execute));
      const mask = golden.masks.teacher_channel_distribution;
      if (mask === undefined) return;
      const { shape: [, rows, columns, channels = 0], data } = mapFromGolden(mask);
      for (let channel = 0; channel < channels; channel += 1) {
        const picture = (await measure(build(golden, scene, channel), scene, execute)).pictures['cwd.distribution.teacher.L0'];
        expect(picture?.shape.slice(1)).toEqual([rows, columns]);
        expectTensor(picture?.data ?? [], data.filter((___, index) => index % channels === channel), `channel ${channel}`, 1e-5, 1e-7);
      }
    });
  });
});
