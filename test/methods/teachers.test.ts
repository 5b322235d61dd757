/** Several teachers, at once and one after the other: whole arms on the drawn scenes, compared step by step. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataSet } from '../../src/data/index.ts';
import { type DataSet } from '../../src/data/sample.ts';
import { loadStateDict, readVariables, saveStateDict } from '../../src/detectors/stateDict.ts';
import { createDetector, createTeacher } from '../../src/detectors/table.ts';
import { startEngine, type Engine } from '../../src/engine/backend.ts';
import { type HostTensor } from '../../src/engine/hostTensor.ts';
import { Random } from '../../src/engine/random.ts';
import { experimentSchema, type Experiment, type ExperimentInput } from '../../src/experiment/schema.ts';
import { teachersOf } from '../../src/experiment/teachers.ts';
import { Arm } from '../../src/run/arm.ts';
import { writeCheckpoint, type CheckpointValues } from '../../src/run/checkpoint.ts';
import { planLessons, type LoadedTeacher } from '../../src/run/lessons.ts';
import { measureTeacher } from '../../src/run/teacher.ts';

const CLASSES = ['disc', 'square', 'triangle', 'star'];
const NETWORK = { detector: 'retinanet', backbone: 'tiny', neck: { levels: 3 } } as const;

let engine: Engine;
let training: DataSet;
let folder = '';

type Teachers = NonNullable<ExperimentInput['teacher']>;

/** @param teachers their `weights` are seeds: `7` is an untrained network drawn from 7 */
function experimentOf(teachers: Teachers, more: Partial<ExperimentInput> = {}): Experiment {
  const { train, ...rest } = more;
  return experimentSchema.parse({
    name: 'teachers', data: { format: 'scenes', train: 32, val: 4, classes: CLASSES, size: [64, 64] },
    teacher: teachers, student: { ...NETWORK, neck: { levels: 3 } }, distill: [{ method: 'pkd' }],
    pictures: { images: 0 }, ...rest,
    train: { steps: 8, batch: 2, optimizer: 'adamw', learningRate: 0.002, warmup: 2, ...train },
  } satisfies ExperimentInput);
}

const seeded = (seed: number, more: object = {}): Exclude<Teachers, readonly unknown[]> => ({ ...NETWORK, weights: String(seed), ...more });

async function loadedTeachers(experiment: Experiment): Promise<LoadedTeacher[]> {
  const loaded: LoadedTeacher[] = [];
  for (const config of teachersOf(experiment)) {
    const network = createDetector(config, { classes: CLASSES, random: Random.of(Number(config.weights)) });
    const { detector } = createTeacher(config, { classes: CLASSES }, saveStateDict(network, 'mmdetection', readVariables));
    network.parameters.dispose();
    loaded.push({ config, detector, statistics: await measureTeacher(detector, training, experiment.data, engine, false) });
  }
  return loaded;
}

/** An arm as a run makes it, in a process of its own: nothing is shared with another. */
async function armOf(experiment: Experiment, { from, student: weights }: { from?: { readonly folder: string; readonly step: number }; student?: CheckpointValues['student'] } = {}): Promise<Arm> {
  const student = createDetector(experiment.student, { classes: CLASSES, random: Random.of(1) });
  if (weights !== undefined) loadStateDict(student, weights, { strict: true });
  const stages = planLessons(experiment, { student, teachers: await loadedTeachers(experiment), steps: experiment.train.steps ?? 0, files: new Map() });
  return Arm.create({ name: 'student', experiment, engine, student, stages, training }, from === undefined ? undefined : { ...from, bestAP: -1 });
}

type Losses = Readonly<Record<string, number>>;

async function stepsOf(arm: Arm, count: number): Promise<Losses[]> {
  const records: Losses[] = [];
  while (records.length < count) {
    const { losses, gradientNorm, learningRate } = await arm.trainStep();
    records.push({ ...losses, gradientNorm, learningRate });
  }
  return records;
}

/** To five digits, however large: two halves are added where there was one whole, and the roundings differ by machine. */
function expectNear(value = Number.NaN, expected = Number.NaN, name: string): void {
  expect(Math.abs(value - expected), `${name}: ${value} beside ${expected}`).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(expected)));
}

async function whole(experiment: Experiment): Promise<Losses[]> {
  const arm = await armOf(experiment);
  const losses = await stepsOf(arm, experiment.train.steps ?? 0);
  await arm.dispose();
  return losses;
}

/** The losses of the first step. */
async function first(teachers: Teachers, methods: readonly ('pkd' | 'fgd')[]): Promise<Losses> {
  const arm = await armOf(experimentOf(teachers, { distill: methods.map((method) => ({ method })) }));
  const [losses] = await stepsOf(arm, 1);
  await arm.dispose();
  return losses ?? {};
}

async function save(arm: Arm, name: string): Promise<string> {
  return join(folder, name, await writeCheckpoint(join(folder, name), 'student', 'last', { step: arm.step, bestAP: -1 }, arm.values()));
}

function plain(values: ReadonlyMap<string, HostTensor>): Record<string, number[]> {
  return Object.fromEntries([...values].map(([name, { data }]) => [name, [...data]]));
}

beforeAll(async () => {
  engine = await startEngine({ backend: 'auto' });
  training = await openDataSet(experimentOf(seeded(7)).data, 'train', { baseFolder: '.', signal: new AbortController().signal });
  folder = mkdtempSync(join(tmpdir(), 'distill-teachers-'));
});
afterAll(() => { rmSync(folder, { recursive: true }); });

describe('teachers at once', () => {
  it('a list of one is the teacher alone, step for step', async () => {
    const methods: Partial<ExperimentInput> = { distill: [{ method: 'fgd' }, { method: 'rm' }] };
    const alone = await whole(experimentOf(seeded(7), methods));
    expect(await whole(experimentOf([seeded(7)], methods))).toEqual(alone);
    expect(await whole(experimentOf([seeded(7, { methods: ['rm', 'fgd'] })], { ...methods, teaching: 'progressive' }))).toEqual(alone);
  });

  it.each([7, 8, 9])('two equal ones with half a share each are one: from %i', async (seed) => {
    // The first step only: there the maps are the same to the last bit, and no rectifier can lie on its other side.
    const [one, two] = [await first(seeded(seed), ['pkd']), await first([seeded(seed), seeded(seed, { share: 0.5 })], ['pkd'])];
    expect(two['pkd.correlation'] ?? Number.NaN).toBe(two['pkd_2.correlation']);
    for (const part of ['total', 'gradientNorm', 'detection.classification']) expectNear(two[part], one[part], part);
  });

  it('count by their shares, and teach what they are to', async () => {
    const methods = ['pkd', 'fgd'] as const;
    const both = await first([seeded(7, { share: 1 }), seeded(8, { share: 0.25, methods: ['pkd'] })], methods);
    const [a, b] = [await first(seeded(7), methods), await first(seeded(8), methods)];
    expect(Object.keys(both).filter((part) => part.startsWith('pkd') || part.startsWith('fgd'))).toEqual(['pkd.correlation', ...Object.keys(a).filter((part) => part.startsWith('fgd.')), 'pkd_2.correlation']);
    expect(both['pkd.correlation']).toBeCloseTo(a['pkd.correlation'] ?? Number.NaN, 5);
    expect(both['pkd_2.correlation']).toBeCloseTo(0.25 * (b['pkd.correlation'] ?? Number.NaN), 5);
  });

  it('keep their adapters and optimizer states apart, and resume bit for bit', async () => {
    const experiment = experimentOf([seeded(7), seeded(8)], { distill: [{ method: 'fgd' }] });
    const arm = await armOf(experiment);
    await stepsOf(arm, 3);
    const { adapters, optimizer } = arm.values();
    const names = [...adapters.keys()];
    expect(names.filter((name) => name.endsWith('_2'))).toHaveLength(names.length / 2);
    for (const name of names) expect([...optimizer.keys()], name).toContain(`first.${name}`);
    const saved = await save(arm, 'together');
    const onwards = await stepsOf(arm, 3);
    const resumed = await armOf(experiment, { from: { folder: saved, step: 3 } });
    expect(await stepsOf(resumed, 3)).toEqual(onwards);
    await arm.dispose();
    await resumed.dispose();
  });
});

describe.each([{ capture: true, stops: [4, 6] }, { capture: false, stops: [2, 4] }])('teachers in progression (%o)', ({ capture, stops }) => {
  const common: Partial<ExperimentInput> = { distill: [{ method: 'fgd' }], engine: { capture }, train: { ema: 0.9 } };
  const experiment = experimentOf([seeded(7), seeded(8)], { ...common, teaching: 'progressive' });

  it('the second begins with the student of the first, and with all else new', async () => {
    const arm = await armOf(experiment);
    const before = await stepsOf(arm, 4);
    const { student } = arm.values();
    const [first] = await stepsOf(arm, 1);
    expect(first?.learningRate).toBe(before[0]?.learningRate);

    // The second teacher alone, from those weights and on the same batch.
    const alone = experimentOf(seeded(8), common);
    const fresh = await armOf({ ...alone, train: { ...alone.train, steps: 4 } }, { student });
    fresh.step = 4;
    const [expected] = await stepsOf(fresh, 1);
    expect({ ...first, learningRate: 0 }).toEqual({ ...expected, learningRate: 0 });
    expect(plain(arm.values().optimizer)).toEqual(plain(fresh.values().optimizer));
    await arm.dispose();
    await fresh.dispose();
  });

  it('resumes bit for bit, at the border and off it', async () => {
    const arm = await armOf(experiment);
    const losses: Losses[] = [];
    const saved = new Map<number, string>();
    for (const step of stops) {
      losses.push(...await stepsOf(arm, step - losses.length));
      saved.set(step, await save(arm, `progressive-${capture}-${step}`));
    }
    losses.push(...await stepsOf(arm, 8 - losses.length));
    const end = arm.values();
    await arm.dispose();
    for (const [step, from] of saved) {
      const resumed = await armOf(experiment, { from: { folder: from, step } });
      expect(await stepsOf(resumed, 8 - step), `from step ${step}`).toEqual(losses.slice(step));
      const reached = resumed.values();
      for (const kind of ['student', 'adapters', 'optimizer', 'average'] as const) expect(plain(reached[kind]), `${kind} from step ${step}`).toEqual(plain(end[kind]));
      await resumed.dispose();
    }
  });
});
