/** Every method trains: sixty steps of a tiny student on the drawn scenes, with the losses that a run would write down. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '../../src/data/index.ts';
import { type DataSet } from '../../src/data/sample.ts';
import { inheritFrom } from '../../src/detectors/inherit.ts';
import { type StateDict } from '../../src/detectors/stateDict.ts';
import { createDetector, createTeacher } from '../../src/detectors/table.ts';
import { METHODS, type MethodId } from '../../src/distillers/table.ts';
import { startEngine, type Engine } from '../../src/engine/backend.ts';
import { Random } from '../../src/engine/random.ts';
import { readWeights } from '../../src/engine/weights/read.ts';
import { experimentSchema, type Experiment, type TeacherConfig } from '../../src/experiment/schema.ts';
import { teachersOf } from '../../src/experiment/teachers.ts';
import { Arm } from '../../src/run/arm.ts';
import { planLessons } from '../../src/run/lessons.ts';
import { measureTeacher } from '../../src/run/teacher.ts';
import { detectorFor, TRIED } from '../support/methodBench.ts';

const STEPS = 60;
/** Enough for a teacher whose predictions are worth imitating. */
const TEACHER_STEPS = 120;
const TEACHER = join(import.meta.dirname, '../../examples/teachers/scenes-retinanet-small.safetensors');
const CLASSES = ['disc', 'square', 'triangle', 'star'];

/** Parts whose target is itself learning and so runs away at first: finite, but not falling in sixty steps. */
const MOVING: Partial<Record<MethodId, readonly string[]>> = { head: ['cross'] };

let engine: Engine;
let training: DataSet;

function experimentOf(id: MethodId): Experiment {
  const detector = detectorFor(id);
  const network = { detector, neck: { levels: 3 } };
  return experimentSchema.parse({
    name: id, data: { format: 'scenes', train: 8, val: 8, classes: CLASSES, size: [64, 64], augment: { flip: 0 } },
    ...(METHODS[id].teacher === 'needed' ? { teacher: { ...network, backbone: 'small', weights: TEACHER } } : {}),
    student: { ...network, backbone: 'tiny' },
    distill: [{ method: id, ...TRIED[id] }],
    train: { steps: STEPS, batch: 4, optimizer: 'adamw', learningRate: 0.002, schedule: 'constant', warmup: 5, clip: 35 },
    pictures: { images: 0 },
  });
}

/** The demo's teacher, or one trained here for detectors that have none; its weights by name. */
async function teacherState({ train, data, ...rest }: Experiment, config: TeacherConfig): Promise<StateDict> {
  if (config.detector === 'retinanet' && existsSync(TEACHER)) return readWeights(TEACHER);
  const student = createDetector(config, { classes: CLASSES, random: Random.of(4) });
  const experiment = { ...rest, data, train: { ...train, learningRate: 0.005 } };
  const arm = await Arm.create({ name: 'student', experiment, engine, student, stages: [{ from: 0, to: TEACHER_STEPS, networks: { student, distillers: [] } }], training });
  for (let step = 0; step < TEACHER_STEPS; step += 1) await arm.trainStep();
  const { student: state } = arm.values();
  await arm.dispose();
  student.parameters.dispose();
  return state;
}

async function teacherOf(experiment: Experiment): Promise<Parameters<typeof planLessons>[1]['teachers']> {
  const [config] = teachersOf(experiment);
  if (config === undefined) return [];
  const { detector } = createTeacher(config, { classes: CLASSES }, await teacherState(experiment, config));
  return [{ config, detector, statistics: await measureTeacher(detector, training, experiment.data, engine, true) }];
}

beforeAll(async () => {
  engine = await startEngine({ backend: 'auto' });
  training = await openDataSet(experimentOf('fgd').data, 'train', { baseFolder: '.', signal: new AbortController().signal });
});

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('sixty steps on the scenes', () => {
  it.each(Object.keys(METHODS) as MethodId[])('%s', async (id) => {
    const experiment = experimentOf(id);
    const student = createDetector(experiment.student, { classes: CLASSES, random: Random.of(1) });
    const teachers = await teacherOf(experiment);
    const [teacher] = teachers;
    if (teacher !== undefined) inheritFrom(student, teacher.detector, 'head');
    const stages = planLessons(experiment, { student, teachers, steps: STEPS, files: new Map() });
    const arm = await Arm.create({ name: 'student', experiment, engine, student, stages, training });
    const losses: number[] = [];
    try {
      for (let step = 0; step < STEPS; step += 1) {
        const record = await arm.trainStep();
        for (const [part, value] of Object.entries(record.losses)) expect(Number.isFinite(value), `${part} at step ${step} is ${value}`).toBe(true);
        expect(Number.isFinite(record.gradientNorm), `gradient norm at step ${step}`).toBe(true);
        losses.push(Object.entries(record.losses).reduce((sum, [part, value]) => (part.startsWith(`${id}.`) && MOVING[id]?.includes(part.slice(id.length + 1)) !== true ? sum + value : sum), 0));
      }
    } finally {
      await arm.dispose();
      student.parameters.dispose();
      teacher?.detector.parameters.dispose();
    }
    const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
    expect(last, `the method's loss, from ${first}`).toBeLessThan(first);
  });
});
