import { describe, expect, it } from 'vitest';
import { instanceInputs, tokenInputs, type DescribedImage } from '../../src/distillers/icdInstances.ts';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { type HostTensor } from '../../src/engine/hostTensor.ts';
import { icdOptions } from '../../src/experiment/methods/icd.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, permute, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly heads: number; readonly num_classes: number; readonly strides: readonly number[]; readonly weight: number; readonly temperature: number;
    readonly image_sizes: readonly (readonly [number, number])[];
    readonly jitter: readonly (readonly [image: number, row: number, x: number, y: number])[];
    readonly fake_boxes: readonly (readonly (readonly [Box, number])[])[];
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: { readonly total: number; readonly aux_conf: number; readonly aux_reg: number; readonly distill: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('icd.json') as { readonly cases: readonly Case[] } | undefined;

/** The joint projections of the goldens (query, key, value one after the other) and their other names, by ours. */
const JOINT = { query: 0, key: 1, value: 2 } as const;
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^decoder\.(out)\./, 'dec_out_proj.'], [/^decoder\.place\./, 'dec_pos.'], [/^decoder\.ffn\.0\./, 'dec_ffn1.'], [/^decoder\.ffn\.1\./, 'dec_ffn2.'],
  [/^decoder\.norm(\d)\./, 'dec_norm$1.'], [/^encoder\.(\d)\./, 'enc$1.'], [/^predictor\.(\d)\./, 'pred$1.'],
];

/** A tensor stored by the goldens for one of our weights, in our layout; undefined where it is not stored. */
function storedFor(name: string, stored: Readonly<Record<string, GoldenTensor>>): Float32Array | undefined {
  const own = name.replace('distill.icd.', '');
  const joint = /^(decoder|student)\.(query|key|value)\.(weight|bias)$/.exec(own);
  const renamed = NAMES.reduce((result, [from, to]) => result.replace(from, to), own);
  const tensor = stored[joint === null ? renamed : `${joint[1] === 'student' ? 'student' : 'dec'}_in_proj.${joint[3] ?? ''}`];
  if (tensor === undefined) return undefined;
  const third = joint === null ? 0 : JOINT[joint[2] as keyof typeof JOINT];
  const values = Float32Array.from(tensor.data);
  const [rows, columns] = [(tensor.shape[0] ?? 0) / (joint === null ? 1 : 3), tensor.shape[1]];
  if (columns === undefined) return values.slice(third * rows, (third + 1) * rows);
  return permute(values.slice(third * rows * columns, (third + 1) * rows * columns), [rows, columns], [1, 0]);
}

function levelsOf({ inputs }: Case): string[] {
  return Object.keys(inputs).filter((name) => name.startsWith('s_p')).map((name) => name.slice(2));
}

function mapOf({ inputs }: Case, name: string): HostTensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`the golden lacks ${name}`);
  return mapFromGolden(tensor);
}

function sceneOf(golden: Case): Scene {
  const { hyperparameters: { num_classes, strides, image_sizes }, gt_boxes, gt_labels, image_shape } = golden;
  const levels = levelsOf(golden);
  const student = levels.map((level) => mapOf(golden, `s_${level}`));
  const traits = { levels: levels.map((name, index) => ({ name, stride: strides[index] ?? 0 })) };
  return {
    student: { features: student }, teacher: { features: levels.map((level) => mapOf(golden, `t_${level}`)) },
    classes: num_classes, anchorsPerCell: 1, grid: student.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const),
    batch: { truth: gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] })), inputSize: image_shape, contentSizes: image_sizes, assignments: [] },
    traits: { student: traits, teacher: traits },
  };
}

/** The goldens' jitters and invented instances in place of drawn ones; their code counts pixels by the size of the batch's last image. */
function describedImages({ hyperparameters: { image_sizes, fake_boxes, jitter }, gt_boxes, gt_labels }: Case): DescribedImage[] {
  return image_sizes.map((size, image) => {
    const offset = (row: number): readonly [number, number] => {
      const found = jitter.find(([ofImage, ofRow]) => ofImage === image && ofRow === row);
      return [found?.[2] ?? 0, found?.[3] ?? 0];
    };
    const real = (gt_boxes[image] ?? []).map((box, row) => ({ box, label: gt_labels[image]?.[row] ?? 0, real: true, jitter: offset(row) }));
    const fake = (fake_boxes[image] ?? []).map(([box, label], row) => ({ box, label, real: false, jitter: offset(real.length + row) }));
    return { size, pixelSize: image_sizes.at(-1) ?? size, instances: [...real, ...fake] };
  });
}

function withInstances(distiller: Distiller, golden: Case, scene: Scene): Distiller {
  const { num_classes, strides, image_sizes } = golden.hyperparameters;
  const rows = golden.inputs.ins_class?.shape[1] ?? 0;
  const levels = scene.grid.map(([own, columns], index) => ({ name: levelsOf(golden)[index] ?? '', rows: own, columns, places: own * columns }));
  // Two slots more than the goldens have rows: what is not filled must not count.
  return { ...distiller, inputs: () => ({ ...instanceInputs(describedImages(golden), num_classes, rows + 2), ...tokenInputs(levels, strides, image_sizes) }) };
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  expectLoss(losses['icd.confidence'] ?? Number.NaN, golden.loss.aux_conf, 'confidence');
  expectLoss(losses['icd.sides'] ?? Number.NaN, golden.loss.aux_reg, 'sides');
  expectLoss(losses['icd.distillation'] ?? Number.NaN, golden.loss.distill, 'distillation');
  expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
  levelsOf(golden).forEach((level, index) => {
    const stored = golden.grads[`s_${level}`];
    if (stored !== undefined) expectTensor(gradients[`features.${index}`] ?? [], mapFromGolden(stored).data, level, 1e-3, GRADIENT_FLOOR);
  });
  const compared = Object.entries(gradients).filter(([name, gradient]) => {
    const stored = storedFor(name, golden.grads);
    if (stored !== undefined) expectTensor(gradient, stored, name, 1e-3, GRADIENT_FLOOR);
    return stored !== undefined;
  });
  expect(compared.length, 'weights whose gradients were compared').toBeGreaterThan(5);
  for (const [name, { shape: [batch = 0, heads = 0, rows = 0, columns = 0], data }] of Object.entries(golden.masks)) {
    const picture = pictures[`icd.attention.teacher.${name.replace('attention_', '')}`];
    expect(picture?.shape, name).toEqual([batch, rows, columns]);
    const places = rows * columns;
    const mean = Array.from({ length: batch * places }, (_, index) => Array.from({ length: heads }, (__, head) =>
      (data[(Math.floor(index / places) * heads + head) * places + (index % places)] ?? Number.NaN) / heads).reduce((sum, value) => sum + value, 0));
    expectTensor(picture?.data ?? [], mean, name, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('ICD against the reference', () => {
  it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('describes instances: %s', (_, golden) => {
    const rows = golden.inputs.ins_class?.shape[1] ?? 0;
    const { num_classes } = golden.hyperparameters;
    const { descriptions, valid, real, sides } = instanceInputs(describedImages(golden), num_classes, rows);
    const width = descriptions?.shape[2] ?? 0;
    const all = Array.from({ length: valid?.data.length ?? 0 }, (__, row) => row);
    expectTensor(valid?.data.map((value) => 1 - value) ?? [], golden.inputs.ins_is_padding?.data ?? [], 'padding', 0, 0);
    expectTensor(real?.data ?? [], golden.inputs.ins_is_real?.data ?? [], 'real', 0, 0);
    const ofValid = (values: readonly number[], columns: number): number[] => all.filter((row) => valid?.data[row] === 1).flatMap((row) => [...values.slice(row * columns, (row + 1) * columns)]);
    const sizes = all.flatMap((row) => [...(descriptions?.data.subarray((row + 1) * width - 10, (row + 1) * width) ?? [])]);
    expectTensor(ofValid(sizes, 10), ofValid(golden.inputs.ins_scale_onehot?.data ?? [], 10), 'size classes', 0, 0);
    const ofReal = (values: ArrayLike<number>): number[] => Array.from(values).filter((__, index) => real?.data[Math.floor(index / 4)] === 1);
    expectTensor(ofReal(sides?.data ?? []), ofReal(golden.inputs.ins_ltrb_target?.data ?? []), 'sides', 1e-5, 1e-7);
  });

  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { weight, temperature, heads } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const distillers = buildDistillers([icdOptions.parse({ method: 'icd', weight, temperature, heads, detachSteps: 0 })], scene).map((distiller) => withInstances(distiller, golden, scene));
      for (const { name, variable } of distillers.flatMap(({ parameters }) => parameters.all())) {
        const stored = storedFor(name, golden.parameters);
        expect(stored, `the golden's weight for ${name}`).toBeDefined();
        if (stored !== undefined) setWeight(variable, stored);
      }
      compare(golden, await measure(distillers, scene, execute));
    });
  });
});
