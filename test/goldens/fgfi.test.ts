import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../src/detectors/detector.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { fgfiOptions } from '../../src/experiment/methods/fgfi.ts';
import { buildDistillers, expectGradients, loadAdapters, measure, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, levelsFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly variant: 'single' | 'fpn';
  readonly hyperparameters: { readonly loss_weight: number; readonly phi: number; readonly stride?: number; readonly strides?: readonly number[] };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly loss: { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('fgfi.json') as { readonly cases: readonly Case[] } | undefined;

/** One level's tensors carry no level in their names. */
function byLevel(tensors: Case['inputs'], variant: Case['variant']): Case['inputs'] {
  return variant === 'fpn' ? tensors : Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${name}_l0`, tensor]));
}

function sceneOf({ inputs: given, variant, hyperparameters: { stride = 0, strides = [stride] }, gt_boxes, image_shape }: Case): Scene {
  const inputs = byLevel(given, variant);
  const student = { features: levelsFromGolden(inputs, 'student_l') };
  const grid = student.features.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const);
  const base = strides.map((_, level) => inputs[`base_anchors_l${level}`]?.data ?? []);
  const anchors = grid.flatMap(([rows, columns], level) => Array.from({ length: rows * columns }, (_, cell) => {
    const [x, y] = [(cell % columns) * (strides[level] ?? 0), Math.floor(cell / columns) * (strides[level] ?? 0)];
    return (base[level] ?? []).map((corner, side) => corner + (side % 2 === 0 ? x : y));
  }).flat());
  const traits: Partial<DetectorTraits> = {
    levels: strides.map((own, level) => ({ name: `L${level}`, stride: own })),
    boxCoding: deltaCoding({ anchors: () => Float32Array.from(anchors), perLevel: () => [], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } }),
  };
  return {
    student, teacher: { features: levelsFromGolden(inputs, 'teacher_l') }, classes: 1, anchorsPerCell: (base[0] ?? []).length / 4, grid, traits: { student: traits, teacher: traits },
    batch: {
      truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })), inputSize: image_shape,
      contentSizes: gt_boxes.map(() => image_shape), assignments: [],
    },
  };
}

/** `student_l0` → `features.0`, `0.weight` and `0.0.weight` → `distill.fgfi.L0.align.weight`. */
function ourName(name: string): string {
  if (name.startsWith('student')) return `features.${/\d+$/.exec(name)?.[0] ?? '0'}`;
  return name.replace(/^(?:(\d+)\.)?0\./, (_, level: string | undefined) => `distill.fgfi.L${level ?? '0'}.align.`);
}

describe.skipIf(goldens === undefined)('FGFI against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { variant, hyperparameters: { loss_weight, phi, stride } } = golden;
      const scene = sceneOf(golden);
      const config = fgfiOptions.parse({ method: 'fgfi', variant, weight: loss_weight, threshold: phi, ...(stride === undefined ? {} : { stride }) });
      const distillers = buildDistillers([config], scene);
      loadAdapters(distillers, golden.parameters, ourName);
      const { losses, gradients, pictures } = await measure(distillers, scene, execute);
      expectLoss(losses['fgfi.imitation'] ?? Number.NaN, golden.loss.total, 'total');
      expectGradients(gradients, golden.grads, ourName);
      for (const [name, { shape, data }] of Object.entries(golden.masks)) {
        const picture = pictures[`fgfi.imitation.shared.L${/\d+$/.exec(name)?.[0] ?? '0'}`];
        expect(picture?.shape, name).toEqual(shape);
        expect([...picture?.data ?? []], name).toEqual([...data]);
      }
    });
  });
});
