import { describe, expect, it } from 'vitest';
import { allAnchors, anchorsPerLevel, createAnchors } from '../../src/detectors/anchors.ts';
import { assignAtss } from '../../src/detectors/assignAtss.ts';
import { distributionCoding } from '../../src/detectors/coding.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { ldOptions } from '../../src/experiment/methods/ld.ts';
import { buildDistillers, measure, type Maps, type Scene } from './support/distiller.ts';
import { EXECUTORS } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly T_ld: number; readonly w_ld: number; readonly w_vlr: number; readonly T_kd: number; readonly w_kd: number; readonly w_im: number; readonly num_classes: number; readonly reg_max: number;
    readonly strides: readonly number[]; readonly anchor_octave_base_scale: number; readonly atss_topk: number; readonly vlr_gamma: number;
    readonly imitation: string; readonly vlr_overlap: 'iof' | 'iou';
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly image_shape: readonly [number, number];
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: Readonly<Record<string, number>>;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly masks: Readonly<Record<string, GoldenTensor>>;
}

const goldens = readGoldens('ld.json') as { readonly cases: readonly Case[] } | undefined;

const KINDS: Readonly<Record<string, string>> = { cls: 'logits', reg: 'regression', feat: 'features' };
const PARTS: Readonly<Record<string, string>> = { ld: 'main', ld_vlr: 'region', kd: 'classes', im: 'imitation' };
const PICTURES: Readonly<Record<string, string>> = { vlr_weight: 'region', imitation_region: 'imitation' };

function sceneOf({ inputs, hyperparameters: of, image_shape, gt_boxes, gt_labels }: Case): Scene {
  const maps = (network: string): Maps => Object.fromEntries(Object.entries(KINDS).map(([short, kind]) =>
    [kind, of.strides.flatMap((_, level) => { const tensor = inputs[`${network}_${short}_${level}`]; return tensor === undefined ? [] : [mapFromGolden(tensor)]; })]));
  const student = maps('student');
  const grid = (student.logits ?? []).map(({ shape }) => [shape[1] ?? 0, shape[2] ?? 0] as const);
  const anchors = createAnchors({ convention: 'mmdetection', base: of.anchor_octave_base_scale, octaves: 1, ratios: [1], rounded: false, strides: of.strides }, image_shape);
  const coding = { boxCoding: distributionCoding({ anchors: () => allAnchors(anchors), bins: of.reg_max + 1, perLevel: () => anchorsPerLevel(anchors), strides: of.strides }) };
  const truth = gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] }));
  return {
    student, teacher: maps('teacher'), classes: of.num_classes, anchorsPerCell: 1, grid,
    batch: { truth, inputSize: image_shape, contentSizes: gt_boxes.map(() => image_shape), assignments: truth.map((image) => assignAtss(anchors, image)) },
    traits: { student: coding, teacher: coding },
  };
}

describe.skipIf(goldens === undefined)('LD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { hyperparameters: of, loss, grads, masks } = golden;
      const config = ldOptions.parse({
        method: 'ld', weight: of.w_ld, vlrWeight: of.w_vlr, temperature: of.T_ld, classWeight: of.w_kd, classTemperature: of.T_kd, imitation: of.imitation, imitationWeight: of.w_im,
        vlrOverlap: of.vlr_overlap, gamma: of.vlr_gamma, candidates: of.atss_topk,
      });
      const scene = sceneOf(golden);
      const { losses, gradients, pictures } = await measure(buildDistillers([config], scene), scene, execute);
      for (const [short, part] of Object.entries(PARTS)) {
        const expected = of.strides.reduce((sum, ___, level) => sum + (loss[`${short}_${level}`] ?? 0), 0);
        expectLoss(losses[`ld.${part}`] ?? 0, expected, part);
      }
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), loss.total ?? Number.NaN, 'total');
      for (const [name, tensor] of Object.entries(grads)) {
        const [, short = '', level = ''] = /^student_(\w+)_(\d+)$/.exec(name) ?? [];
        expectTensor(gradients[`${KINDS[short] ?? short}.${level}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
      }
      for (const [name, { shape, data }] of Object.entries(masks)) {
        const [, kind = '', level = ''] = /^(\w+)_(\d+)$/.exec(name) ?? [];
        if (kind === 'labels') {
          // Classes of positives, K elsewhere.
          expectTensor(pictures[`ld.positives.shared.L${level}`]?.data ?? [], data.map((label) => (label >= 0 && label < of.num_classes ? 1 : 0)), name, 1e-5, 1e-7);
          continue;
        }
        if (kind === 'imitation_region' && of.imitation === 'none') continue;
        const picture = pictures[`ld.${PICTURES[kind] ?? kind}.shared.L${level}`];
        expect(picture?.shape, name).toEqual(shape);
        expectTensor(picture?.data ?? [], data, name, 1e-5, 1e-7);
      }
    });
  });
});
