import { describe, expect, it } from 'vitest';
import { pkdOptions } from '../../src/experiment/methods/pkd.ts';
import { buildDistillers, measure, setWeight, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, levelsFromGolden, mapFromGolden, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: { readonly loss_weight: number; readonly resize_stu: boolean };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly loss: { readonly total: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('pkd.json') as { readonly cases: readonly Case[] } | undefined;

function sceneOf({ inputs }: Case): Scene {
  const [student, teacher] = [levelsFromGolden(inputs, 'student_l'), levelsFromGolden(inputs, 'teacher_l')];
  const grids = [student, teacher].map((maps) => maps.map(({ shape: [, rows = 0, columns = 0] }) => [rows, columns] as const));
  const images = Array.from({ length: student[0]?.shape[0] ?? 0 }, () => ({ boxes: [], labels: [], ignored: [] }));
  return {
    student: { features: student }, teacher: { features: teacher }, classes: 1, anchorsPerCell: 1, grid: grids[0] ?? [],
    batch: { truth: images, inputSize: [96, 128], contentSizes: images.map(() => [96, 128] as const), assignments: [] },
    traits: { student: {}, teacher: { grid: () => grids[1] ?? [] } },
  };
}

/** `student_l0` → `features.0`, `0.weight` → `distill.pkd.L0.align.weight`. */
function ourName(name: string): string {
  return name.replace(/^student_l(\d+)$/, 'features.$1').replace(/^(?:align\.)?(\d+)\./, 'distill.pkd.L$1.align.');
}

describe.skipIf(goldens === undefined)('PKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { loss_weight, resize_stu } = golden.hyperparameters;
      const scene = sceneOf(golden);
      const distillers = buildDistillers([pkdOptions.parse({ method: 'pkd', weight: loss_weight, resize: resize_stu ? 'student' : 'teacher', levels: scene.grid.length })], scene);
      const parameters = new Map(distillers.flatMap((distiller) => distiller.parameters.all()).map(({ name, variable }) => [name, variable]));
      expect([...parameters.keys()].sort()).toEqual(Object.keys(golden.parameters).map(ourName).sort());
      for (const [name, tensor] of Object.entries(golden.parameters)) {
        const variable = parameters.get(ourName(name));
        if (variable !== undefined) setWeight(variable, weightFromGolden(tensor));
      }
      const { losses, gradients } = await measure(distillers, scene, execute);
      expectLoss(losses['pkd.correlation'] ?? Number.NaN, golden.loss.total, 'total');
      for (const [name, tensor] of Object.entries(golden.grads)) {
        expectTensor(gradients[ourName(name)] ?? [], name.startsWith('student') ? mapFromGolden(tensor).data : weightFromGolden(tensor), name, 1e-3, GRADIENT_FLOOR);
      }
    });
  });
});
