import { describe, expect, it } from 'vitest';
import { distributionCoding } from '../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../src/detectors/detector.ts';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { float32 } from '../../src/engine/hostTensor.ts';
import { bckdOptions } from '../../src/experiment/methods/bckd.ts';
import { buildDistillers, measure, type Maps, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly w_cls_kd: number; readonly w_loc_kd: number; readonly beta: number; readonly num_classes: number; readonly reg_max: number;
    readonly strides: readonly number[]; readonly anchor_octave_base_scale: number;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly loss: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('bckd.json') as { readonly cases: readonly Case[] } | undefined;

function tensor(tensors: Readonly<Record<string, GoldenTensor>>, name: string): GoldenTensor {
  const found = tensors[name];
  if (found === undefined) throw new Error(`the golden has no ${name}`);
  return found;
}

function sceneOf({ hyperparameters: { num_classes, reg_max, strides, anchor_octave_base_scale }, inputs, image_shape, gt_boxes, masks }: Case): Scene {
  const maps = (network: string): Maps => ({
    logits: strides.map((_, level) => mapFromGolden(tensor(inputs, `${network}_cls_${level}`))),
    regression: strides.map((_, level) => mapFromGolden(tensor(inputs, `${network}_reg_${level}`))),
  });
  const grid = strides.map((_, level) => tensor(inputs, `student_cls_${level}`).shape.slice(2) as [number, number]);
  const anchors = Float32Array.from(grid.flatMap(([rows, columns], level) => squares(rows, columns, strides[level] ?? 1, anchor_octave_base_scale)));
  const traits: Partial<DetectorTraits> = {
    detector: 'gfl', levels: strides.map((stride, level) => ({ name: `L${level}`, stride })),
    boxCoding: distributionCoding({ anchors: () => anchors, bins: reg_max + 1, perLevel: () => grid.map(([rows, columns]) => rows * columns), strides }),
  };
  // Which object a positive serves plays no part.
  const assigned = (image: number): number[] => strides.flatMap((_, level) => {
    const { data } = tensor(masks, `labels_${level}`);
    const cells = data.length / gt_boxes.length;
    return data.slice(image * cells, (image + 1) * cells).map((label) => (label < num_classes ? 1 : 0));
  });
  return {
    student: maps('student'), teacher: maps('teacher'), classes: num_classes, anchorsPerCell: 1, grid,
    batch: {
      truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })),
      inputSize: image_shape, contentSizes: gt_boxes.map(() => image_shape), assignments: gt_boxes.map((_, image) => Int32Array.from(assigned(image))),
    },
    traits: { student: traits, teacher: traits },
  };
}

/** The case's label weights in place of those of the assignment: there a positive may be ignored and still be counted. */
function withWeights(distiller: Distiller, { hyperparameters: { strides }, gt_boxes, masks }: Case): Distiller {
  const counted = strides.map((_, level) => {
    const { data } = tensor(masks, `label_weights_${level}`);
    return [`counted.L${level}`, float32([gt_boxes.length, data.length / gt_boxes.length], Float32Array.from(data))] as const;
  });
  return { ...distiller, inputs: (batch, observed) => ({ ...distiller.inputs(batch, observed), ...Object.fromEntries(counted) }) };
}

/** Anchors of a level: squares around (column · stride, row · stride). */
function squares(rows: number, columns: number, stride: number, scale: number): number[] {
  const half = (stride * scale) / 2;
  return Array.from({ length: rows * columns }, (_, cell) => [(cell % columns) * stride, Math.floor(cell / columns) * stride]).flatMap(([x = 0, y = 0]) => [x - half, y - half, x + half, y + half]);
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  const sum = (part: string): number => Object.entries(golden.loss).filter(([name]) => name.startsWith(`${part}_`)).reduce((total, [, value]) => total + value, 0);
  const [classification, localisation] = [losses['bckd.classification'] ?? Number.NaN, losses['bckd.localisation'] ?? Number.NaN];
  expectLoss(classification, sum('cls_kd'), 'classification');
  expectLoss(localisation, sum('loc_kd'), 'localisation');
  expectLoss(classification + localisation, golden.loss.total ?? Number.NaN, 'total');
  for (const [name, gradient] of Object.entries(golden.grads)) {
    const ours = name.replace('student_cls_', 'logits.').replace('student_reg_', 'regression.');
    expectTensor(gradients[ours] ?? [], mapFromGolden(gradient).data, name, 1e-3, GRADIENT_FLOOR);
  }
  for (const level of golden.hyperparameters.strides.keys()) {
    const { shape, data } = tensor(golden.masks, `location_weight_${level}`);
    const picture = pictures[`bckd.gap.difference.L${level}`];
    expect(picture?.shape).toEqual(shape);
    expectTensor(picture?.data ?? [], data, `location_weight_${level}`, 1e-5, 1e-7);
  }
}

describe.skipIf(goldens === undefined)('BCKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { w_cls_kd, w_loc_kd, beta } = golden.hyperparameters;
      const config = bckdOptions.parse({ method: 'bckd', classification: w_cls_kd, localisation: w_loc_kd, beta });
      const scene = sceneOf(golden);
      compare(golden, await measure(buildDistillers([config], scene).map((distiller) => withWeights(distiller, golden)), scene, execute));
    });
  });
});
