import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type DistanceCoding } from '../../src/detectors/detector.ts';
import { float32, type HostTensor } from '../../src/engine/hostTensor.ts';
import { glamdOptions } from '../../src/experiment/methods/glamd.ts';
import { buildDistillers, loadAdapters, measure, type Maps, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, levelsFromGolden, mapFromGolden, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly alpha: number; readonly beta: number; readonly gamma: number; readonly temperature: number; readonly patch: number; readonly num_classes: number };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly loss: Readonly<Record<string, number>> & { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('glamd.json') as { readonly cases: readonly Case[] } | undefined;

/** Decoded boxes are given: they take the place of the regression. */
const decoded: DistanceCoding = { form: 'distances', points: () => new Float32Array(), decode: (map) => tf.reshape(map, [map.shape[0], map.size / map.shape[0] / 4, 4]) };

function mapsOf({ inputs }: Case, network: string): Maps {
  const features = levelsFromGolden(inputs, `${network}_feat_`);
  const regression = features.map(({ shape: [batch = 0, rows = 0, columns = 0] }, level): HostTensor => {
    const values = Float32Array.from(inputs[`${network}_boxes_${level}`]?.data ?? []);
    return float32([batch, rows, columns, values.length / (batch * rows * columns)], values);
  });
  return { features, logits: levelsFromGolden(inputs, `${network}_cls_`), regression };
}

function sceneOf(golden: Case): Scene {
  const student = mapsOf(golden, 'student');
  const [first] = student.features ?? [];
  const images = Array.from({ length: first?.shape[0] ?? 0 }, () => ({ boxes: [], labels: [], ignored: [] }));
  return {
    student, teacher: mapsOf(golden, 'teacher'), classes: golden.hyperparameters.num_classes, anchorsPerCell: (student.regression?.[0]?.shape[3] ?? 4) / 4,
    grid: (student.features ?? []).map(({ shape: [, rows = 0, columns = 0] }) => [rows, columns] as const),
    batch: { truth: images, inputSize: golden.image_shape, contentSizes: images.map(() => golden.image_shape), assignments: [] },
    traits: { student: { boxCoding: decoded }, teacher: { boxCoding: decoded } },
  };
}

/** `student_cls_0` → `logits.0`, `adapt_weight_0` → `distill.glamd.L0.align.weight`. */
function ourName(name: string): string {
  const kinds: Readonly<Record<string, string>> = { feat: 'features', cls: 'logits', boxes: 'regression' };
  return name.replace(/^student_(\w+)_(\d+)$/, (_, kind: string, level: string) => `${kinds[kind] ?? kind}.${level}`).replace(/^adapt_(weight|bias)_(\d+)$/, 'distill.glamd.L$2.align.$1');
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  const { alpha, beta, gamma } = golden.hyperparameters;
  const sum = (...parts: readonly string[]): number => Object.entries(golden.loss).reduce((all, [name, value]) => (parts.includes(name.replace(/_\d+$/, '')) ? all + value : all), 0);
  expectLoss(losses['glamd.feature'] ?? Number.NaN, alpha * sum('feat'), 'feature');
  expectLoss(losses['glamd.attention'] ?? Number.NaN, beta * sum('att_channel', 'att_spatial'), 'attention');
  expectLoss(losses['glamd.classification'] ?? Number.NaN, gamma * sum('cls_head'), 'classification');
  expectLoss(losses['glamd.localisation'] ?? Number.NaN, gamma * sum('loc_head'), 'localisation');
  expectLoss(Object.values(losses).reduce((all, value) => all + value, 0), golden.loss.total, 'total');
  for (const [name, tensor] of Object.entries(golden.grads)) {
    const expected = name.startsWith('student_boxes') ? tensor.data : name.startsWith('student') ? mapFromGolden(tensor).data : weightFromGolden(tensor);
    expectTensor(gradients[ourName(name)] ?? [], expected, name, 1e-3, GRADIENT_FLOOR);
  }
  for (const [name, { shape, data }] of Object.entries(golden.masks)) {
    const picture = pictures[`glamd.mask.shared.${name.replace('spatial_mask_', 'L')}`];
    expect(picture?.shape, name).toEqual([shape[0], shape[2], shape[3]]);
    expectTensor(picture?.data ?? [], data, name, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('GLAMD against its restatement', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { alpha, beta, gamma, temperature, patch } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const distillers = buildDistillers([glamdOptions.parse({ method: 'glamd', alpha, beta, gamma, temperature, patch })], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      compare(golden, await measure(distillers, scene, execute));
    });
  });
});
