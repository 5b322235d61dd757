/** Everything a run needs before its first step: data, teacher, arms, where each goes on from. */
import { dirname } from 'node:path';
import { openDataSet, validationExamples } from '../data/index.ts';
import { type DataSet, type Example } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { inheritFrom } from '../detectors/inherit.ts';
import { loadStateDict, type LoadReport } from '../detectors/stateDict.ts';
import { createDetector, createTeacher } from '../detectors/table.ts';
import { type TeacherStatistics } from '../distillers/distiller.ts';
import { checkPair, createDistillers, methodOf } from '../distillers/table.ts';
import { DistillError } from '../errors.ts';
import { type Engine } from '../engine/backend.ts';
import { Random } from '../engine/random.ts';
import { readWeights } from '../engine/weights/read.ts';
import { type Arm as ArmName } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { type Experiment } from '../experiment/schema.ts';
import { Arm } from './arm.ts';
import { findCheckpoint } from './checkpoint.ts';
import { type EventWriter } from './eventWriter.ts';
import { resolvePath } from './paths.ts';
import { PictureRecorder } from './pictures.ts';
import { measureTeacher } from './teacher.ts';

/** Streams of random numbers: the student's first weights are the same in every arm. */
const STREAMS = { student: 1, adapters: 2 } as const;

export interface PreparedRun {
  readonly folder: string;
  readonly experiment: Experiment;
  readonly engine: Engine;
  readonly events: EventWriter;
  /** Aborted when the run is asked to stop. */
  readonly signal: AbortSignal;
  readonly training: DataSet;
  readonly validation: DataSet;
  readonly teacher: Detector | undefined;
  readonly teacherEvaluated: boolean;
  readonly arms: readonly Arm[];
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly evaluateEvery: number;
  readonly picturesEvery: number;
  readonly checkpointEvery: number;
}

export interface PrepareOptions {
  readonly folder: string;
  readonly resolved: Resolved;
  readonly engine: Engine;
  readonly events: EventWriter;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export async function prepareRun(options: PrepareOptions): Promise<PreparedRun> {
  const { folder, resolved: { experiment, source }, engine, events, signal, log } = options;
  const baseFolder = dirname(source.file);
  events.write({ type: 'phase', phase: 'data' });
  const training = await openDataSet(experiment.data, 'train', { baseFolder, signal });
  const validation = await openDataSet({ ...experiment.data, classes: [...training.classes] }, 'val', { baseFolder, signal });
  for (const note of [...training.notes, ...validation.notes]) events.write({ type: 'warning', message: note });
  const stepsPerEpoch = Math.max(1, training.images.length / experiment.train.batch);
  const steps = experiment.train.steps ?? Math.max(1, Math.round((experiment.train.epochs ?? 1) * stepsPerEpoch));
  const tenth = Math.max(1, Math.ceil(steps / 10));
  const evaluateEvery = experiment.evaluate.every ?? tenth;

  if (experiment.teacher !== undefined) events.write({ type: 'phase', phase: 'teacher' });
  const teacher = await loadTeacher(experiment, training.classes, baseFolder, log);
  const distilling = teacher !== undefined && experiment.distill.length > 0;
  const statistics = distilling ? await measureTeacher(teacher, training, experiment.data, engine, experiment.engine.capture) : { featureDeviation: [] };
  if (distilling) log(`the teacher's features deviate by ${statistics.featureDeviation.map((value) => value.toPrecision(4)).join(', ')} at its levels`);

  const examples: Example[] = [];
  if (experiment.pictures.images > 0) {
    const few: DataSet = { ...validation, images: validation.images.slice(0, experiment.pictures.images) };
    for await (const example of validationExamples(few, experiment.data)) examples.push(example);
  }
  const arms: Arm[] = [];
  for (const name of armNames(experiment)) {
    events.write({ type: 'phase', phase: 'capturing', arm: name });
    const arm = await createArm(name, { ...options, training, teacher, statistics, steps, baseFolder, examples });
    const found = findCheckpoint(folder, name, 'last');
    if (found !== undefined) await arm.restore(found.folder, found.state.step, found.state.bestAP);
    arms.push(arm);
  }
  return {
    folder, experiment, engine, events, signal, training, validation, teacher, arms, steps, stepsPerEpoch, evaluateEvery,
    teacherEvaluated: events.evaluatedTeacher(),
    picturesEvery: experiment.pictures.every ?? tenth,
    checkpointEvery: experiment.checkpoint.every ?? evaluateEvery,
  };
}

export function armNames({ control, distill, student }: Experiment): ArmName[] {
  if (!control || distill.length === 0) return ['student'];
  return student.inherit === 'none' ? ['student', 'control'] : ['student', 'control', 'controlInherit'];
}

interface ArmSurroundings extends PrepareOptions {
  readonly training: DataSet;
  readonly teacher: Detector | undefined;
  readonly statistics: TeacherStatistics;
  readonly steps: number;
  readonly baseFolder: string;
  readonly examples: readonly Example[];
}

async function createArm(name: ArmName, { resolved: { experiment }, engine, training, teacher, statistics, steps, baseFolder, examples, log }: ArmSurroundings): Promise<Arm> {
  const { data, train, evaluate } = experiment;
  const student = createDetector(experiment.student, { classes: training.classes, random: Random.of(train.seed, STREAMS.student), evaluation: evaluate });
  if (experiment.student.weights !== undefined) {
    const file = resolvePath(experiment.student.weights, baseFolder);
    report(`student ${file}`, loadStateDict(student, await readWeights(file), { strict: false }), log);
  }
  const inherits = experiment.student.inherit !== 'none' && name !== 'control';
  if (inherits && teacher !== undefined) log(`${name}: ${inheritFrom(student, teacher, experiment.student.inherit === 'head' ? 'head' : 'neck+head').length} tensors inherited from the teacher`);
  const methods = name === 'student' ? experiment.distill : [];
  const taught = methods.some(({ method }) => methodOf(method).teacher === 'needed') ? teacher : undefined;
  const traits = taught?.traits ?? student.traits;
  const [problem] = checkPair(methods, traits, student.traits);
  if (problem !== undefined) throw problem;
  const distillers = createDistillers(methods, {
    teacher: traits, student: student.traits, inputSize: data.size, batch: train.batch, random: Random.of(train.seed, STREAMS.adapters), statistics,
    networks: { student, ...(taught === undefined ? {} : { teacher: taught }) },
  });
  const pictures = name === 'student' && examples.length > 0 ? new PictureRecorder(examples, data, (method) => methodOf(method).pictures) : undefined;
  return Arm.create({ name, experiment, steps, engine, student, teacher: taught, distillers, training, pictures });
}

async function loadTeacher({ teacher: config, evaluate }: Experiment, classes: readonly string[], baseFolder: string, log: (line: string) => void): Promise<Detector | undefined> {
  if (config === undefined) return undefined;
  const file = resolvePath(config.weights, baseFolder);
  const state = await readWeights(file).catch((cause: unknown) => {
    throw cause instanceof DistillError ? cause.details.key === undefined ? new DistillError(cause.code, cause.message, { ...cause.details, key: ['teacher', 'weights'] }) : cause : cause;
  });
  const { detector, report: loaded } = createTeacher(config, { classes, evaluation: evaluate }, state);
  report(`teacher ${file}`, loaded, log);
  return detector;
}

function report(what: string, { loaded, missing, unexpected }: LoadReport, log: (line: string) => void): void {
  log(`${what}: ${loaded.length} tensors loaded${missing.length > 0 ? `, ${missing.length} not in the file (${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''})` : ''}${unexpected.length > 0 ? `, ${unexpected.length} in the file not used` : ''}`);
}
