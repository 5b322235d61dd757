/** Parity with pycocotools over every stored case: twelve numbers, overall and per class, to 1e-6. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { evaluateCoco, evaluateTables } from '../../src/evaluation/coco.ts';
import { detectionTable, objectTable } from '../../src/evaluation/table.ts';
import { type Metrics } from '../../src/evaluation/types.ts';

const folder = join(process.env.GOLDENS_DIR ?? resolve(import.meta.dirname, '../../../shared/goldens'), 'coco-eval');
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
if (files.length === 0) console.warn(`skipped: no COCO evaluation cases in ${folder}`);

const bbox = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const numbers = z.object({
  AP: z.number(), AP50: z.number(), AP75: z.number(), APs: z.number(), APm: z.number(), APl: z.number(),
  AR1: z.number(), AR10: z.number(), AR100: z.number(), ARs: z.number(), ARm: z.number(), ARl: z.number(),
});
const caseSchema = z.object({
  ground_truth: z.object({
    images: z.array(z.object({ id: z.number(), width: z.number(), height: z.number() })),
    // `ignore` and `_ignore` are leftovers of the reference's own run; it derives both from `iscrowd` and the area.
    annotations: z.array(z.object({ image_id: z.number(), category_id: z.number(), bbox, area: z.number(), iscrowd: z.number().default(0) })),
    categories: z.array(z.object({ id: z.number(), name: z.string() })),
  }),
  detections: z.array(z.object({ image_id: z.number(), category_id: z.number(), bbox, score: z.number() })),
  stats: numbers,
  per_class: z.record(z.string(), numbers),
});

function load(file: string) {
  const golden = caseSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')));
  const { images, annotations, categories } = golden.ground_truth;
  const classes = categories.map(({ name }) => name);
  const labels = new Map(categories.map(({ id }, label) => [id, label]));
  const label = (id: number): number => labels.get(id) ?? -1;
  const corners = ([x, y, w, h]: readonly [number, number, number, number]) => [x, y, x + w, y + h] as const;
  const truth = {
    images: images.map(({ id, width, height }) => ({ index: id, width, height })),
    objects: annotations.map((a) => ({ image: a.image_id, label: label(a.category_id), box: corners(a.bbox), area: a.area, crowd: a.iscrowd === 1, difficult: false })),
  };
  const detections = golden.detections.map((d) => ({ image: d.image_id, label: label(d.category_id), box: corners(d.bbox), score: d.score }));
  return { golden, truth, detections, classes, images: images.length };
}

function expectEqual(actual: Metrics | undefined, expected: Metrics, what: string): void {
  expect(actual, what).toBeDefined();
  const values = new Map(Object.entries<number>({ ...actual }));
  for (const [key, value] of Object.entries<number>({ ...expected })) {
    const got = values.get(key) ?? NaN;
    expect(Math.abs(got - value), `${what} ${key}: ${got} instead of ${value}`).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
  }
}

describe.skipIf(files.length === 0)('COCO evaluation equals pycocotools', () => {
  it.each(files)('%s', (file) => {
    const { golden, truth, detections, classes, images } = load(file);
    // The reference keeps x, y, width, height: put in as they are, so that no rounding of corners can flip a tie.
    const objects = objectTable(truth, classes.length);
    golden.ground_truth.annotations.forEach((a, row) => { objects.boxes.set(a.bbox, 4 * row); });
    const found = detectionTable(truth, detections, classes.length);
    golden.detections.forEach((d, row) => { found.boxes.set(d.bbox, 4 * row); });
    const { metrics, perClass } = evaluateTables(objects, found, images, classes);
    expectEqual(metrics, golden.stats, 'overall');
    for (const [name, expected] of Object.entries(golden.per_class)) expectEqual(perClass[name], expected, name);
  });

  it.each(files)('%s from corners', (file) => {
    const { golden, truth, detections, classes } = load(file);
    const { metrics } = evaluateCoco(truth, detections, classes);
    // A tie at a threshold may fall the other way after x + w − x: that moves one detection, not the result.
    expect(Math.abs(metrics.AP - golden.stats.AP)).toBeLessThan(1e-3);
  });
});
