/** Who teaches what, and when: teachers with their weights, and the stages of the distilled student. */
import { type DataSet } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { type LoadReport } from '../detectors/stateDict.ts';
import { createTeacher } from '../detectors/table.ts';
import { type Distiller, type DistillerContext, type TeacherStatistics } from '../distillers/distiller.ts';
import { checkPair, createDistillers, methodOf } from '../distillers/table.ts';
import { DistillError } from '../errors.ts';
import { type Engine } from '../engine/backend.ts';
import { Random } from '../engine/random.ts';
import { readWeights } from '../engine/weights/read.ts';
import { type Experiment, type TeacherConfig } from '../experiment/schema.ts';
import { lessonId, lessonsOf, stagesOf, teacherPath, teachersOf } from '../experiment/teachers.ts';
import { resolvePath } from './paths.ts';
import { type StagePlan } from './stage.ts';
import { type Networks } from './step.ts';
import { measureTeacher } from './teacher.ts';
import { withShare } from './share.ts';

/** Streams of random numbers: the student's first weights are the same in every arm, and adapters in every repetition. */
export const STREAMS = { student: 1, adapters: 2 } as const;

export interface LoadedTeacher {
  readonly config: TeacherConfig;
  readonly detector: Detector;
  readonly statistics: TeacherStatistics;
}

interface TeacherSurroundings {
  readonly training: DataSet;
  readonly engine: Engine;
  readonly baseFolder: string;
  readonly report: (what: string, loaded: LoadReport) => void;
  readonly log: (line: string) => void;
}

/** The teachers with their weights, in the order of the file. */
export async function readTeachers(experiment: Experiment, { classes, baseFolder, report }: { readonly classes: readonly string[] } & Pick<TeacherSurroundings, 'baseFolder' | 'report'>): Promise<Omit<LoadedTeacher, 'statistics'>[]> {
  const read: Omit<LoadedTeacher, 'statistics'>[] = [];
  for (const [index, config] of teachersOf(experiment).entries()) {
    const file = resolvePath(config.weights, baseFolder);
    const state = await readWeights(file).catch((cause: unknown) => {
      throw cause instanceof DistillError && cause.details.key === undefined ? new DistillError(cause.code, cause.message, { ...cause.details, key: [...teacherPath(experiment, index), 'weights'] }) : cause;
    });
    const { detector, report: found } = createTeacher(config, { classes, evaluation: experiment.evaluate }, state);
    report(`teacher ${file}`, found);
    read.push({ config, detector });
  }
  return read;
}

export async function loadTeachers(experiment: Experiment, { training, engine, baseFolder, report, log }: TeacherSurroundings): Promise<LoadedTeacher[]> {
  const loaded: LoadedTeacher[] = [];
  for (const { config, detector } of await readTeachers(experiment, { classes: training.classes, baseFolder, report })) {
    const distils = lessonsOf(experiment, config).length > 0;
    const statistics = distils ? await measureTeacher(detector, training, experiment.data, engine, experiment.engine.capture) : { featureDeviation: [] };
    if (distils) log(`its features deviate by ${statistics.featureDeviation.map((value) => value.toPrecision(4)).join(', ')} at its levels`);
    loaded.push({ config, detector, statistics });
  }
  return loaded;
}

interface Classroom {
  readonly student: Detector;
  readonly teachers: readonly LoadedTeacher[];
  /** Of the whole run. */
  readonly steps: number;
  /** What methods asked for, by path as written. */
  readonly files: DistillerContext['files'];
}

/** The stages of the distilled student. @throws DistillError for a pair that a method cannot serve */
export function planLessons(experiment: Experiment, classroom: Classroom): StagePlan[] {
  return stagesOf(experiment, classroom.steps).map(({ from, to, teachers }) => ({ from, to, networks: networksOf(experiment, teachers, classroom) }));
}

function networksOf(experiment: Experiment, indexes: readonly number[], { student, teachers, files }: Classroom): Networks {
  const random = Random.of(experiment.train.seed, STREAMS.adapters);
  const distillers: Distiller[] = [];
  const teacherOf = new Map<Distiller, Detector>();
  const own = experiment.distill.filter(({ method }) => methodOf(method).teacher === 'none');
  // A method without a teacher is there once, however many teach the others.
  const groups = [...indexes.map((index) => teachers[index]), undefined];
  for (const [place, teacher] of groups.entries()) {
    const methods = teacher === undefined ? own : lessonsOf(experiment, teacher.config).flatMap(([, options]) => (own.includes(options) ? [] : [options]));
    const traits = teacher?.detector.traits ?? student.traits;
    const [problem] = checkPair(methods, traits, student.traits).map((found) => atItsPlace(found, experiment, methods));
    if (problem !== undefined) throw problem;
    const created = createDistillers(methods, {
      teacher: traits, student: student.traits, inputSize: experiment.data.size, batch: experiment.train.batch, random, statistics: teacher?.statistics ?? { featureDeviation: [] },
      networks: { student, ...(teacher === undefined ? {} : { teacher: teacher.detector }) }, ...(files === undefined ? {} : { files }),
    });
    for (const distiller of created) {
      const several = teacher !== undefined && indexes.length > 1;
      const lesson = several ? withShare(distiller, lessonId(distiller.id, place), teacher.config.share ?? 1 / indexes.length) : distiller;
      distillers.push(lesson);
      if (teacher !== undefined) teacherOf.set(lesson, teacher.detector);
    }
  }
  const first = distillers.map((distiller) => teacherOf.get(distiller)).find((teacher) => teacher !== undefined);
  return { student, ...(first === undefined ? {} : { teacher: first }), teacherOf, distillers };
}

/** `checkPair` counts among the methods that it was asked about. */
function atItsPlace(problem: DistillError, { distill }: Experiment, methods: Experiment['distill']): DistillError {
  const [, index] = problem.details.key ?? [];
  const options = typeof index === 'number' ? methods[index] : undefined;
  return options === undefined ? problem : new DistillError(problem.code, problem.message, { ...problem.details, key: ['distill', distill.indexOf(options)] });
}
