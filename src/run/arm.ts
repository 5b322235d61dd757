/**
 * An arm of a run: one student with its optimizer, its methods and its program. The distilled student is one; the controls,
 * which train on the same batches without distillation, are others.
 */
import { BatchLoader } from '../data/index.ts';
import { type DataSet } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { loadStateDict } from '../detectors/stateDict.ts';
import { type Engine } from '../engine/backend.ts';
import { type Program } from '../engine/program.ts';
import { type Arm as ArmName } from '../experiment/record.ts';
import { type Experiment } from '../experiment/schema.ts';
import { type CachePlan } from '../teacherCache/index.ts';
import { readCheckpoint, type CheckpointValues } from './checkpoint.ts';
import { type PictureRecorder } from './pictures.ts';
import { Stage, type StagePlan } from './stage.ts';
import { unprefixed } from './step.ts';
import { type TeacherCache } from './teacherCache.ts';

export interface ArmOptions {
  readonly name: ArmName;
  readonly experiment: Experiment;
  readonly engine: Engine;
  readonly student: Detector;
  /** One after the other, from step 0 to the last; at least one. */
  readonly stages: readonly StagePlan[];
  readonly training: DataSet;
  /** Images whose pictures are recorded; empty for none. */
  readonly pictures?: PictureRecorder | undefined;
  /** Keeps the teachers' outputs. */
  readonly cache?: TeacherCache | undefined;
}

export interface StepRecord {
  readonly losses: Readonly<Record<string, number>>;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly seconds: number;
}

export class Arm {
  readonly name: ArmName;
  readonly student: Detector;
  readonly pictures: PictureRecorder | undefined;
  /** Steps done. */
  step = 0;
  bestAP = -1;
  /** Whether the evaluation at this step is still to come. */
  evaluationDue = false;
  private readonly options: ArmOptions;
  private stage: Stage;
  private loader: BatchLoader | undefined;

  private constructor(options: ArmOptions, stage: Stage) {
    this.options = options;
    this.name = options.name;
    this.student = options.student;
    this.pictures = options.pictures;
    this.stage = stage;
  }

  /** @param folder a checkpoint's, to go on from. Builds and captures the programs; takes seconds for large networks. */
  static async create(options: ArmOptions, from?: { readonly folder: string; readonly step: number; readonly bestAP: number; readonly evaluationDue?: boolean | undefined }): Promise<Arm> {
    const plan = planAt(options.stages, from?.step ?? 0);
    const saved = from === undefined ? undefined : await readCheckpoint(from.folder);
    if (saved !== undefined) loadStateDict(options.student, saved.student, { strict: true });
    const arm = new Arm(options, await createStage(plan, options));
    if (from === undefined || saved === undefined) return arm;
    arm.stage.restore(saved, from.step > plan.from || plan.from === 0, from.folder);
    arm.step = from.step;
    arm.bestAP = from.bestAP;
    arm.evaluationDue = from.evaluationDue ?? false;
    return arm;
  }

  get program(): Program {
    return this.stage.program;
  }

  async trainStep(): Promise<StepRecord> {
    const plan = planAt(this.options.stages, this.step);
    if (plan !== this.stage.plan) {
      this.stage.dispose();
      this.stage = await createStage(plan, this.options);
      // Other teachers: other outputs to look for.
      if (this.options.cache !== undefined) await this.endLoader();
    }
    const begin = performance.now();
    const { stage } = this;
    const loader = (this.loader ??= loaderOf(this.options, this.step, stage.cachePlan));
    const batch = await loader.next();
    const taught = stage.taughtInputs(batch, (keepsake) => { loader.keep(keepsake); });
    const outputs = stage.program.run('train', { ...stage.inputs(batch, this.step, stage.observer(taught)), ...taught });
    if (stage.average !== undefined) stage.program.run('average', stage.average.inputs(this.step - plan.from));
    const learningRate = stage.learningRate(this.step);
    this.step += 1;
    const scalars = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data[0] as number]));
    return { losses: unprefixed('loss', scalars), gradientNorm: scalars.gradientNorm as number, learningRate, seconds: (performance.now() - begin) / 1000 };
  }

  /** Runs `work` with the averaged weights in place of the trained ones, if there is an average. */
  async withAverage<T>(work: () => Promise<T>): Promise<T> {
    const { average, program } = this.stage;
    if (average === undefined) return work();
    const trained = average.exchange(program);
    try {
      return await work();
    } finally {
      program.write(trained);
    }
  }

  values(): CheckpointValues {
    return this.stage.values();
  }

  async dispose(): Promise<void> {
    await this.endLoader();
    this.stage.dispose();
  }

  private async endLoader(): Promise<void> {
    this.options.cache?.saw(await this.loader?.dispose());
    this.loader = undefined;
  }
}

/** The stage that does this step; the last one once all are done. */
function planAt(stages: readonly StagePlan[], step: number): StagePlan {
  const plan = stages.find(({ to }) => step < to) ?? stages.at(-1);
  if (plan === undefined) throw new Error('an arm has at least one stage');
  return plan;
}

async function createStage(plan: StagePlan, options: ArmOptions): Promise<Stage> {
  const loader = loaderOf(options, 0);
  try {
    return new Stage(plan, options, await loader.next());
  } finally {
    await loader.dispose();
  }
}

function loaderOf({ experiment: { data, train }, training }: ArmOptions, from: number, taught?: CachePlan): BatchLoader {
  return new BatchLoader({ dataSet: training, config: data, batch: train.batch, seed: train.seed, from, taught });
}
