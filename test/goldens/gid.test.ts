import type * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../src/detectors/coding.ts';
import { inference, type DetectorOutputs, type DetectorTraits } from '../../src/detectors/detector.ts';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { float32, type HostTensor, type HostTensors } from '../../src/engine/hostTensor.ts';
import { gidOptions } from '../../src/experiment/methods/gid.ts';
import { buildDistillers, measure, type Maps, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS, type Execute } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

type Tensors = Readonly<Record<string, GoldenTensor>>;

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly weights: { readonly feature: number; readonly relation: number; readonly response_cls: number; readonly response_reg: number }; readonly nms_iou: number; readonly top_k: number;
    readonly min_box_side: number; readonly roi_output: number; readonly roi_sampling_ratio: number; readonly level_canonical: { readonly level: number; readonly size: number };
    readonly smooth_l1_beta_reg: number; readonly strides: readonly number[]; readonly num_classes: number; readonly box_coder_stds: readonly [number, number, number, number]; readonly box_coder_dw_clamp: number;
  };
  readonly inputs: Tensors;
  readonly image_shape: readonly [number, number];
  readonly loss: { readonly total: number; readonly feature: number; readonly relation: number; readonly response_cls: number; readonly response_reg: number };
  readonly grads: Tensors;
  readonly masks: Tensors;
}

const goldens = readGoldens('gid.json') as { readonly cases: readonly Case[] } | undefined;
const KINDS = { feat: 'features', cls: 'logits', reg: 'regression' } as const;

function need<T>(values: Readonly<Record<string, T>>, name: string): T {
  const value = values[name];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

function sceneOf({ hyperparameters: { strides, num_classes, box_coder_stds, box_coder_dw_clamp }, inputs, image_shape, masks }: Case): Scene {
  const maps = (network: string): Maps => Object.fromEntries(Object.entries(KINDS).map(([short, kind]) => [kind, strides.map((_, level) => mapFromGolden(need(inputs, `${network}_${short}_${level}`)))]));
  const student = maps('student');
  const grid = (student.logits ?? []).map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const);
  const anchors = Float32Array.from(strides.flatMap((_, level) => need(masks, `anchors_${level}`).data));
  const perLevel = strides.map((_, level) => need(masks, `anchors_${level}`).data.length / 4);
  const traits: Partial<DetectorTraits> = {
    levels: strides.map((stride, level) => ({ name: `L${level}`, stride })),
    boxCoding: deltaCoding({ anchors: () => anchors, perLevel: () => perLevel, deviations: box_coder_stds, limits: { least: Number.NEGATIVE_INFINITY, most: box_coder_dw_clamp } }),
  };
  const images = student.logits?.[0]?.shape[0] ?? 0;
  const each = <T>(value: T): T[] => Array.from({ length: images }, () => value);
  return {
    student, teacher: maps('teacher'), classes: num_classes, anchorsPerCell: (perLevel[0] ?? 0) / ((grid[0]?.[0] ?? 1) * (grid[0]?.[1] ?? 1)), grid,
    batch: { truth: each({ boxes: [], labels: [], ignored: [] }), inputSize: image_shape, contentSizes: each(image_shape), assignments: [] },
    traits: { student: traits, teacher: traits },
  };
}

/** What the method is shown before the step. */
async function observed({ observe }: Distiller, { student, teacher }: Scene, execute: Execute): Promise<HostTensors> {
  const flat = (network: string, maps: Maps): [string, HostTensor][] => Object.entries(maps).flatMap(([kind, levels]) => levels.map((map, level): [string, HostTensor] => [`${network}.${kind}.${level}`, map]));
  const outputs = (network: string, maps: Maps, tensors: Readonly<Record<string, tf.Tensor>>): DetectorOutputs => {
    const levels = (kind: 'features' | 'logits' | 'regression'): tf.Tensor4D[] => (maps[kind] ?? []).map((_, level) => need(tensors, `${network}.${kind}.${level}`) as tf.Tensor4D);
    return { backbone: [], features: levels('features'), logits: levels('logits'), regression: levels('regression'), towers: { classification: [], regression: [] } };
  };
  return execute((tensors) => ({
    outputs: observe?.run(outputs('teacher', teacher, tensors), outputs('student', student, tensors), {}, { images: need(tensors, 'images') as tf.Tensor4D, targets: {}, mode: inference() }) ?? {},
  }), { images: float32([1, 1, 1, 3]), ...Object.fromEntries([...flat('student', student), ...flat('teacher', teacher)]) }, []);
}

function compare(golden: Case, { losses, gradients, pictures }: Measured, inputs: HostTensors): void {
  const parts = { feature: golden.loss.feature, relation: golden.loss.relation, classification: golden.loss.response_cls, box: golden.loss.response_reg };
  for (const [part, expected] of Object.entries(parts)) expectLoss(losses[`gid.${part}`] ?? Number.NaN, expected, part);
  expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
  for (const [name, tensor] of Object.entries(golden.grads)) {
    const [, short = '', level = ''] = /^student_(\w+)_(\d+)$/.exec(name) ?? [];
    expectTensor(gradients[`${KINDS[short as keyof typeof KINDS]}.${level}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
  }
  for (const [name, { shape, data }] of Object.entries(golden.masks)) {
    const [, kind = '', index = ''] = /^(gi_boxes_image|response_mask)_(\d+)$/.exec(name) ?? [];
    if (kind === 'response_mask') {
      // One anchor a cell: the picture is the mask itself.
      const picture = pictures[`gid.responders.shared.L${index}`];
      expect(picture?.shape, name).toEqual(shape);
      expect([...(picture?.data ?? [])], name).toEqual([...data]);
    }
    if (kind === 'gi_boxes_image') {
      // A row is either the teacher's or the student's; the other has zeros there.
      const slots = golden.hyperparameters.top_k;
      const rows = (origin: string): number[][] => Array.from({ length: slots }, (_, slot) => [...need(inputs, `shown.${origin}`).data.slice((Number(index) * slots + slot) * 5, (Number(index) * slots + slot) * 5 + 4)]);
      const [teacher, student] = [rows('teacher'), rows('student')];
      const found = teacher.map((box, slot) => box.map((side, axis) => side + (student[slot]?.[axis] ?? 0))).filter((box) => box.some((side) => side !== 0));
      expect(found.length, name).toBe(shape[0]);
      expectTensor(found.flat(), data, name, 1e-5, 1e-7);
    }
  }
}

describe.skipIf(goldens === undefined)('GID against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const of = golden.hyperparameters;
      const scene = sceneOf(golden);
      const config = gidOptions.parse({
        method: 'gid', feature: of.weights.feature, relation: of.weights.relation, classification: of.weights.response_cls, box: of.weights.response_reg, boxBeta: of.smooth_l1_beta_reg,
        instances: of.top_k, overlap: of.nms_iou, leastSide: of.min_box_side, output: of.roi_output, samples: of.roi_sampling_ratio, canonicalLevel: of.level_canonical.level, canonicalSize: of.level_canonical.size,
      });
      const [distiller] = buildDistillers([config], scene);
      if (distiller === undefined) throw new Error('no distiller');
      const inputs = distiller.inputs(scene.batch, await observed(distiller, scene, execute));
      compare(golden, await measure([{ ...distiller, inputs: () => inputs }], scene, execute), inputs);
    });
  });
});
