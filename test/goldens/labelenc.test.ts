import { describe, expect, it } from 'vitest';
import { type Distiller, type TrainedNetworks } from '../../src/distillers/distiller.ts';
import { createDistillers } from '../../src/distillers/table.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32, type HostTensor } from '../../src/engine/hostTensor.ts';
import { Random } from '../../src/engine/random.ts';
import { labelencOptions } from '../../src/experiment/methods/labelenc.ts';
import { measure, setWeight, traitsOf, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, permute, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';
import { featuresSent, watchedHead } from './support/watchedHead.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly num_classes: number; readonly fpn_levels: string };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: { readonly total: number; readonly auxiliary: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('labelenc.json') as { readonly cases: readonly Case[] } | undefined;
const PREFIX = 'distill.labelenc.';
const FILE = 'encoder.safetensors';
const STRIDE = 4;

const tensorOf = (record: Readonly<Record<string, GoldenTensor>>, name: string): GoldenTensor => {
  const tensor = record[name];
  if (tensor === undefined) throw new Error(`the golden has no ${name}`);
  return tensor;
};

function levelsOf({ inputs }: Case): string[] {
  return Object.keys(inputs).map((name) => name.slice(2)).sort();
}

/** `fpn.fpn_inner2` → `fpn.neck.lateral_convs.0.conv`, `fpn.top_blocks.p6` → `fpn.neck.fpn_convs.3.conv`. */
function ourName(name: string, lateral: number): string {
  return PREFIX + name
    .replace(/^fpn\.fpn_inner(\d+)/, (_, stage: string) => `fpn.neck.lateral_convs.${Number(stage) - 2}.conv`)
    .replace(/^fpn\.fpn_layer(\d+)/, (_, stage: string) => `fpn.neck.fpn_convs.${Number(stage) - 2}.conv`)
    .replace(/^fpn\.top_blocks\.p(\d+)/, (_, level: string) => `fpn.neck.fpn_convs.${Number(level) - 6 + lateral}.conv`);
}

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

/** Widths as the stored weights have them. */
function widthsOf({ parameters }: Case): { stem: number; stages: number[]; middle: number[] } {
  const outputs = (name: string): number => tensorOf(parameters, `lef.${name}.weight`).shape[0] ?? 0;
  const blocks = ['stage2', 'stage3.0', 'stage4.0', 'stage5'];
  return { stem: outputs('stage1'), stages: blocks.map((block) => outputs(`${block}.con3`)), middle: blocks.map((block) => outputs(`${block}.con1`)) };
}

function build(golden: Case, scene: Scene, stage: 'encoder' | 'detector', networks?: TrainedNetworks): Distiller {
  const lateral = Math.min(levelsOf(golden).length, 3);
  const stored = new Map<string, HostTensor>(Object.entries(golden.parameters).map(([name, tensor]) => {
    const [o = 0, i = 0, h = 0, w = 0] = tensor.shape;
    return [ourName(name, lateral), float32(tensor.shape.length === 4 ? [h, w, i, o] : tensor.shape, weightFromGolden(tensor))];
  }));
  const config = labelencOptions.parse({
    method: 'labelenc', stage, ...(stage === 'detector' ? { encoder: FILE } : {}), widths: widthsOf(golden),
    p6From: /p6=[^;]*\((p5|c5)\)/.exec(golden.hyperparameters.fpn_levels)?.[1] ?? 'c5',
  });
  const traits = traitsOf(scene.student, scene);
  const [distiller] = createDistillers([config], {
    student: traits, teacher: traits, inputSize: scene.batch.inputSize, batch: scene.batch.truth.length, random: Random.of(1), statistics: { featureDeviation: [] },
    files: new Map([[FILE, stored]]), ...(networks === undefined ? {} : { networks }),
  });
  if (distiller === undefined) throw new Error('no distiller');
  for (const { name, variable } of distiller.parameters.all()) {
    const value = stored.get(name);
    expect(value, `the golden's weight for ${name}`).toBeDefined();
    // The encoder's were read from the file.
    if (value !== undefined && (stage === 'encoder' || name.startsWith(`${PREFIX}adapt.`))) setWeight(variable, Float32Array.from(value.data));
  }
  expect(distiller.parameters.all()).toHaveLength(stored.size);
  return distiller;
}

describe.skipIf(goldens === undefined)('LabelEnc against the reference', () => {
  it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s: label map', (_, golden) => {
    const scene = sceneOf(golden);
    const { labels } = build(golden, scene, 'detector').inputs(scene.batch, {});
    const [images = 0, rows = 0, columns = 0, classes = 0] = labels?.shape ?? [];
    const inOrder = permute(Float32Array.from(labels?.data ?? []), [images, rows, columns, classes], [0, 3, 1, 2]);
    const places = rows * columns;
    const { shape, data } = tensorOf(golden.masks, 'label_map_every_4th_pixel');
    const sampled = Array.from({ length: images * classes }, (__, map) => Array.from({ length: places }, (___, place) => place)
      .filter((place) => Math.floor(place / columns) % STRIDE === 0 && place % columns % STRIDE === 0).map((place) => inOrder[map * places + place] ?? Number.NaN)).flat();
    expect(shape).toEqual([images, classes, Math.ceil(rows / STRIDE), Math.ceil(columns / STRIDE)]);
    expectTensor(sampled, data, 'label map', 1e-5, 1e-7);
    const sums = Array.from({ length: images * classes }, (__, map) => inOrder.subarray(map * places, (map + 1) * places).reduce((sum, value) => sum + value, 0));
    expectTensor(sums, tensorOf(golden.masks, 'label_map_sum_per_class').data, 'sums of the label map', 1e-5, 1e-7);
  });

  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const scene = sceneOf(golden);
      const lateral = Math.min(levelsOf(golden).length, 3);
      const { losses, gradients } = await measure([build(golden, scene, 'detector')], scene, execute);
      expectLoss(losses['labelenc.distance'] ?? Number.NaN, golden.loss.auxiliary, 'auxiliary');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) {
        const level = levelsOf(golden).indexOf(name.slice(2));
        if (name.startsWith('s_')) expectTensor(gradients[`features.${level}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
        else expectTensor(gradients[ourName(name, lateral)] ?? [], weightFromGolden(tensor), name, 1e-3, GRADIENT_FLOOR);
      }
    });

    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s: label features', async (__, golden) => {
      const scene = sceneOf(golden);
      const { networks, seen } = watchedHead();
      const distiller = build(golden, scene, 'encoder', networks);
      const outputs = await featuresSent(distiller, scene, seen, execute);
      for (const [index, level] of levelsOf(golden).entries()) {
        expectTensor(outputs[index]?.data ?? [], mapFromGolden(tensorOf(golden.masks, `label_encoding_${level}`)).data, `label_encoding_${level}`, 1e-5, 1e-7);
      }
    });
  });
});
