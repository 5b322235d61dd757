/** `distill-lab teachers`: how strong the teachers of an experiment are, how far apart, and in which order they should teach. */
import { openDataSet } from '../data/index.ts';
import { type Detector } from '../detectors/detector.ts';
import { loadStateDict } from '../detectors/stateDict.ts';
import { createDetector } from '../detectors/table.ts';
import { startEngine } from '../engine/backend.ts';
import { Random } from '../engine/random.ts';
import { readWeights } from '../engine/weights/read.ts';
import { type Experiment } from '../experiment/schema.ts';
import { adaptationCosts } from './adaptation.ts';
import { evaluateAlone } from './evaluation.ts';
import { readTeachers, STREAMS } from './lessons.ts';
import { logLoaded } from './loaded.ts';
import { resolvePath } from './paths.ts';
import { teacherOrder } from './teacherOrder.ts';

export interface CompareOptions {
  readonly experiment: Experiment;
  /** Relative paths of the experiment start here. */
  readonly baseFolder: string;
  /** Training images that features are compared on. */
  readonly images: number;
  /** Weight file of a trained student, resolved; left out: the student as the experiment starts it, before it inherits. */
  readonly student?: string | undefined;
  readonly log: (line: string) => void;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
}

export interface Comparison {
  readonly teachers: readonly { readonly weights: string; readonly AP: number }[];
  /** [from][to], both in the order of the file. */
  readonly costs: readonly (readonly number[])[];
  /** From the student to each teacher. */
  readonly fromStudent: readonly number[];
  /** Whether the student had weights of its own. */
  readonly studentTrained: boolean;
  /** Indexes of the teachers, first to last. */
  readonly order: readonly number[];
}

export async function compareTeachers(options: CompareOptions): Promise<Comparison> {
  const { experiment, baseFolder, images, log, onProgress } = options;
  const { data, engine: { backend, device, capture, convolutions } } = experiment;
  const training = await openDataSet(data, 'train', { baseFolder });
  const validation = await openDataSet({ ...data, classes: [...training.classes] }, 'val', { baseFolder });
  const engine = await startEngine({ backend, device, convolutions });
  const teachers = await readTeachers(experiment, { classes: training.classes, baseFolder, report: (what, found) => { logLoaded(what, found, log); } });
  const student = await studentOf(options, training.classes);
  const measured: Comparison['teachers'][number][] = [];
  for (const [index, { config, detector }] of teachers.entries()) {
    const { metrics: { AP } } = await evaluateAlone(detector, engine, validation, experiment, (done, total) => { onProgress?.(`teacher ${index + 1} of ${teachers.length}: image`, done, total); });
    measured.push({ weights: config.weights, AP });
  }
  const costs = await adaptationCosts([...teachers.map(({ detector }) => detector), student], {
    training, data, engine, capture, images, onProgress: (done, total) => { onProgress?.('features: image', done, total); },
  });
  const between = costs.slice(0, -1).map((row) => row.slice(0, -1));
  const fromStudent = costs.at(-1)?.slice(0, -1) ?? [];
  return { teachers: measured, costs: between, fromStudent, studentTrained: (options.student ?? experiment.student.weights) !== undefined, order: teacherOrder(measured, between, fromStudent) };
}

async function studentOf({ experiment, baseFolder, student, log }: CompareOptions, classes: readonly string[]): Promise<Detector> {
  const detector = createDetector(experiment.student, { classes, random: Random.of(experiment.train.seed, STREAMS.student), evaluation: experiment.evaluate });
  const file = student ?? (experiment.student.weights === undefined ? undefined : resolvePath(experiment.student.weights, baseFolder));
  if (file !== undefined) logLoaded(`student ${file}`, loadStateDict(detector, await readWeights(file), { strict: student !== undefined }), log);
  return detector;
}
