/**
 * A stage of an arm: the part of a run with the same teachers. It has the methods with their adapters, the optimizer, the average
 * and the program over them; the student outlives it. Most runs have one stage; teachers in progression have one each.
 */
import type * as tf from '@tensorflow/tfjs';
import { type Batch } from '../data/sample.ts';
import { saveStateDict } from '../detectors/stateDict.ts';
import { type Keepsake } from '../data/taught.ts';
import { directProgram, rehearse } from '../engine/directProgram.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { Optimizer } from '../engine/optimizer.ts';
import { captures, createProgram, type FunctionSpec, type Program } from '../engine/program.ts';
import { Random } from '../engine/random.ts';
import { learningRateAt } from '../experiment/schedule.ts';
import { type Engine } from '../engine/backend.ts';
import { type Experiment } from '../experiment/schema.ts';
import { lessonParts } from '../experiment/teachers.ts';
import { type CachePlan } from '../teacherCache/index.ts';
import { WeightAverage } from './average.ts';
import { matchValues, namedValues, type CheckpointValues } from './checkpoint.ts';
import { inferenceFunction } from './infer.ts';
import { stepInputs, type Observe } from './methodInputs.ts';
import { type PictureRecorder } from './pictures.ts';
import { observationStep, observes, teachersIn, trainingStep, withReplicas, type Networks } from './step.ts';
import { isTaught } from './fedOutputs.ts';
import { TaughtStage } from './taughtStage.ts';
import { type TeacherCache } from './teacherCache.ts';

/** Streams of random numbers of methods' steps, beyond those of `prepare.ts`. */
const METHOD_STREAM = 1000;

export interface StagePlan {
  /** First step, and the step after the last. */
  readonly from: number;
  readonly to: number;
  readonly networks: Networks;
}

export interface StageOptions {
  readonly experiment: Experiment;
  readonly engine: Engine;
  /** Images whose pictures are recorded. */
  readonly pictures?: PictureRecorder | undefined;
  /** Keeps the teachers' outputs; left out: the teachers are a part of the step. */
  readonly cache?: TeacherCache | undefined;
}

export class Stage {
  readonly plan: StagePlan;
  readonly program: Program;
  readonly average: WeightAverage | undefined;
  private readonly options: StageOptions;
  private readonly optimizer: Optimizer;
  private readonly taught: TaughtStage | undefined;

  /** Builds and captures the programs; takes seconds for large networks. @param example any batch: its shapes count */
  constructor(plan: StagePlan, options: StageOptions, example: Batch) {
    const { experiment: { train: recipe, data, engine: { capture, precision, replicas } }, engine, pictures: recorder, cache } = options;
    const { networks } = plan;
    const { student, distillers } = networks;
    this.plan = plan;
    this.options = options;
    this.optimizer = new Optimizer(recipe, [
      ...student.parameters.trainable(),
      ...distillers.flatMap(({ id, parameters }) => parameters.trainable().map((parameter) => ({ ...parameter, name: adapterName(id, parameter.name) }))),
    ]);
    this.average = recipe.ema > 0 ? new WeightAverage(recipe.ema, student.parameters.all().map(({ variable }) => variable)) : undefined;
    const split = withReplicas(networks, replicas);
    // Shapes of what is fed after an observation are known only once something was observed: once op by op, before the capture.
    const observations: Record<string, FunctionSpec> = {};
    const observeOnce = (name: string, training: boolean, taught?: TaughtStage): Observe | undefined => !observes(networks) ? undefined : (given) => {
      const inputs = { ...given, ...taught?.example(recipe.batch) };
      observations[name] = { run: observationStep(training ? split : networks, training, taught?.forward), example: inputs, precision };
      return directProgram(observations).run(name, inputs);
    };
    const taught = cache === undefined || distillers.length === 0 || teachersIn(networks).length === 0 ? undefined : new TaughtStage(cache, networks, example, data.size);
    this.taught = taught;
    const own = this.inputs(example, plan.from, observeOnce('observe', true, taught));
    let train: FunctionSpec = { precision, run: trainingStep(split, this.optimizer, taught?.forward), example: { ...own, ...taught?.example(recipe.batch) } };
    if (taught !== undefined && !captures(engine, capture)) {
      // Op by op a function takes all that is in its example: what it reads has to be known before.
      rehearse(train);
      train = { ...train, example: { ...own, ...taught.example(recipe.batch, true) } };
      if (observations.observe !== undefined) observations.observe = { ...observations.observe, example: withoutUnread(observations.observe.example, train.example) };
    }
    const pictures = recorder?.function(networks, observeOnce('observePictures', false));
    const functions: Record<string, FunctionSpec> = {
      ...observations,
      train,
      ...taught?.functions(precision),
      infer: inferenceFunction(student, data.size),
      ...(pictures === undefined ? {} : { pictures }),
      ...(this.average === undefined ? {} : { average: this.average.function() }),
    };
    const variables = [
      ...[student, ...distillers, ...teachersIn(networks)].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable)),
      ...this.optimizer.state().values(), ...(this.average?.variables ?? []),
    ];
    this.program = createProgram({ engine, capture, variables, functions, devices: replicas === 1 ? [] : engine.gpus ?? [] });
  }

  /** @param step of the run; the recipe's schedule counts from the stage's first */
  learningRate(step: number): number {
    const { from, to } = this.plan;
    return learningRateAt(step - from, to - from, this.options.experiment.train);
  }

  inputs(batch: Batch, step: number, observe: Observe | undefined): HostTensors {
    const { data: { size }, train } = this.options.experiment;
    const { from, to, networks } = this.plan;
    const images = float32([train.batch, ...size, 3], batch.images);
    const truth = {
      truth: batch.examples.map((example) => example.truth), inputSize: size, contentSizes: batch.examples.map(({ contentSize }) => contentSize),
      step: step - from, steps: to - from, random: Random.of(train.seed, METHOD_STREAM + step),
    };
    return { ...stepInputs(networks, images, truth, observe), ...this.optimizer.inputs(step - from, this.learningRate(step)) };
  }

  /** @param taught of this batch */
  observer(taught: HostTensors): Observe | undefined {
    return observes(this.plan.networks) ? (inputs) => this.program.run('observe', { ...inputs, ...taught }) : undefined;
  }

  /** What batches are to be made with. */
  get cachePlan(): CachePlan | undefined {
    const plan = this.taught?.plan;
    return plan?.groups.length === 0 ? undefined : plan;
  }

  /** The teachers' outputs that the step is fed with; empty where it has the teachers in itself. */
  taughtInputs(batch: Batch, keep: (keepsake: Keepsake) => void): HostTensors {
    return this.taught?.inputs(batch, this.program, keep) ?? {};
  }

  /** The student alone, in the state dict's names, is what the next stage and the export need. */
  values(): CheckpointValues {
    const { student } = this.plan.networks;
    const read = (variables: readonly tf.Variable[]): readonly Float32Array[] => this.program.read(variables);
    return {
      student: saveStateDict(student, 'mmdetection', read),
      adapters: namedValues(this.adapters(), read),
      optimizer: namedValues(this.optimizer.state(), read),
      average: this.average === undefined ? new Map() : namedValues(this.average.named(student), read),
    };
  }

  /** Puts the values of a checkpoint into the program; the student's are in its variables already. @param kept false at the stage's own start: everything but the student is new */
  restore({ adapters, optimizer, average }: Omit<CheckpointValues, 'student'>, kept: boolean, folder: string): void {
    const { student } = this.plan.networks;
    const variables = student.parameters.all().map(({ variable }) => variable);
    const averaged = this.average?.named(student);
    const values = averaged === undefined || kept ? [] : this.program.read(variables);
    this.program.write([
      ...(kept ? [...matchValues(this.adapters(), adapters, folder), ...matchValues(this.optimizer.state(), optimizer, folder)] : []),
      ...(averaged === undefined ? [] : kept ? matchValues(averaged, average, folder) : (this.average?.variables ?? []).map((variable, index) => [variable, values[index] ?? new Float32Array()] as const)),
    ]);
  }

  /** The networks' variables keep their last values, for the next stage. */
  dispose(): void {
    this.optimizer.dispose();
    this.average?.dispose();
    this.program.dispose();
  }

  private adapters(): Map<string, tf.Variable> {
    return new Map(this.plan.networks.distillers.flatMap(({ id, parameters }) => parameters.all().map(({ name, variable }) => [adapterName(id, name), variable] as const)));
  }
}

/** Of outputs of teachers those that `known` has too. */
function withoutUnread(example: HostTensors, known: HostTensors): HostTensors {
  return Object.fromEntries(Object.entries(example).filter(([name]) => !isTaught(name) || name in known));
}

/** Two teachers of one method have adapters of the same names. */
function adapterName(id: string, name: string): string {
  return `${name}${lessonParts(id).copy}`;
}
