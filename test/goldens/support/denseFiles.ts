/** Files of dense detectors' goldens: their form, and the detectors that they describe. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Detector } from '../../../src/detectors/detector.ts';
import { ourName } from '../../../src/detectors/names.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../../src/detectors/stateDict.ts';
import { createDetector } from '../../../src/detectors/table.ts';
import { startEngine } from '../../../src/engine/backend.ts';
import { type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { Random } from '../../../src/engine/random.ts';
import { BACKBONES, detectorSchema, type DetectorConfig } from '../../../src/experiment/schema.ts';
import { checkGolden, type Golden } from './denseCase.ts';
import { summarySchema } from './summary.ts';
import { GOLDENS } from './tensors.ts';
import { formulaImage, formulaWeight } from './weights.ts';

/** Milliseconds: a ResNet takes a while to be captured where cores are few. */
const TIME_LIMIT = 300_000;

const folder = join(GOLDENS, 'detectors');

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const shape = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const size = z.tuple([z.number(), z.number()]);
const numbers = z.array(z.number());
const losses = z.record(z.string(), z.number());
const truthSchema = { gt_boxes: z.array(z.array(box)), gt_labels: z.array(numbers) };
const detections = z.array(z.object({ count: z.number(), boxes: z.array(box), scores: numbers, labels: numbers }));
const grads = z.record(z.string(), summarySchema);
const priors = z.object({ count: z.number(), per_level: numbers, first_of_level: z.array(numbers), first: z.array(numbers), last: numbers, sum: z.number() });

const torchvisionSchema = z.object({
  cases: z.array(z.object({
    p6_from: z.enum(['c5', 'p5']), backbone: z.enum(BACKBONES), num_classes_torchvision: z.number(), image: shape, salt: z.number(), ...truthSchema,
    fpn: z.record(z.string(), summarySchema),
    head: z.object({ cls_logits: summarySchema, bbox_regression: summarySchema, bbox_ctrness: summarySchema.optional() }),
    anchors: z.object({ count: z.number(), first: z.array(box), sum: z.number() }),
    losses, detections, grads,
  })),
});

const mmdetectionSchema = z.object({
  backbone: z.enum(BACKBONES), salt: z.number(),
  variants: z.record(z.string(), z.object({
    config: z.object({
      // Whether scale and offset learn changes no value that is compared.
      backbone: z.object({ norm_eval: z.literal(true), frozen_stages: z.literal(-1), style: z.enum(['pytorch', 'caffe']) }),
      neck: z.object({ out_channels: z.number(), start_level: z.literal(1), add_extra_convs: z.enum(['on_input', 'on_output']), num_outs: z.number(), relu_before_extra_convs: z.boolean().default(false) }),
      bbox_head: z.object({
        num_classes: z.number(), stacked_convs: z.number(),
        anchor_generator: z.object({ octave_base_scale: z.number(), scales_per_octave: z.number(), ratios: numbers }).optional(),
        loss_bbox: z.object({ type: z.enum(['L1Loss', 'IoULoss', 'GIoULoss']) }),
        conv_bias: z.boolean().default(false), norm_on_bbox: z.boolean().default(false), centerness_on_reg: z.boolean().default(false),
        center_sampling: z.boolean().default(false), center_sample_radius: z.number().default(1.5), dcn_on_last_conv: z.literal(false).optional(), reg_max: z.number().default(16),
      }),
      test_cfg: z.object({ nms_pre: z.literal(1000), min_bbox_size: z.literal(0), score_thr: z.number(), nms: z.object({ iou_threshold: z.number() }), max_per_img: z.number() }),
    }),
    state_dict_keys: z.record(z.string(), numbers),
  })),
  cases: z.array(z.object({
    name: z.string(), variant: z.string(), image: z.object({ shape, padded: size }), ...truthSchema,
    fpn: z.record(z.string(), summarySchema),
    head: z.object({ cls: z.array(summarySchema), bbox: z.array(summarySchema), centerness: z.array(summarySchema).optional() }),
    anchors: priors.optional(), points: priors.optional(),
    assignment: z.array(z.object({ positive: z.number(), negative: z.number(), ignored: z.number(), index: numbers, gt: numbers })),
    losses: losses.and(z.object({ total: z.number() })),
    losses_per_level: z.record(z.string(), numbers).optional(),
    grads, detections,
    // How far the reference's own gradients moved under noise.
    float64_check: z.object({ 'with_image_noise_2e-6': z.object({ grads: z.number() }) }).optional(),
  })),
});

type TorchvisionCase = z.infer<typeof torchvisionSchema>['cases'][number];
type MmdetectionFile = z.infer<typeof mmdetectionSchema>;
type MmdetectionCase = MmdetectionFile['cases'][number];

/** Our parts of a loss by the libraries' names. */
const PARTS: Readonly<Record<string, string>> = {
  classification: 'classification', bbox_regression: 'box', bbox_ctrness: 'centerness',
  loss_cls: 'classification', loss_bbox: 'box', loss_centerness: 'centerness', loss_dfl: 'distribution',
};

function byPart<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => {
    if (name === 'total') return [];
    const part = PARTS[name];
    if (part === undefined) throw new Error(`no part of ours is ${name}`);
    return [[part, value]];
  }));
}

function truthOf({ gt_boxes, gt_labels }: { readonly gt_boxes: readonly Box[][]; readonly gt_labels: readonly number[][] }): GroundTruth[] {
  return gt_boxes.map((boxes, image) => ({ boxes, labels: gt_labels[image] ?? [], ignored: [] }));
}

function classNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `class ${index}`);
}

function torchvisionGolden(name: DetectorConfig['detector'], given: TorchvisionCase): Golden {
  const config = detectorSchema.parse({ detector: name, backbone: given.backbone, preset: 'torchvision', norm: 'frozen', neck: { p6From: given.p6_from } });
  const detector = createDetector(config, { classes: classNames(given.num_classes_torchvision), random: Random.of(0) });
  const names = [...saveStateDict(detector, 'torchvision', readVariables)];
  loadStateDict(detector, new Map(names.map(([entry, tensor]) => [entry, formulaWeight(entry, tensor.shape, given.salt, 'torchvision')])), { strict: true });
  const [, , height, width] = given.image;
  const points = detector.traits.boxCoding?.form === 'distances';
  return {
    detector, size: [height, width], contentSize: [height, width], truth: truthOf(given), joined: true, atBend: false, rounding: 0.5e-7,
    images: formulaImage(given.image, [height, width], given.salt),
    features: Object.values(given.fpn), logits: [given.head.cls_logits], regression: [given.head.bbox_regression],
    ...(given.head.bbox_ctrness === undefined ? {} : { centerness: [given.head.bbox_ctrness] }),
    // Points are the anchors' centres.
    priors: {
      count: given.anchors.count, sum: given.anchors.sum / (points ? 2 : 1),
      rows: given.anchors.first.map((row, index) => [index, points ? [(row[0] + row[2]) / 2, (row[1] + row[3]) / 2] : row] as const),
    },
    losses: byPart(given.losses),
    grads: Object.fromEntries(Object.entries(given.grads).map(([entry, summary]) => [ourName(entry, 'torchvision', name) ?? entry, summary])),
    detections: given.detections,
  };
}

function mmdetectionConfig(name: DetectorConfig['detector'], backbone: string, { backbone: { style }, neck, bbox_head: head }: MmdetectionFile['variants'][string]['config']): DetectorConfig {
  const { anchor_generator: generator, loss_bbox: loss } = head;
  expect(neck.relu_before_extra_convs).toBe(name === 'fcos');
  return detectorSchema.parse({
    detector: name, backbone, style, preset: 'mmdetection', norm: 'frozen',
    neck: { channels: neck.out_channels, levels: neck.num_outs, p6From: neck.add_extra_convs === 'on_input' ? 'c5' : 'p5' },
    head: { convs: head.stacked_convs, norm: name === 'retinanet' ? 'none' : 'group', bias: head.conv_bias },
    anchors: generator === undefined ? {} : { base: generator.octave_base_scale, octaves: generator.scales_per_octave, ratios: generator.ratios },
    gfl: { bins: head.reg_max + 1 },
    fcos: {
      centerSampling: head.center_sampling ? head.center_sample_radius : 0, distances: head.norm_on_bbox ? 'strides' : 'pixels',
      centernessOn: head.centerness_on_reg ? 'regression' : 'classification', boxLoss: loss.type === 'IoULoss' ? 'iou' : 'giou',
    },
  });
}

function mmdetectionDetector(name: DetectorConfig['detector'], file: MmdetectionFile, { config, state_dict_keys: keys }: MmdetectionFile['variants'][string]): Detector {
  const { test_cfg: test } = config;
  const detector = createDetector(mmdetectionConfig(name, file.backbone, config), {
    classes: classNames(config.bbox_head.num_classes), random: Random.of(0), evaluation: { scoreThreshold: test.score_thr, nms: test.nms.iou_threshold, maxDetections: test.max_per_img },
  });
  const entries = Object.entries(keys).filter(([entry]) => !entry.endsWith('num_batches_tracked'));
  const own = saveStateDict(detector, 'mmdetection', readVariables);
  expect(Object.fromEntries([...own].map(([entry, tensor]) => [entry, [...tensor.shape]])), 'names and shapes of the state dict').toEqual(Object.fromEntries(entries));
  const report = loadStateDict(detector, new Map(entries.map(([entry, dimensions]) => [entry, formulaWeight(entry, dimensions, file.salt, 'mmdetection')])), { strict: true });
  expect(report.unexpected).toEqual([]);
  return detector;
}

function mmdetectionGolden(name: DetectorConfig['detector'], file: MmdetectionFile, given: MmdetectionCase): Golden {
  const variant = file.variants[given.variant];
  const stored = given.anchors ?? given.points;
  if (variant === undefined || stored === undefined) throw new Error(`no variant ${given.variant}, or no priors`);
  const starts = stored.per_level.map((_, level) => stored.per_level.slice(0, level).reduce((sum, count) => sum + count, 0));
  const rows = [
    ...stored.first.map((row, index) => [index, row] as const),
    ...stored.first_of_level.map((row, level) => [starts[level] ?? -1, row] as const),
    [stored.count - 1, stored.last] as const,
  ];
  return {
    detector: mmdetectionDetector(name, file, variant), size: given.image.padded, contentSize: [given.image.shape[2], given.image.shape[3]], truth: truthOf(given), joined: false,
    atBend: (given.float64_check?.['with_image_noise_2e-6'].grads ?? 0) > 1e-4, rounding: 0,
    images: formulaImage(given.image.shape, given.image.padded, file.salt),
    features: Object.values(given.fpn), logits: given.head.cls, regression: given.head.bbox, ...(given.head.centerness === undefined ? {} : { centerness: given.head.centerness }),
    priors: { count: stored.count, sum: stored.sum, rows, perLevel: stored.per_level },
    assignment: given.assignment,
    losses: byPart(given.losses), total: given.losses.total, ...(given.losses_per_level === undefined ? {} : { perLevel: byPart(given.losses_per_level) }),
    grads: given.grads, detections: given.detections,
  };
}

/** The network is made once; both ways of running read the same variables. */
function both(title: string, create: () => Golden): void {
  describe(title, () => {
    let golden: Golden;
    beforeAll(() => { golden = create(); }, TIME_LIMIT);
    it.each([['op by op', false], ['captured', true]] as const)('%s', async (_, capture) => { await checkGolden(golden, capture); }, TIME_LIMIT);
    afterAll(() => { golden.detector.parameters.dispose(); });
  });
}

function filesOf(pattern: RegExp): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(join(folder, file), 'utf8'));
}

/** Every stored case of a detector, op by op and captured. */
export function compareWithGoldens(name: DetectorConfig['detector'], title: string): void {
  const torchvision = filesOf(new RegExp(`^${name}-.*\\.json$`));
  const mmdetection = filesOf(new RegExp(`^mmdet-${name}-.*\\.json$`));
  if (torchvision.length + mmdetection.length === 0) console.warn(`skipped: no cases of ${title} in ${folder}`);
  // Networks are made before anything is executed.
  beforeAll(async () => { await startEngine({ backend: 'auto' }); });

  describe.skipIf(torchvision.length === 0)(`${title} equals torchvision`, () => {
    for (const file of torchvision) {
      for (const [index, given] of torchvisionSchema.parse(read(file)).cases.entries()) both(`${file}, case ${index}`, () => torchvisionGolden(name, given));
    }
  });
  describe.skipIf(mmdetection.length === 0)(`${title} equals MMDetection`, () => {
    for (const entry of mmdetection) {
      const file = mmdetectionSchema.parse(read(entry));
      for (const given of file.cases) both(`${entry}, ${given.name}`, () => mmdetectionGolden(name, file, given));
    }
  });
}
