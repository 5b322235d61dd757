import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { asPlaces, at, fed, type MapLevel } from '../../src/distillers/shared/maps.ts';
import { levelLosses, type LevelMaps, type Pair } from '../../src/distillers/pgdLosses.ts';
import { mapInputs } from '../../src/distillers/pgd.ts';
import { type MapSetting } from '../../src/distillers/pgdMaps.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32, type HostTensor, type HostTensors } from '../../src/engine/hostTensor.ts';
import { EXECUTORS } from './support/execute.ts';
import { runLosses } from './support/run.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

type Tensors = Readonly<Record<string, GoldenTensor>>;

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly temperature: number; readonly alpha: number; readonly beta: number; readonly gamma: number; readonly delta: number; readonly level_weights: readonly number[];
    readonly topk: number; readonly quality_exponent_cls: number; readonly quality_exponent_reg: number; readonly noise: number; readonly prior: 'anchor' | 'point';
    readonly mask_broadcast: 'official' | 'corrected'; readonly swap_xy_in_anchor_free: boolean | null; readonly strides: readonly number[]; readonly num_classes: number;
  };
  readonly inputs: Tensors;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: Readonly<Record<string, number>>;
  readonly grads: Tensors;
  readonly masks: Tensors;
}

const goldens = readGoldens('pgd.json') as { readonly cases: readonly Case[] } | undefined;
const MASKS = { cls_weight: 'classification', reg_weight: 'box', background: 'background' } as const;

function need(tensors: Tensors, name: string): GoldenTensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`the golden has no ${name}`);
  return tensor;
}

function levelsOf({ hyperparameters: { strides }, inputs }: Case): MapLevel[] {
  return strides.map((_, level) => {
    const [, , rows = 0, columns = 0] = need(inputs, `student_cls_feat_${level}`).shape;
    return { name: String(level), rows, columns, places: rows * columns };
  });
}

/** Levels [N, …] as one [N, all, depth], image by image. */
function joined(levels: readonly HostTensor[], depth: number): HostTensor {
  const batch = levels[0]?.shape[0] ?? 0;
  const values = Array.from({ length: batch }, (_, image) => levels.flatMap(({ data }) => [...data.subarray((image * data.length) / batch, ((image + 1) * data.length) / batch)])).flat();
  return float32([batch, values.length / batch / depth, depth], Float32Array.from(values));
}

/** The weight maps, made by the product from the case's predictions. */
function weightMaps(golden: Case, levels: readonly MapLevel[]): HostTensors {
  const { hyperparameters: of, inputs, image_shape, gt_boxes, gt_labels, masks } = golden;
  const centres = levels.flatMap(({ name }) => {
    const points = masks[`points_xy_${name}`];
    if (points !== undefined) return [...points.data];
    const { data } = need(masks, `anchors_${name}`);
    return Array.from({ length: data.length / 4 }, (_, cell) => [0, 1].map((axis) => ((data[cell * 4 + axis] ?? 0) + (data[cell * 4 + axis + 2] ?? 0)) / 2)).flat();
  });
  const setting: MapSetting = {
    classes: of.num_classes, anchorsPerCell: 1, centres, topK: of.topk, classExponent: of.quality_exponent_cls, boxExponent: of.quality_exponent_reg,
    swap: of.swap_xy_in_anchor_free === true, clearIgnored: of.prior === 'anchor', noise: of.noise,
  };
  const observed = {
    logits: joined(levels.map(({ name }) => mapFromGolden(need(inputs, `teacher_cls_logits_${name}`))), of.num_classes),
    boxes: joined(levels.map(({ name }) => { const { shape, data } = need(inputs, `teacher_boxes_${name}`); return float32(shape, Float32Array.from(data)); }), 4),
  };
  const batch = {
    truth: gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] })), inputSize: image_shape, contentSizes: gt_boxes.map(() => image_shape), assignments: [],
  };
  return mapInputs(batch, observed, levels, setting);
}

describe.skipIf(goldens === undefined)('PGD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { alpha, beta, gamma, delta, level_weights, temperature, mask_broadcast: maskBroadcast } = golden.hyperparameters;
      const levels = levelsOf(golden);
      const maps = weightMaps(golden, levels);
      for (const { name } of levels) {
        for (const [theirs, ours] of Object.entries(MASKS)) expectTensor(maps[`${ours}.${name}`]?.data ?? [], need(golden.masks, `${theirs}_${name}`).data, `${theirs}_${name}`, 1e-5, 1e-7);
      }
      const features = Object.fromEntries(Object.entries(golden.inputs).filter(([name]) => name.includes('_feat_')).map(([name, tensor]) => [name, mapFromGolden(tensor)]));
      const losses = (tensors: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Scalar> => Object.fromEntries(levels.flatMap(({ name }, index) => {
        const pair = (branch: string): Pair => ({ student: asPlaces(fed(tensors, `student_${branch}_feat_${name}`) as tf.Tensor4D), teacher: asPlaces(fed(tensors, `teacher_${branch}_feat_${name}`) as tf.Tensor4D) });
        const own: LevelMaps = { classification: fed(tensors, `classification.${name}`), box: fed(tensors, `box.${name}`), background: fed(tensors, `background.${name}`) };
        const parts = levelLosses(pair('cls'), pair('reg'), own, { temperature, maskBroadcast });
        const lambda = at(level_weights, index);
        return [
          [`cls_${name}`, tf.addN([tf.mul(parts.foreground, lambda * alpha), tf.mul(parts.background, lambda * beta), tf.mul(parts.attention, delta)])],
          [`reg_${name}`, tf.add<tf.Scalar>(tf.mul(parts.box, gamma), tf.mul(parts.boxAttention, delta))],
        ] as [string, tf.Scalar][];
      }));
      const ran = await runLosses({ ...features, ...maps }, { watched: Object.keys(golden.grads), losses }, execute);
      for (const [name, expected] of Object.entries(golden.loss)) {
        expectLoss(name === 'total' ? Object.values(ran.losses).reduce((sum, value) => sum + value, 0) : ran.losses[name] ?? Number.NaN, expected, name);
      }
      for (const [name, tensor] of Object.entries(golden.grads)) expectTensor(ran.gradients[name] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
      expect(Object.keys(golden.grads).length).toBeGreaterThan(0);
    });
  });
});
