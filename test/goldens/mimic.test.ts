import { describe, it } from 'vitest';
import { type Box } from '../../src/engine/boxes.ts';
import { mimicOptions } from '../../src/experiment/methods/mimic.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly loss_weight: number; readonly roi_size: number; readonly stride: number; readonly sampling_ratio: number; readonly aligned: boolean };
  readonly inputs: { readonly student: GoldenTensor; readonly teacher: GoldenTensor; readonly rois: GoldenTensor };
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly loss: { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('mimic.json') as { readonly cases: readonly Case[] } | undefined;
const ourName = (name: string): string => (name === 'student' ? 'features.0' : `distill.mimic.L0.align.${name}`);

/** The regions [image, x1, y1, x2, y2] come in as boxes of objects. */
function sceneOf({ inputs: { student, teacher, rois }, hyperparameters: { stride }, image_shape }: Case): Scene {
  const [batch = 0, , rows = 0, columns = 0] = student.shape;
  const regions = Array.from({ length: rois.shape[0] ?? 0 }, (_, index) => rois.data.slice(index * 5, index * 5 + 5));
  const boxes = Array.from({ length: batch }, (_, image) => regions.filter(([own]) => own === image).map(([, x1 = 0, y1 = 0, x2 = 0, y2 = 0]): Box => [x1, y1, x2, y2]));
  const traits = { levels: [{ name: 'L0', stride }] };
  return {
    student: { features: [mapFromGolden(student)] }, teacher: { features: [mapFromGolden(teacher)] }, classes: 1, anchorsPerCell: 1, grid: [[rows, columns]],
    traits: { student: traits, teacher: traits },
    batch: {
      truth: boxes.map((own) => ({ boxes: own, labels: own.map(() => 0), ignored: [] })), inputSize: image_shape, contentSizes: boxes.map(() => image_shape), assignments: [],
    },
  };
}

describe.skipIf(goldens === undefined)('Mimic against its restated equations', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { loss_weight, roi_size, sampling_ratio, aligned } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const config = mimicOptions.parse({
        method: 'mimic', weight: loss_weight, output: roi_size, aligned, samples: sampling_ratio > 0 ? sampling_ratio : 'adaptive', adapter: 'weight' in golden.parameters ? 'always' : 'auto',
      });
      const distillers = buildDistillers([config], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients } = await measure(distillers, scene, execute);
      expectLoss(losses['mimic.imitation'] ?? Number.NaN, golden.loss.total, 'total');
      expectGradients(gradients, golden.grads, ourName);
    });
  });
});
