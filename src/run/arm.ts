/**
 * An arm of a run: one student with its optimizer, its methods and its program. The distilled student is one; the controls,
 * which train on the same batches without distillation, are others.
 */
import type * as tf from '@tensorflow/tfjs';
import { BatchLoader } from '../data/index.ts';
import { type Batch, type DataSet } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { loadStateDict, saveStateDict } from '../detectors/stateDict.ts';
import { type Distiller } from '../distillers/distiller.ts';
import { type Engine } from '../engine/backend.ts';
import { directProgram } from '../engine/directProgram.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { Optimizer } from '../engine/optimizer.ts';
import { createProgram, type FunctionSpec, type Program } from '../engine/program.ts';
import { Random } from '../engine/random.ts';
import { learningRateAt } from '../engine/schedule.ts';
import { type Arm as ArmName } from '../experiment/record.ts';
import { type Experiment } from '../experiment/schema.ts';
import { WeightAverage } from './average.ts';
import { matchValues, namedValues, readCheckpoint, type CheckpointValues } from './checkpoint.ts';
import { inferenceFunction } from './infer.ts';
import { type PictureRecorder } from './pictures.ts';
import { stepInputs, type Observe } from './methodInputs.ts';
import { observationStep, observes, trainingStep, unprefixed, type Networks } from './step.ts';

/** Streams of random numbers of methods' steps, beyond those of `prepare.ts`. */
const METHOD_STREAM = 1000;

export interface ArmOptions {
  readonly name: ArmName;
  readonly experiment: Experiment;
  readonly steps: number;
  readonly engine: Engine;
  readonly student: Detector;
  readonly teacher?: Detector | undefined;
  readonly distillers: readonly Distiller[];
  readonly training: DataSet;
  /** Images whose pictures are recorded; empty for none. */
  readonly pictures?: PictureRecorder | undefined;
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
  readonly program: Program;
  readonly pictures: PictureRecorder | undefined;
  /** Steps done. */
  step = 0;
  bestAP = -1;
  private readonly options: ArmOptions;
  private readonly networks: Networks;
  private readonly optimizer: Optimizer;
  private readonly average: WeightAverage | undefined;
  private loader: BatchLoader | undefined;

  private constructor(options: ArmOptions, example: Batch) {
    const { experiment: { train: recipe, data, engine: { capture } }, student, distillers, teacher } = options;
    this.options = options;
    this.name = options.name;
    this.student = student;
    this.pictures = options.pictures;
    this.networks = { student, teacher, distillers };
    this.optimizer = new Optimizer(recipe, [student, ...distillers].flatMap(({ parameters }) => parameters.trainable()));
    this.average = recipe.ema > 0 ? new WeightAverage(recipe.ema, student.parameters.all().map(({ variable }) => variable)) : undefined;
    // Shapes of what is fed after an observation are known only once something was observed: once op by op, before the capture.
    const observations: Record<string, FunctionSpec> = {};
    const observeOnce = (name: string, training: boolean): Observe | undefined => !observes(this.networks) ? undefined : (inputs) => {
      observations[name] = { run: observationStep(this.networks, training), example: inputs };
      return directProgram(observations).run(name, inputs);
    };
    const train = { run: trainingStep(this.networks, this.optimizer), example: this.inputs(example, observeOnce('observe', true)) };
    const pictures = this.pictures?.function(this.networks, observeOnce('observePictures', false));
    const functions: Record<string, FunctionSpec> = {
      ...observations,
      train,
      infer: inferenceFunction(student, data.size),
      ...(teacher === undefined ? {} : { teacher: inferenceFunction(teacher, data.size) }),
      ...(pictures === undefined ? {} : { pictures }),
      ...(this.average === undefined ? {} : { average: this.average.function() }),
    };
    const variables = [
      ...[student, ...distillers, ...(teacher === undefined ? [] : [teacher])].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)),
      ...this.optimizer.state().values(), ...(this.average?.variables ?? []),
    ];
    this.program = createProgram({ engine: options.engine, capture, variables, functions });
  }

  /** Builds and captures the programs; takes seconds for large networks. */
  static async create(options: ArmOptions): Promise<Arm> {
    const loader = loaderOf(options, 0);
    try {
      return new Arm(options, await loader.next());
    } finally {
      await loader.dispose();
    }
  }

  async trainStep(): Promise<StepRecord> {
    const begin = performance.now();
    this.loader ??= loaderOf(this.options, this.step);
    const inputs = this.inputs(await this.loader.next(), this.observer());
    const outputs = this.program.run('train', inputs);
    if (this.average !== undefined) this.program.run('average', this.average.inputs(this.step));
    const learningRate = this.learningRate();
    this.step += 1;
    const scalars = Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data[0] as number]));
    return { losses: unprefixed('loss', scalars), gradientNorm: scalars.gradientNorm as number, learningRate, seconds: (performance.now() - begin) / 1000 };
  }

  /** Runs `work` with the averaged weights in place of the trained ones, if there is an average. */
  async withAverage<T>(work: () => Promise<T>): Promise<T> {
    if (this.average === undefined) return work();
    const trained = this.average.exchange(this.program);
    try {
      return await work();
    } finally {
      this.program.write(trained);
    }
  }

  values(): CheckpointValues {
    const read = (variables: readonly tf.Variable[]): readonly Float32Array[] => this.program.read(variables);
    return {
      student: saveStateDict(this.student, 'mmdetection', read),
      adapters: namedValues(this.adapters(), read),
      optimizer: namedValues(this.optimizer.state(), read),
      average: this.average === undefined ? new Map() : namedValues(this.average.named(this.student), read),
    };
  }

  async restore(folder: string, step: number, bestAP: number): Promise<void> {
    const { student, adapters, optimizer, average } = await readCheckpoint(folder);
    loadStateDict(this.student, student, { strict: true });
    const values = [
      ...this.student.parameters.all().map(({ variable }) => [variable, Float32Array.from(variable.dataSync())] as const),
      ...matchValues(this.adapters(), adapters, folder),
      ...matchValues(this.optimizer.state(), optimizer, folder),
      ...(this.average === undefined ? [] : matchValues(this.average.named(this.student), average, folder)),
    ];
    this.program.write(values);
    this.step = step;
    this.bestAP = bestAP;
  }

  async dispose(): Promise<void> {
    await this.loader?.dispose();
    this.program.dispose();
  }

  private learningRate(): number {
    return learningRateAt(this.step, this.options.steps, this.options.experiment.train);
  }

  private inputs(batch: Batch, observe: Observe | undefined): HostTensors {
    const { data: { size }, train } = this.options.experiment;
    const images = float32([train.batch, ...size, 3], batch.images);
    const truth = {
      truth: batch.examples.map((example) => example.truth), inputSize: size, contentSizes: batch.examples.map(({ contentSize }) => contentSize),
      step: this.step, steps: this.options.steps, random: Random.of(train.seed, METHOD_STREAM + this.step),
    };
    return { ...stepInputs(this.networks, images, truth, observe), ...this.optimizer.inputs(this.step, this.learningRate()) };
  }

  private observer(): Observe | undefined {
    return observes(this.networks) ? (inputs) => this.program.run('observe', inputs) : undefined;
  }

  private adapters(): Map<string, tf.Variable> {
    return new Map(this.networks.distillers.flatMap(({ parameters }) => parameters.all().map(({ name, variable }) => [name, variable] as const)));
  }
}

function loaderOf({ experiment: { data, train }, training }: ArmOptions, from: number): BatchLoader {
  return new BatchLoader({ dataSet: training, config: data, batch: train.batch, seed: train.seed, from });
}
