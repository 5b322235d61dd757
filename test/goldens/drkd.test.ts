import { describe, expect, it } from 'vitest';
import { type Box } from '../../src/engine/boxes.ts';
import { drkdOptions } from '../../src/experiment/methods/drkd.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, permute, readGoldens, weightFromGolden, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly weights: { readonly pixel: number; readonly instance: number; readonly foreground: number };
    readonly graph_mid_channels: readonly number[]; readonly roi_output: number; readonly strides: readonly number[]; readonly relation_levels: number;
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly parameters: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly loss: { readonly total: number; readonly pixel: number; readonly instance: number; readonly foreground: number };
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('drkd.json') as { readonly cases: readonly Case[] } | undefined;

const PARTS: Readonly<Record<string, string>> = {
  'graph.state': 'graph_state', 'graph.project': 'graph_proj', 'graph.nodes': 'graph_gcn1', 'graph.states': 'graph_gcn2', 'graph.extend': 'graph_ext',
  'relation.theta': 'relation_theta', 'relation.phi': 'relation_phi', 'relation.g': 'relation_g', 'relation.w': 'relation_W',
};
const ADAPTERS: Readonly<Record<string, string>> = { graphAlign: 'graph_adapt', relationAlign: 'relation_adapt', foregroundAlign: 'fore_adapt' };

/** `distill.drkd.L0.student.graph.state.weight` → `student_graph_state_w_0`. */
function goldenName(name: string): string {
  const [, level = '', part = '', kind = ''] = /^distill\.drkd\.L(\d+)\.(.*)\.(weight|bias)$/.exec(name) ?? [];
  const adapter = ADAPTERS[part];
  if (adapter !== undefined) return `${adapter}_${kind}_${level}`;
  const [, side = '', own = ''] = /^(student|teacher)\.(.*)$/.exec(part) ?? [];
  if (own === 'graph.norm') return `${side}_graph_${kind === 'weight' ? 'gamma' : 'beta'}_${level}`;
  if (own === 'relation.filter') return `${side}_filter_fc_${kind}_${level}`;
  return `${side}_${PARTS[own] ?? own}_${kind.slice(0, 1)}_${level}`;
}

/** Linear layers are stored output first; features of a region channel first, ours channel last. @param cells of a region along a side */
function fromGolden(name: string, tensor: GoldenTensor, cells: number): Float32Array {
  if (name.includes('Align.')) return weightFromGolden(tensor);
  const values = Float32Array.from(tensor.data);
  const [out = 1, into = 1] = tensor.shape;
  const regions = (width: number): number[] => [width / cells ** 2, cells, cells];
  if (name.endsWith("relation.w.bias")) return permute(values, regions(out), [1, 2, 0]);
  if (tensor.shape.length === 1) return values;
  if (name.endsWith("relation.w.weight")) return permute(values, [...regions(out), into], [3, 1, 2, 0]);
  if (name.includes('relation.')) return permute(values, [out, ...regions(into)], [2, 3, 1, 0]);
  return permute(values, [out, into], [1, 0]);
}

function sceneOf({ inputs, gt_boxes, image_shape, hyperparameters: { strides } }: Case): Scene {
  const maps = (role: string): ReturnType<typeof mapFromGolden>[] => Object.entries(inputs).filter(([name]) => name.startsWith(`${role}_feat_`)).map(([, tensor]) => mapFromGolden(tensor));
  const student = maps('student');
  const traits = { levels: strides.slice(0, student.length).map((stride, index) => ({ name: `L${index}`, stride })) };
  return {
    student: { features: student }, teacher: { features: maps('teacher') }, classes: 1, anchorsPerCell: 1, grid: student.map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const),
    batch: { truth: gt_boxes.map((boxes) => ({ boxes, labels: boxes.map(() => 0), ignored: [] })), inputSize: image_shape, contentSizes: gt_boxes.map(() => image_shape), assignments: [] },
    traits: { student: traits, teacher: traits },
  };
}

function compare(golden: Case, { losses, gradients, pictures }: Measured): void {
  for (const part of ['pixel', 'instance', 'foreground'] as const) expectLoss(losses[`drkd.${part}`] ?? Number.NaN, golden.loss[part], part);
  expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), golden.loss.total, 'total');
  const compared = Object.entries(gradients).filter(([name, gradient]) => {
    const map = /^features\.(\d+)$/.exec(name);
    const stored = golden.grads[map === null ? goldenName(name) : `student_feat_${map[1] ?? ''}`];
    if (stored === undefined) return false;
    expectTensor(gradient, map === null ? fromGolden(name, stored, golden.hyperparameters.roi_output) : mapFromGolden(stored).data, name, 1e-3, GRADIENT_FLOOR);
    return true;
  });
  expect(compared.length, 'gradients compared').toBe(Object.keys(golden.grads).length);
  for (const [name, { shape: [count = 0], data }] of Object.entries(golden.masks)) {
    const [, role = '', image = '', level = ''] = /^(student|teacher)_relation_image(\d+)_level(\d+)$/.exec(name) ?? [];
    const picture = pictures[`drkd.objectRelation.${role}.L${level}`];
    const slots = picture?.shape[1] ?? 0;
    const own = Array.from({ length: count * count }, (_, index) => picture?.data[(Number(image) * slots + Math.floor(index / count)) * slots + (index % count)] ?? Number.NaN);
    expectTensor(own, data, name, 1e-5, 1e-6);
  }
}

describe.skipIf(goldens === undefined)('DRKD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { weights, graph_mid_channels, roi_output, relation_levels } = golden.hyperparameters;
      const rows = golden.parameters.student_filter_fc_weight_0?.shape[0];
      const config = drkdOptions.parse({
        method: 'drkd', ...weights, graphNodes: graph_mid_channels, relationLevels: relation_levels, poolSize: roi_output,
        filter: rows === undefined ? 'none' : 'fixed', maxObjects: rows ?? Math.max(1, ...golden.gt_boxes.map((boxes) => boxes.length)),
      });
      const scene = sceneOf(golden);
      const distillers = buildDistillers([config], scene);
      const parameters = distillers.flatMap((distiller) => distiller.parameters.all());
      expect(parameters.map(({ name }) => goldenName(name)).sort()).toEqual(Object.keys(golden.parameters).sort());
      for (const { name, variable } of parameters) {
        const stored = golden.parameters[goldenName(name)];
        if (stored !== undefined) setWeight(variable, fromGolden(name, stored, roi_output));
      }
      compare(golden, await measure(distillers, scene, execute));
    });
  });
});
