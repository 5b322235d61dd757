import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { createDistillers } from '../../src/distillers/table.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { Random } from '../../src/engine/random.ts';
import { lgdOptions } from '../../src/experiment/methods/lgd.ts';
import { measure, setWeight, traitsOf, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, permute, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';
import { featuresSent, watchedHead, type WatchedHead } from './support/watchedHead.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly num_classes: number; readonly heads: number; readonly add_context_box: boolean; readonly detach_appearance: boolean; readonly lambda_: number; readonly probe_scale: number;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: { readonly total: number; readonly distill: number; readonly probe: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('lgd.json') as { readonly cases: readonly Case[] } | undefined;
const PREFIX = 'distill.lgd.';

/** `s_p3`, `s_p4`, … → the levels' names, finest first. */
function levelsOf({ inputs }: Case): string[] {
  return Object.keys(inputs).filter((name) => name.startsWith('s_')).map((name) => name.slice(2)).sort();
}

const tensorOf = (record: Readonly<Record<string, GoldenTensor>>, name: string): GoldenTensor => {
  const tensor = record[name];
  if (tensor === undefined) throw new Error(`the golden has no ${name}`);
  return tensor;
};

/** Rows of linear layers, and convolutions over one place: [O, I] and [O, I, 1] → [I, O]. */
function weightOf(tensor: GoldenTensor): Float32Array {
  const [outputs = 0, inputs] = tensor.shape;
  if (inputs === undefined || tensor.shape.length === 4) return weightFromGolden(tensor);
  return permute(Float32Array.from(tensor.data), [outputs, inputs], [1, 0]);
}

/** `multi_head_attn.in_proj_weight` → `multi_head_attn.in_proj.weight`. */
const ourName = (name: string): string => PREFIX + name.replace(/_(weight|bias)$/, '.$1');

function sceneOf(golden: Case): Scene {
  const features = levelsOf(golden).map((level) => mapFromGolden(tensorOf(golden.inputs, `s_${level}`)));
  return {
    student: { features }, teacher: {}, classes: golden.hyperparameters.num_classes, anchorsPerCell: 1,
    grid: features.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const),
    batch: {
      truth: golden.gt_boxes.map((boxes, image) => ({ boxes, labels: golden.gt_labels[image] ?? [], ignored: [] })),
      inputSize: golden.image_shape, contentSizes: golden.gt_boxes.map(() => golden.image_shape), assignments: [],
    },
  };
}

/** The reference's stand-in for the detection loss on instructive features: a fixed linear function of them. */
function probing(golden: Case): WatchedHead {
  return watchedHead(({ logits }) => ({
    probe: tf.addN(levelsOf(golden).map((level, index) => {
      const { shape, data } = mapFromGolden(tensorOf(golden.inputs, `probe_${level}`));
      return tf.mul<tf.Scalar>(tf.sum(tf.mul(logits[index] as tf.Tensor4D, tf.tensor(data, [...shape]))), golden.hyperparameters.probe_scale);
    })),
  }));
}

function build(golden: Case, scene: Scene): { distiller: Distiller; seen: () => readonly tf.Tensor4D[] } {
  const { heads, add_context_box, detach_appearance, lambda_ } = golden.hyperparameters;
  const rows = (name: string): number => tensorOf(golden.parameters, `label_encoder_.stn_desc.${name}.weight`).shape[0] ?? 0;
  const config = lgdOptions.parse({
    method: 'lgd', heads, context: add_context_box, detachAppearance: detach_appearance, weight: lambda_,
    // More places than objects: what is left over must not count.
    maxObjects: Math.max(...golden.gt_boxes.map((boxes) => boxes.length)) + 2,
    widths: ['conv1', 'conv2', 'conv3', 'fc1', 'fc2'].map(rows),
  });
  const { networks, seen } = probing(golden);
  const traits = traitsOf(scene.student, scene);
  const [distiller] = createDistillers([config], {
    student: traits, teacher: traits, inputSize: scene.batch.inputSize, batch: scene.batch.truth.length, random: Random.of(1), statistics: { featureDeviation: [] }, networks,
  });
  if (distiller === undefined) throw new Error('no distiller');
  const stored = new Map(Object.entries(golden.parameters).map(([name, tensor]) => [ourName(name), tensor]));
  for (const { name, variable } of distiller.parameters.all()) {
    const tensor = stored.get(name);
    expect(tensor, `the golden's weight for ${name}`).toBeDefined();
    if (tensor !== undefined) setWeight(variable, weightOf(tensor));
  }
  return { distiller, seen };
}

describe.skipIf(goldens === undefined)('LGD against the reference', () => {
  it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s: cells inside objects', (_, golden) => {
    const scene = sceneOf(golden);
    const { distiller } = build(golden, scene);
    const inputs = distiller.inputs(scene.batch, {});
    const most = Math.max(...golden.gt_boxes.map((boxes) => boxes.length)) + 2;
    for (const [name, { shape: [count = 0, places = 0], data }] of Object.entries(golden.masks)) {
      const [, level = '', image = ''] = /^inside_(\w+)_image(\d+)$/.exec(name) ?? [];
      if (level === '') continue;
      const own = inputs[`inside.L${levelsOf(golden).indexOf(level)}`];
      const slots = own?.shape[1] ?? 0;
      for (let row = 0; row < count; row += 1) {
        const slot = golden.hyperparameters.add_context_box && row === count - 1 ? most : row;
        const first = (Number(image) * slots + slot) * places;
        expect([...(own?.data.subarray(first, first + places) ?? [])], `${name}, row ${row}`).toEqual(data.slice(row * places, (row + 1) * places));
      }
    }
  });

  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const scene = sceneOf(golden);
      const { distiller, seen } = build(golden, scene);
      const { losses, gradients, pictures } = await measure([distiller], scene, execute);
      expectLoss(losses['lgd.distillation'] ?? Number.NaN, golden.loss.distill, 'distill');
      expectLoss(losses['lgd.oracleProbe'] ?? Number.NaN, golden.loss.probe, 'probe');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) {
        const level = levelsOf(golden).indexOf(name.slice(2));
        if (name.startsWith('s_')) expectTensor(gradients[`features.${level}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
        else expectTensor(gradients[ourName(name)] ?? [], weightOf(tensor), name, 1e-3, GRADIENT_FLOOR);
      }
      for (const [index, level] of levelsOf(golden).entries()) {
        const { shape, data } = mapFromGolden(tensorOf(golden.masks, `instructive_${level}`));
        const channels = shape[3] ?? 1;
        const means = Array.from({ length: data.length / channels }, (___, cell) => data.subarray(cell * channels, (cell + 1) * channels).reduce((sum, value) => sum + value, 0) / channels);
        expectTensor(pictures[`lgd.instructive.shared.L${index}`]?.data ?? [], means, `mean of instructive_${level}`, 1e-5, 1e-6);
      }
      const outputs = await featuresSent(distiller, scene, seen, execute);
      for (const [index, level] of levelsOf(golden).entries()) {
        expectTensor(outputs[index]?.data ?? [], mapFromGolden(tensorOf(golden.masks, `instructive_${level}`)).data, `instructive_${level}`, 1e-5, 1e-6);
      }
    });
  });
});
