import { describe, expect, it } from 'vitest';
import { type Box } from '../../src/engine/boxes.ts';
import { fgdOptions } from '../../src/experiment/methods/fgd.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, mapFromGolden, permute, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly temp: number; readonly alpha_fgd: number; readonly beta_fgd: number; readonly gamma_fgd: number; readonly lambda_fgd: number };
  readonly inputs: { readonly student: GoldenTensor; readonly teacher: GoldenTensor };
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shapes: readonly (readonly [number, number])[];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly loss: { readonly total: number; readonly fg: number; readonly bg: number; readonly attention: number; readonly relation: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('fgd.json') as { readonly cases: readonly Case[] } | undefined;
const ourName = (name: string): string => (name === 'student' ? 'features.0' : `distill.fgd.L0.${name}`);

/** Our pictures by the goldens' names of masks. */
const PICTURES: Readonly<Record<string, string>> = {
  fg: 'fg.shared', bg: 'bg.shared',
  spatial_attention_teacher: 'spatialAttention.teacher', spatial_attention_student: 'spatialAttention.student',
  channel_attention_teacher: 'channelAttention.teacher', channel_attention_student: 'channelAttention.student',
};

function sceneOf({ inputs, image_shapes, gt_boxes }: Case): Scene {
  const [, , rows, columns] = inputs.student.shape as [number, number, number, number];
  return {
    student: { features: [mapFromGolden(inputs.student)] }, teacher: { features: [mapFromGolden(inputs.teacher)] },
    classes: 1, anchorsPerCell: 1, grid: [[rows, columns]],
    batch: {
      truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })),
      inputSize: [8 * rows, 8 * columns], contentSizes: image_shapes, assignments: [],
    },
  };
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  const { alpha_fgd, beta_fgd, gamma_fgd, lambda_fgd } = golden.hyperparameters;
  expectLoss((losses['fgd.foreground'] ?? Number.NaN) / alpha_fgd, golden.loss.fg, 'foreground');
  expectLoss((losses['fgd.background'] ?? Number.NaN) / beta_fgd, golden.loss.bg, 'background');
  expectLoss((losses['fgd.attention'] ?? Number.NaN) / gamma_fgd, golden.loss.attention, 'attention');
  expectLoss((losses['fgd.global'] ?? Number.NaN) / lambda_fgd, golden.loss.relation, 'global');
  expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
  expectGradients(gradients, golden.grads, ourName);
  for (const [name, { shape, data }] of Object.entries(golden.masks)) {
    const picture = pictures[`fgd.${PICTURES[name] ?? name}.L0`];
    expect(picture?.shape, name).toEqual(shape);
    expectTensor(picture?.data ?? [], permute(Float32Array.from(data), shape, shape.map((_, axis) => axis)), name, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('FGD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { temp, alpha_fgd, beta_fgd, gamma_fgd, lambda_fgd } = golden.hyperparameters;
      const config = fgdOptions.parse({ method: 'fgd', temperature: temp, alpha: alpha_fgd, beta: beta_fgd, gamma: gamma_fgd, lambda: lambda_fgd });
      const scene = sceneOf(golden);
      const distillers = buildDistillers([config], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      compare(golden, await measure(distillers, scene, execute));
    });
  });
});
