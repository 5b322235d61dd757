/**
 * A plausible run folder made from formulas, for tests, screenshots and whoever builds a view of runs.
 * Nothing in it was measured; it is called fake in its own summary so that no picture of it can be mistaken.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Arm, FILES, type Metrics, type RunEvent } from '../../src/experiment/record.ts';
import { METHOD_CARDS, type MethodId } from '../../src/experiment/methods/index.ts';
import { experimentSchema } from '../../src/experiment/schema.ts';
import { FAKE_CLASSES, fakeImage, fakePictures, noise } from './fakeScene.ts';

export interface FakeRunOptions {
  readonly name?: string;
  /** Steps of the run as planned. */
  readonly totalSteps?: number;
  /** How far the student got; the controls are trained before it. */
  readonly reached?: number;
  /** Steps between step events. */
  readonly logEvery?: number;
  readonly arms?: readonly Arm[];
  readonly methods?: readonly string[];
  readonly evaluateEvery?: number;
  readonly picturesEvery?: number;
  readonly images?: number;
  readonly imageSize?: number;
  /** How it ended; left out, it is still running. */
  readonly end?: 'finished' | 'stopped' | 'failed';
  /** Resumed once at this step of the student, after a pause. */
  readonly resumedAt?: number;
  /** Milliseconds since 1970 of the first event. */
  readonly begin?: number;
}

type Complete = Required<Omit<FakeRunOptions, 'end' | 'resumedAt'>> & Pick<FakeRunOptions, 'end' | 'resumedAt'>;

function complete(options: FakeRunOptions): Complete {
  const totalSteps = options.totalSteps ?? 1500;
  return {
    name: 'scenes-fgd', totalSteps, reached: totalSteps, logEvery: 1, arms: ['control', 'controlInherit', 'student'], methods: ['fgd'],
    evaluateEvery: Math.max(1, Math.round(totalSteps / 10)), picturesEvery: Math.max(1, Math.round(totalSteps / 10)), images: 4, imageSize: 128, begin: 1_760_000_000_000,
    ...options,
  };
}

const MS_PER_STEP: Readonly<Record<Arm, number>> = { control: 25, controlInherit: 25, student: 40 };
const FINAL_AP: Readonly<Record<Arm, number>> = { control: 0.158, controlInherit: 0.182, student: 0.476 };
const PARTS: Readonly<Record<string, readonly (readonly [string, number])[]>> = {
  fgd: [['foreground', 0.5], ['background', 0.32], ['attention', 0.16], ['global', 0.22]],
  rm: [['rank', 0.6]],
  pfi: [['imitation', 0.7]],
};

function metrics(AP: number): Metrics {
  return { AP, AP50: Math.min(1, AP * 1.55), AP75: AP * 1.02, APs: AP * 0.5, APm: AP * 0.95, APl: AP * 1.2, AR1: AP * 0.6, AR10: AP * 1.1, AR100: Math.min(1, AP * 1.25), ARs: AP * 0.7, ARm: AP * 1.2, ARl: AP * 1.4 };
}

/** How far a student is at a step, 0…1. */
const skillAt = (step: number, total: number): number => 1 - Math.exp((-3 * step) / total);

function lossesAt(arm: Arm, step: number, options: Complete): Record<string, number> {
  const fall = Math.exp((-2.4 * step) / options.totalSteps);
  const jitter = (key: number): number => 0.75 + 0.5 * noise(step, key, arm.length);
  const better = arm === 'student' ? 1 : 1.25;
  const losses: Record<string, number> = { 'detection.classification': better * (0.25 + 0.9 * fall) * jitter(1), 'detection.box': better * (0.2 + 0.55 * fall) * jitter(2) };
  if (arm === 'student') {
    options.methods.forEach((method, at) => {
      (PARTS[method] ?? []).forEach(([part, size], index) => { losses[`${method}.${part}`] = size * (0.12 + fall) * jitter(10 * (at + 1) + index); });
    });
  }
  return { total: Object.values(losses).reduce((sum, value) => sum + value, 0), ...losses };
}

/** The lines of `events.jsonl`. */
export function fakeEvents(given: FakeRunOptions = {}): RunEvent[] {
  const options = complete(given);
  const events: RunEvent[] = [];
  let time = options.begin;
  const started = (from: Partial<Record<Arm, number>>): RunEvent => ({
    type: 'started', time, pid: 4242, host: 'fake', name: options.name, totalSteps: options.totalSteps, stepsPerEpoch: 375, from,
    engine: { backend: 'tensorflow', device: 'CPU, 2 cores', precision: 'float32', captured: true },
    summary: `RetinaNet small → RetinaNet tiny · ${options.methods.map((method) => method.toUpperCase()).join(' + ')} · scenes, 1,500 images (fake run)`,
    arms: [...options.arms], methods: [...options.methods], classes: FAKE_CLASSES,
    methodTitles: Object.fromEntries(options.methods.map((method) => [method, METHOD_CARDS[method as MethodId].title])),
  });
  events.push(started(Object.fromEntries(options.arms.map((arm) => [arm, 0]))));
  for (const [phase, lasts] of [['engine', 900], ['data', 1500], ['teacher', 4000]] as const) {
    events.push({ type: 'phase', time, phase });
    time += lasts;
  }
  events.push({ type: 'warning', time, message: '2 boxes without area were dropped.', code: 'DL312' });
  events.push(evaluation('teacher', 0, 0.698, time));
  for (const arm of options.arms) {
    events.push({ type: 'phase', time, phase: 'capturing', arm });
    time = trainArm(arm, events, time + 1200, options, started);
  }
  if (options.end !== undefined) events.push(ending(options.end, time));
  return events;
}

function trainArm(arm: Arm, events: RunEvent[], begin: number, options: Complete, started: (from: Partial<Record<Arm, number>>) => RunEvent): number {
  const until = arm === 'student' ? options.reached : options.totalSteps;
  let time = begin;
  events.push({ type: 'phase', time, phase: 'training', arm });
  for (let step = 1; step <= until; step += 1) {
    time += MS_PER_STEP[arm];
    if (arm === 'student' && step === (options.resumedAt ?? -2) + 1) {
      time += 3_600_000;
      const from = Object.fromEntries(options.arms.map((other) => [other, other === 'student' ? step - 1 : options.totalSteps]));
      events.push({ ...started(from), time });
    }
    if (step === 1 || step % options.logEvery === 0) events.push(stepEvent(arm, step, time, options));
    if (step % options.evaluateEvery === 0 || step === options.totalSteps) {
      time += 2500;
      events.push(evaluation(arm, step, FINAL_AP[arm] * skillAt(step, options.totalSteps) * 1.05, time));
      events.push({ type: 'checkpoint', time, arm, step, folder: 'checkpoints/last', kind: 'last' });
    }
    if (arm === 'student' && options.images > 0 && (step === 1 || step % options.picturesEvery === 0)) events.push({ type: 'pictures', time, arm, step, folder: `pictures/${arm}-${step}` });
  }
  return time;
}

function stepEvent(arm: Arm, step: number, time: number, options: Complete): RunEvent {
  const warm = Math.min(1, step / 100);
  return {
    type: 'step', time, arm, step, losses: lossesAt(arm, step, options), learningRate: 0.006 * warm * 0.5 * (1 + Math.cos((Math.PI * step) / options.totalSteps)),
    gradientNorm: (3 + 9 * Math.exp(-step / 200)) * (0.7 + 0.6 * noise(step, 77)), imagesPerSecond: 4000 / MS_PER_STEP[arm] * (0.95 + 0.1 * noise(step, 78)),
  };
}

function evaluation(subject: Arm | 'teacher', step: number, AP: number, time: number): RunEvent {
  return { type: 'evaluation', time, step, subject, metrics: metrics(AP), perClass: Object.fromEntries(FAKE_CLASSES.map((name, i) => [name, metrics(AP * (1.2 - 0.13 * i))])), seconds: 2.5 };
}

function ending(state: 'finished' | 'stopped' | 'failed', time: number): RunEvent {
  if (state !== 'failed') return { type: 'ended', time, state };
  return { type: 'ended', time, state, error: { code: 'DL610', message: 'The loss is not a number: fgd.global at step 640.', explanation: 'The loss is not a number: fgd.global at step 640. [DL610]\n  to do:    lower train.learningRate', line: 21 } };
}

/** Values and images as the page would be given them. */
export function fakeRecording(given: FakeRunOptions, step: number): ReturnType<typeof fakePictures> {
  const options = complete(given);
  return fakePictures({ step, skill: skillAt(step, options.totalSteps), images: options.images, size: options.imageSize, methods: options.methods });
}

export function fakeExperiment(given: FakeRunOptions = {}): Record<string, unknown> {
  const options = complete(given);
  return {
    name: options.name, data: { format: 'scenes', train: 1500, val: 200, size: [options.imageSize, options.imageSize], classes: FAKE_CLASSES },
    teacher: { detector: 'retinanet', backbone: 'small', weights: 'teacher.safetensors' }, student: { detector: 'retinanet', backbone: 'tiny', inherit: 'neck+head' },
    distill: options.methods.map((method) => ({ method })), train: { steps: options.totalSteps, batch: 4, learningRate: 0.006 },
    evaluate: { every: options.evaluateEvery }, pictures: { every: options.picturesEvery, images: options.images }, control: options.arms.length > 1,
  };
}

/** Writes the whole folder: experiment, resolved experiment, events, log, heartbeat and pictures. */
export async function writeFakeRun(folder: string, given: FakeRunOptions = {}): Promise<void> {
  const options = complete(given);
  const events = fakeEvents(given);
  await mkdir(join(folder, FILES.pictures, 'images'), { recursive: true });
  const experiment = fakeExperiment(given);
  await writeFile(join(folder, FILES.experiment), stringify(experiment));
  await writeFile(join(folder, FILES.resolved), JSON.stringify({ experiment: experimentSchema.parse(experiment), source: { file: `/experiments/${options.name}.distill.yaml`, lines: {} }, version: '0.1.0', created: options.begin }, undefined, 2));
  await writeFile(join(folder, FILES.events), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  await writeFile(join(folder, FILES.log), ['engine: TensorFlow, CPU', 'data: 1,500 training scenes', 'teacher: AP 69.8', ...(options.end === 'failed' ? ['fgd.global is not a number at step 640'] : [])].join('\n'));
  await writeFile(join(folder, FILES.heartbeat), JSON.stringify({ pid: 4242, host: 'fake', time: events.at(-1)?.time ?? options.begin, processStart: '0' }));
  for (let image = 0; image < options.images; image += 1) await writeFile(join(folder, FILES.pictures, 'images', `scene-${image}.png`), await fakeImage(image, options.imageSize));
  for (const event of events) {
    if (event.type !== 'pictures') continue;
    const { index, values } = fakeRecording(given, event.step);
    await mkdir(join(folder, event.folder), { recursive: true });
    await writeFile(join(folder, event.folder, 'index.json'), JSON.stringify(index));
    await writeFile(join(folder, event.folder, 'values.bin'), new Uint8Array(values.buffer));
  }
}
