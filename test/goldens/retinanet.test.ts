/** Parity with torchvision's and MMDetection's RetinaNet over every stored case, op by op and captured. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDetector } from '../../src/detectors/table.ts';
import { ourName } from '../../src/detectors/names.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../src/detectors/stateDict.ts';
import { startEngine } from '../../src/engine/backend.ts';
import { type GroundTruth } from '../../src/engine/boxes.ts';
import { Random } from '../../src/engine/random.ts';
import { BACKBONES, detectorSchema } from '../../src/experiment/schema.ts';
import { EXECUTORS } from './support/execute.ts';
import { checkGolden, type Golden } from './support/retinanetCase.ts';
import { summarySchema } from './support/summary.ts';
import { formulaImage, formulaWeight } from './support/weights.ts';

const folder = join(process.env.GOLDENS_DIR ?? resolve(import.meta.dirname, '../../../shared/goldens'), 'detectors');
const files = (pattern: RegExp): string[] => (existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : []);
const torchvisionFiles = files(/^retinanet-.*\.json$/);
const mmdetectionFiles = files(/^mmdet-retinanet-.*\.json$/);
if (torchvisionFiles.length + mmdetectionFiles.length === 0) console.warn(`skipped: no RetinaNet cases in ${folder}`);

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const shape = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const size = z.tuple([z.number(), z.number()]);
const truthSchema = { gt_boxes: z.array(z.array(box)), gt_labels: z.array(z.array(z.number())) };
const detections = z.array(z.object({ count: z.number(), boxes: z.array(box), scores: z.array(z.number()), labels: z.array(z.number()) }));
const grads = z.record(z.string(), summarySchema);

const torchvisionSchema = z.object({
  cases: z.array(z.object({
    p6_from: z.enum(['c5', 'p5']), backbone: z.enum(BACKBONES), num_classes_torchvision: z.number(), image: shape, salt: z.number(), ...truthSchema,
    fpn: z.record(z.string(), summarySchema),
    head: z.object({ cls_logits: summarySchema, bbox_regression: summarySchema }),
    anchors: z.object({ count: z.number(), first: z.array(box), sum: z.number() }),
    losses: z.object({ classification: z.number(), bbox_regression: z.number() }),
    detections, grads,
  })),
});

const mmdetectionSchema = z.object({
  backbone: z.enum(BACKBONES), salt: z.number(),
  variants: z.record(z.string(), z.object({
    config: z.object({
      // Whether scale and offset learn changes no value that is compared.
      backbone: z.object({ norm_eval: z.literal(true), frozen_stages: z.literal(-1), style: z.literal('pytorch') }),
      neck: z.object({ out_channels: z.number(), start_level: z.literal(1), add_extra_convs: z.enum(['on_input', 'on_output']), num_outs: z.number() }),
      bbox_head: z.object({
        num_classes: z.number(), stacked_convs: z.number(),
        anchor_generator: z.object({ octave_base_scale: z.number(), scales_per_octave: z.number(), ratios: z.array(z.number()) }),
        loss_bbox: z.object({ type: z.literal('L1Loss') }),
      }),
    }),
    state_dict_keys: z.record(z.string(), z.array(z.number())),
  })),
  cases: z.array(z.object({
    name: z.string(), variant: z.string(), image: z.object({ shape, padded: size }), ...truthSchema,
    fpn: z.record(z.string(), summarySchema),
    head: z.object({ cls: z.array(summarySchema), bbox: z.array(summarySchema) }),
    anchors: z.object({ count: z.number(), per_level: z.array(z.number()), first_of_level: z.array(box), first: z.array(box), last: box, sum: z.number() }),
    assignment: z.array(z.object({ positive: z.number(), negative: z.number(), ignored: z.number(), index: z.array(z.number()), gt: z.array(z.number()) })),
    losses: z.object({ loss_cls: z.number(), loss_bbox: z.number(), total: z.number() }),
    losses_per_level: z.object({ loss_cls: z.array(z.number()), loss_bbox: z.array(z.number()) }),
    grads, detections,
  })),
});

// Networks are made before anything is executed.
beforeAll(async () => { await startEngine({ backend: 'auto' }); });

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

function truthOf({ gt_boxes, gt_labels }: { gt_boxes: [number, number, number, number][][]; gt_labels: number[][] }): GroundTruth[] {
  return gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] }));
}

function classNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `class ${index}`);
}

function torchvisionGolden(given: z.infer<typeof torchvisionSchema>['cases'][number]): Golden {
  const config = detectorSchema.parse({ detector: 'retinanet', backbone: given.backbone, preset: 'torchvision', norm: 'frozen', neck: { p6From: given.p6_from } });
  const detector = createDetector(config, { classes: classNames(given.num_classes_torchvision), random: Random.of(0) });
  const names = [...saveStateDict(detector, 'torchvision', readVariables)];
  loadStateDict(detector, new Map(names.map(([name, tensor]) => [name, formulaWeight(name, tensor.shape, given.salt, 'torchvision')])), { strict: true });
  const [, , height, width] = given.image;
  return {
    detector, size: [height, width], contentSize: [height, width], truth: truthOf(given), joined: true, rounding: 0.5e-7,
    images: formulaImage(given.image, [height, width], given.salt),
    features: Object.values(given.fpn), logits: [given.head.cls_logits], regression: [given.head.bbox_regression],
    anchors: { count: given.anchors.count, sum: given.anchors.sum, rows: given.anchors.first.map((row, index) => [index, row] as const) },
    losses: { classification: given.losses.classification, box: given.losses.bbox_regression },
    grads: Object.fromEntries(Object.entries(given.grads).map(([name, summary]) => [ourName(name, 'torchvision') ?? name, summary])),
    detections: given.detections,
  };
}

function mmdetectionGolden(file: z.infer<typeof mmdetectionSchema>, given: z.infer<typeof mmdetectionSchema>['cases'][number]): Golden {
  const variant = file.variants[given.variant];
  if (variant === undefined) throw new Error(`no variant ${given.variant}`);
  const { neck, bbox_head: head } = variant.config;
  const detector = createDetector(detectorSchema.parse({
    detector: 'retinanet', backbone: file.backbone, preset: 'mmdetection', norm: 'frozen', boxLoss: 'l1',
    neck: { channels: neck.out_channels, levels: neck.num_outs, p6From: neck.add_extra_convs === 'on_input' ? 'c5' : 'p5' },
    head: { convs: head.stacked_convs, norm: 'none' },
    anchors: { base: head.anchor_generator.octave_base_scale, octaves: head.anchor_generator.scales_per_octave, ratios: head.anchor_generator.ratios },
  }), { classes: classNames(head.num_classes), random: Random.of(0) });
  const state = Object.entries(variant.state_dict_keys).filter(([name]) => !name.endsWith('num_batches_tracked'));
  const report = loadStateDict(detector, new Map(state.map(([name, dimensions]) => [name, formulaWeight(name, dimensions, file.salt, 'mmdetection')])), { strict: true });
  expect(report.unexpected).toEqual([]);
  const { anchors } = given;
  const starts = anchors.per_level.map((_, level) => anchors.per_level.slice(0, level).reduce((sum, count) => sum + count, 0));
  const rows = [
    ...anchors.first.map((row, index) => [index, row] as const),
    ...anchors.first_of_level.map((row, level) => [starts[level] ?? -1, row] as const),
    [anchors.count - 1, anchors.last] as const,
  ];
  return {
    detector, size: given.image.padded, contentSize: [given.image.shape[2], given.image.shape[3]], truth: truthOf(given), joined: false, rounding: 0,
    images: formulaImage(given.image.shape, given.image.padded, file.salt),
    features: Object.values(given.fpn), logits: given.head.cls, regression: given.head.bbox,
    anchors: { count: anchors.count, sum: anchors.sum, rows, perLevel: anchors.per_level },
    assignment: given.assignment,
    losses: { classification: given.losses.loss_cls, box: given.losses.loss_bbox, total: given.losses.total },
    perLevel: { classification: given.losses_per_level.loss_cls, box: given.losses_per_level.loss_bbox },
    grads: given.grads, detections: given.detections,
  };
}

/** The network is made once; both ways of running read the same variables. */
function both(title: string, create: () => Golden): void {
  describe(title, () => {
    let golden: Golden;
    beforeAll(() => { golden = create(); });
    it.each(EXECUTORS)('%s', async (_, execute) => { await checkGolden(golden, execute); });
    afterAll(() => { golden.detector.parameters.dispose(); });
  });
}

describe.skipIf(torchvisionFiles.length === 0)('RetinaNet equals torchvision', () => {
  for (const file of torchvisionFiles) {
    for (const [index, given] of torchvisionSchema.parse(read(file)).cases.entries()) both(`${file}, case ${index}`, () => torchvisionGolden(given));
  }
});

describe.skipIf(mmdetectionFiles.length === 0)('RetinaNet equals MMDetection', () => {
  for (const name of mmdetectionFiles) {
    const file = mmdetectionSchema.parse(read(name));
    for (const given of file.cases) both(`${name}, ${given.name}`, () => mmdetectionGolden(file, given));
  }
});
