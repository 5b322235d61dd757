import { describe, expect, it } from 'vitest';
import type * as tf from '@tensorflow/tfjs';
import { allAnchors, anchorsPerLevel, createAnchors } from '../../src/detectors/anchors.ts';
import { deltaCoding } from '../../src/detectors/coding.ts';
import { inference, type Assignment } from '../../src/detectors/detector.ts';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { type Box } from '../../src/engine/boxes.ts';
import { ladOptions } from '../../src/experiment/methods/lad.ts';
import { buildDistillers, measure, type Maps, type Scene } from './support/distiller.ts';
import { EXECUTORS, type Execute } from './support/execute.ts';
import { expectLoss, expectTensor, GRADIENT_FLOOR, mapFromGolden, readGoldens, type GoldenTensor } from './support/tensors.ts';

interface Case {
  readonly name: string;
  readonly hyperparameters: {
    readonly num_classes: number; readonly strides: readonly number[]; readonly topk: number; readonly pos_iou_thr: number; readonly octave_base_scale: number; readonly scales_per_octave: number;
    readonly ratios: readonly number[]; readonly bbox_stds: readonly [number, number, number, number]; readonly cls_weight: number; readonly giou_weight: number; readonly iou_bce_weight: number;
    readonly pad_shapes: readonly (readonly [number, number])[];
  };
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly gt_boxes: readonly (readonly Box[])[];
  readonly gt_labels: readonly (readonly number[])[];
  readonly loss: Readonly<Record<'total' | 'loss_cls' | 'loss_bbox' | 'loss_iou', number>>;
  readonly grads: Readonly<Record<string, GoldenTensor>>;
  readonly assignment: {
    readonly teacher_positive_flat: readonly number[]; readonly teacher_positive_labels: readonly number[]; readonly student_own_positive_flat: readonly number[]; readonly anchors_per_image: number;
    readonly bbox_targets_of_positives: GoldenTensor;
  };
}

const goldens = readGoldens('lad.json') as { readonly cases: readonly Case[] } | undefined;
const KINDS: Readonly<Record<string, keyof Maps>> = { cls: 'logits', reg: 'regression', iou: 'centerness' };

function sceneOf({ hyperparameters: of, inputs, gt_boxes, gt_labels, assignment }: Case): Scene {
  const maps = (network: string): Maps => Object.fromEntries(Object.entries(KINDS).map(([short, kind]) =>
    [kind, of.strides.flatMap((_, level) => { const tensor = inputs[`${network}_${short}${level}`]; return tensor === undefined ? [] : [mapFromGolden(tensor)]; })]));
  const student = maps('s');
  const inputSize = [0, 1].map((axis) => Math.max(...of.pad_shapes.map((shape) => shape[axis] ?? 0))) as [number, number];
  const anchors = createAnchors({ convention: 'mmdetection', base: of.octave_base_scale, octaves: of.scales_per_octave, ratios: of.ratios, rounded: false, strides: of.strides }, inputSize);
  const boxCoding = deltaCoding({ anchors: () => allAnchors(anchors), perLevel: () => anchorsPerLevel(anchors), deviations: of.bbox_stds, limits: { least: Math.log(16 / 1000), most: Math.log(1000 / 16) } });
  const traits = { detector: 'atss', boxCoding, levels: of.strides.map((stride, level) => ({ name: `L${level}`, stride })) };
  return {
    student, teacher: maps('t'), classes: of.num_classes, anchorsPerCell: anchors.anchorsPerCell, grid: anchors.levels.map(({ rows, columns }) => [rows, columns] as const),
    batch: {
      truth: gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] })), inputSize, contentSizes: of.pad_shapes,
      assignments: gt_boxes.map(() => new Int32Array(assignment.anchors_per_image)),
    },
    traits: { student: traits, teacher: traits },
  };
}

/** What the step before the step sees and what comes of it. */
async function assignBy(distiller: Distiller | undefined, scene: Scene, maps: Maps, execute: Execute): Promise<readonly Assignment[]> {
  const levels = Object.fromEntries(Object.entries(maps).flatMap(([kind, list]) => list.map((map, level) => [`map.${kind}.${level}`, map])));
  const observed = await execute((tensors) => {
    const outputs = Object.fromEntries(Object.keys(maps).map((kind) => [kind, scene.grid.map((_, level) => tensors[`map.${kind}.${level}`] as tf.Tensor4D)]));
    const network = { backbone: [], features: [], logits: [], regression: [], towers: { classification: [], regression: [] }, ...outputs };
    return { outputs: distiller?.observe?.run(network, network, tensors, { images: undefined as unknown as tf.Tensor4D, targets: {}, mode: inference() }) ?? {} };
  }, { ...levels, ...(distiller?.observe?.inputs?.(scene.batch) ?? {}) }, []);
  return distiller?.supervise?.(scene.batch, observed).assignments ?? [];
}

function positives(assignments: readonly Assignment[]): { readonly flat: number; readonly image: number; readonly object: number }[] {
  return assignments.flatMap((objects, image) => [...objects].flatMap((object, index) => (object > 0 ? [{ flat: image * objects.length + index, image, object: object - 1 }] : [])));
}

describe.skipIf(goldens === undefined)('LAD against the reference', () => {
  describe.each(EXECUTORS)('%s', (_, execute) => {
    it.each(goldens?.cases.map((golden) => [golden.name, golden] as const) ?? [])('%s', async (__, golden) => {
      const { hyperparameters: of, assignment, loss, grads, gt_boxes, gt_labels } = golden;
      const scene = sceneOf(golden);
      const distillers = buildDistillers([ladOptions.parse({
        method: 'lad', losses: 'paa', candidates: of.topk, overlap: of.pos_iou_thr, classWeight: of.cls_weight, giouWeight: of.giou_weight, iouWeight: of.iou_bce_weight,
      })], scene);
      const assignments = await assignBy(distillers[0], scene, scene.teacher, execute);
      const chosen = positives(assignments);
      expect(chosen.map(({ flat }) => flat)).toEqual(assignment.teacher_positive_flat);
      expect(chosen.map(({ image, object }) => gt_labels[image]?.[object])).toEqual(assignment.teacher_positive_labels);
      expectTensor(chosen.flatMap(({ image, object }) => [...(gt_boxes[image]?.[object] ?? [])]), assignment.bbox_targets_of_positives.data, 'boxes of positives', 1e-5, 1e-7);
      expect(positives(await assignBy(distillers[0], scene, scene.student, execute)).map(({ flat }) => flat)).toEqual(assignment.student_own_positive_flat);

      const { losses, gradients } = await measure(distillers, { ...scene, batch: { ...scene.batch, assignments } }, execute);
      expectLoss(losses['lad.classification'] ?? Number.NaN, loss.loss_cls, 'classification');
      expectLoss(losses['lad.box'] ?? Number.NaN, loss.loss_bbox, 'box');
      expectLoss(losses['lad.overlap'] ?? Number.NaN, loss.loss_iou, 'overlap');
      expectLoss(Object.values(losses).reduce((sum, value) => sum + value, 0), loss.total, 'total');
      for (const [name, tensor] of Object.entries(grads)) {
        const [, short = '', level = ''] = /^s_([a-z]+)(\d+)$/.exec(name) ?? [];
        expectTensor(gradients[`${KINDS[short] ?? short}.${level}`] ?? [], mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
      }
    });
  });
});
