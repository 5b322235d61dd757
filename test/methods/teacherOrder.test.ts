/** `distill-lab teachers` on real networks: costs with the properties that their definition gives them, and the order. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readVariables, saveStateDict } from '../../src/detectors/stateDict.ts';
import { createDetector } from '../../src/detectors/table.ts';
import { startEngine } from '../../src/engine/backend.ts';
import { Random } from '../../src/engine/random.ts';
import { writeSafetensors } from '../../src/engine/weights/safetensors.ts';
import { detectorSchema, experimentSchema } from '../../src/experiment/schema.ts';
import { compareTeachers } from '../../src/run/compareTeachers.ts';

const TEACHER = join(import.meta.dirname, '../../examples/teachers/scenes-retinanet-small.safetensors');
const CLASSES = ['disc', 'square', 'triangle', 'star'];
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'distill-order-'));
  await startEngine({ backend: 'auto' });
  // One level less: its coarsest stands in for the one it lacks.
  const weak = createDetector(detectorSchema.parse({ detector: 'retinanet', backbone: 'tiny', neck: { levels: 2, channels: 16 } }), { classes: CLASSES, random: Random.of(3) });
  await writeSafetensors(join(folder, 'weak.safetensors'), saveStateDict(weak, 'mmdetection', readVariables), { format: 'pt' });
});
afterAll(() => { rmSync(folder, { recursive: true }); });

it.skipIf(!existsSync(TEACHER)).each([true, false])('compares the demo\'s teacher with itself and a weak one (captured: %o)', async (capture) => {
  const experiment = experimentSchema.parse({
    name: 'order', data: { format: 'scenes', train: 12, val: 12, classes: CLASSES, size: [64, 96] },
    teacher: [
      { detector: 'retinanet', backbone: 'tiny', neck: { levels: 2, channels: 16 }, weights: 'weak.safetensors' },
      { detector: 'retinanet', backbone: 'small', weights: TEACHER },
      { detector: 'retinanet', backbone: 'small', weights: TEACHER },
    ],
    student: { detector: 'retinanet', backbone: 'tiny' }, train: { steps: 10, warmup: 0 }, engine: { capture },
  });
  const seen: string[] = [];
  const compared = await compareTeachers({ experiment, baseFolder: folder, images: 10, log: () => undefined, onProgress: (what) => { seen.push(what); } });
  const { teachers, costs, fromStudent, studentTrained, order } = compared;
  expect(teachers[1]?.AP ?? 0).toBeGreaterThan(teachers[0]?.AP ?? 1);
  expect(teachers[2]?.AP).toBe(teachers[1]?.AP);
  for (const [from, row] of costs.entries()) {
    expect(row).toHaveLength(3);
    for (const [to, cost] of row.entries()) {
      if (from === to || from + to === 3) expect(cost, `${from} → ${to}`).toBeLessThan(0.01);
      else {
        expect(cost, `${from} → ${to}`).toBeGreaterThan(0.02);
        expect(cost).toBeLessThanOrEqual(1);
      }
    }
  }
  expect(fromStudent).toHaveLength(3);
  expect(studentTrained).toBe(false);
  expect(order.at(-1)).toBe(1);
  expect(order).not.toContain(2);
  expect(new Set(seen)).toEqual(new Set(['teacher 1 of 3: image', 'teacher 2 of 3: image', 'teacher 3 of 3: image', 'features: image']));

  // As the student: the teacher itself. From there no detour helps.
  const own = await compareTeachers({ experiment: { ...experiment, student: { ...experiment.student, backbone: 'small' } }, baseFolder: folder, images: 10, student: TEACHER, log: () => undefined });
  expect(own.studentTrained).toBe(true);
  expect(own.fromStudent[1]).toBeLessThan(0.01);
  expect(own.order).toEqual([1]);
});
