/** Everything a run needs before its first step: data, teachers, arms, where each goes on from. */
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openDataSet, validationExamples } from '../data/index.ts';
import { type DataSet, type Example } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { inheritFrom } from '../detectors/inherit.ts';
import { loadStateDict } from '../detectors/stateDict.ts';
import { createDetector } from '../detectors/table.ts';
import { methodOf } from '../distillers/table.ts';
import { DistillError } from '../errors.ts';
import { type Engine } from '../engine/backend.ts';
import { Random } from '../engine/random.ts';
import { readWeights } from '../engine/weights/read.ts';
import { stepsOf } from '../experiment/length.ts';
import { type Arm as ArmName } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { type Experiment } from '../experiment/schema.ts';
import { lessonParts, stagesOf } from '../experiment/teachers.ts';
import { Arm } from './arm.ts';
import { findCheckpoint } from './checkpoint.ts';
import { type EventWriter } from './eventWriter.ts';
import { logLoaded } from './loaded.ts';
import { loadTeachers, planLessons, STREAMS, type LoadedTeacher } from './lessons.ts';
import { readMethodFiles } from './methodFiles.ts';
import { resolvePath } from './paths.ts';
import { PictureRecorder } from './pictures.ts';
import { TeacherCache } from './teacherCache.ts';

export interface PreparedRun {
  readonly folder: string;
  readonly experiment: Experiment;
  readonly engine: Engine;
  readonly events: EventWriter;
  /** Aborted when the run is asked to stop. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly training: DataSet;
  readonly validation: DataSet;
  readonly teachers: readonly Detector[];
  readonly teacherEvaluated: boolean;
  readonly arms: readonly Arm[];
  /** Of the teachers' outputs, if they are kept. */
  readonly cache: TeacherCache | undefined;
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
  checkReplicas(experiment, engine);
  if (precisionOf(experiment, engine) !== experiment.engine.precision) events.write({ type: 'warning', message: `\`engine.precision: ${experiment.engine.precision}\` needs native TensorFlow and capture; this run computes in float32.` });
  events.write({ type: 'phase', phase: 'data' });
  const training = await openDataSet(experiment.data, 'train', { baseFolder, signal });
  const validation = await openDataSet({ ...experiment.data, classes: [...training.classes] }, 'val', { baseFolder, signal });
  for (const note of [...training.notes, ...validation.notes]) events.write({ type: 'warning', message: note });
  const stepsPerEpoch = Math.max(1, training.images.length / experiment.train.batch);
  const steps = stepsOf(experiment.train, stepsPerEpoch) ?? 1;
  const tenth = Math.max(1, Math.ceil(steps / 10));
  const evaluateEvery = experiment.evaluate.every ?? tenth;

  if (experiment.teacher !== undefined) events.write({ type: 'phase', phase: 'teacher' });
  const teachers = await loadTeachers(experiment, { training, engine, baseFolder, report: (what, loaded) => { logLoaded(what, loaded, log); }, log });
  const cache = await TeacherCache.open(experiment, teachers, { engine, baseFolder, warn: (warning) => { events.write({ type: 'warning', ...warning }); } });

  const examples: Example[] = [];
  if (experiment.pictures.images > 0) {
    const few: DataSet = { ...validation, images: validation.images.slice(0, experiment.pictures.images) };
    for await (const example of validationExamples(few, experiment.data)) examples.push(example);
  }
  const arms: Arm[] = [];
  for (const name of armNames(experiment)) {
    // Capturing takes seconds: a stop is heard before each.
    await nextTurn();
    signal.throwIfAborted();
    events.write({ type: 'phase', phase: 'capturing', arm: name });
    arms.push(await createArm(name, { ...options, training, teachers, steps, baseFolder, examples, cache }));
  }
  return {
    folder, experiment, engine, events, signal, log, training, validation, teachers: teachers.map(({ detector }) => detector), arms, cache, steps, stepsPerEpoch, evaluateEvery,
    teacherEvaluated: events.evaluatedTeacher(),
    picturesEvery: experiment.pictures.every ?? tenth,
    checkpointEvery: experiment.checkpoint.every ?? evaluateEvery,
  };
}

/** What a step computes in: mixed precision is a rewrite of the captured graph. */
export function precisionOf({ engine: { precision, capture } }: Experiment, { backend }: Engine): Experiment['engine']['precision'] {
  return capture && backend === 'tensorflow' ? precision : 'float32';
}

/** On the CPU the parts share it; on GPUs each wants its own. */
function checkReplicas({ engine: { replicas } }: Experiment, { gpus, device }: Engine): void {
  if (gpus === undefined || replicas <= gpus.length) return;
  throw new DistillError('DL131', `${replicas} parts of a batch need as many GPUs.`, {
    key: ['engine', 'replicas'], expected: `at most ${gpus.length}`, got: `${replicas}, on ${device}`, advice: 'Run `distill-lab doctor`: it lists the GPUs. `CUDA_VISIBLE_DEVICES` may hide some.',
  });
}

export function armNames({ control, distill, student }: Experiment): ArmName[] {
  if (!control || distill.length === 0) return ['student'];
  return student.inherit === 'none' ? ['student', 'control'] : ['student', 'control', 'controlInherit'];
}

interface ArmSurroundings extends PrepareOptions {
  readonly training: DataSet;
  readonly teachers: readonly LoadedTeacher[];
  readonly steps: number;
  readonly baseFolder: string;
  readonly examples: readonly Example[];
  readonly cache: TeacherCache | undefined;
}

async function createArm(name: ArmName, { folder, resolved: { experiment }, engine, training, teachers, steps, baseFolder, examples, cache, log }: ArmSurroundings): Promise<Arm> {
  const { data, train, evaluate } = experiment;
  const student = createDetector(experiment.student, { classes: training.classes, random: Random.of(train.seed, STREAMS.student), evaluation: evaluate });
  if (experiment.student.weights !== undefined) {
    const file = resolvePath(experiment.student.weights, baseFolder);
    logLoaded(`student ${file}`, loadStateDict(student, await readWeights(file), { strict: false }), log);
  }
  const inherits = experiment.student.inherit !== 'none' && name !== 'control';
  const [first] = teachers;
  if (inherits && first !== undefined) log(`${name}: ${inheritFrom(student, first.detector, experiment.student.inherit === 'head' ? 'head' : 'neck+head').length} tensors inherited from the teacher`);
  const stages = name === 'student' ? planLessons(experiment, { student, teachers, steps, files: await readMethodFiles(experiment.distill, baseFolder) })
    : stagesOf(experiment, steps).map(({ from, to }) => ({ from, to, networks: { student, distillers: [] } }));
  const pictures = name === 'student' && examples.length > 0 ? new PictureRecorder(examples, data, (method) => methodOf(lessonParts(method).method).pictures) : undefined;
  const found = findCheckpoint(folder, name, 'last');
  return Arm.create({ name, experiment, engine, student, stages, training, pictures, cache: name === 'student' ? cache : undefined }, found === undefined ? undefined : { folder: found.folder, step: found.state.step, bestAP: found.state.bestAP, evaluationDue: found.state.evaluationDue });
}
