/** One real run, watched from inside: how long its epochs take, and how much of that is the step's own program. */
import { BatchLoader } from '../src/data/index.ts';
import { readVariables, saveStateDict } from '../src/detectors/stateDict.ts';
import { createDetector } from '../src/detectors/table.ts';
import { startEngine } from '../src/engine/backend.ts';
import { type HostTensors } from '../src/engine/hostTensor.ts';
import { type Program } from '../src/engine/program.ts';
import { Random } from '../src/engine/random.ts';
import { writeSafetensors } from '../src/engine/weights/safetensors.ts';
import { readExperiment } from '../src/experiment/load.ts';
import { detectorSchema } from '../src/experiment/schema.ts';
import { EventWriter, type NewEvent } from '../src/run/eventWriter.ts';
import { PictureRecorder } from '../src/run/pictures.ts';
import { prepareRun } from '../src/run/prepare.ts';
import { Stage } from '../src/run/stage.ts';
import { train } from '../src/run/train.ts';
import { rounded, spreadOf } from './statistics.ts';

export interface LoopOptions {
  /** The experiment file's text and path; relative paths in it start at its folder. */
  readonly text: string;
  readonly file: string;
  readonly overrides: readonly string[];
  /** The run folder, which exists. */
  readonly folder: string;
  readonly epochs: number;
  /** Steps of the program by itself, before the run and after it. */
  readonly alone: number;
}

type Part = 'program' | 'data' | 'inputs' | 'events' | 'pictures';
/**
 * Milliseconds a step. `program`: the captured step, fed and read. `data`: waiting for the batch. `inputs`: targets and masks made
 * on the host. `processor`: of all threads, the data thread's among them.
 */
type Spent = Record<Part | 'wall' | 'processor', number>;

export interface LoopTimes {
  readonly stepsPerEpoch: number;
  /** The program's step with nothing beside it, median of before and after the run. */
  readonly step: number;
  /** Its processor time. */
  readonly stepProcessor: number;
  /** `overStep`: wall by `step`. `processorOverStep`: the same of processor time, which a busy machine hardly changes. */
  readonly epochs: readonly (Spent & { readonly overStep: number; readonly processorOverStep: number })[];
}

/** Time by part since the last `take`. */
class Clock {
  private spent: Spent = nothing();
  private last = performance.now();
  private lastProcessor = processorTime();

  add(part: Part, since: number): void {
    this.spent[part] += performance.now() - since;
  }

  /** @param steps by which all is divided */
  take(steps: number): Spent {
    const now = performance.now();
    const processor = processorTime();
    const taken = { ...this.spent, wall: now - this.last, processor: processor - this.lastProcessor };
    this.last = now;
    this.lastProcessor = processor;
    this.spent = nothing();
    return Object.fromEntries(Object.entries(taken).map(([part, value]) => [part, rounded(value / steps)])) as Spent;
  }
}

function nothing(): Spent {
  return { program: 0, data: 0, inputs: 0, events: 0, pictures: 0, wall: 0, processor: 0 };
}

function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

type Alone = Pick<Spent, 'wall' | 'processor'>;

export async function measureLoop({ text, file, overrides, folder, epochs, alone }: LoopOptions): Promise<LoopTimes> {
  const { experiment, problems } = readExperiment(text, file, { overrides: [...overrides, 'train.steps=null', `train.epochs=${epochs}`, 'evaluate.every=1000000', 'control=false'] });
  if (experiment === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  const clock = new Clock();
  const fed = watchParts(clock);
  const engine = await startEngine({ backend: experiment.engine.backend, device: experiment.engine.device, convolutions: experiment.engine.convolutions });
  const events = new EventWriter(folder);
  const stop = new AbortController();
  const run = await prepareRun({
    folder, engine, events, signal: stop.signal, log: () => undefined,
    resolved: { experiment, source: { file, lines: {} }, overrides, version: '', versions: {}, created: 0 },
  });
  const steps = Math.floor(run.stepsPerEpoch);
  const [arm] = run.arms;
  if (arm === undefined) throw new Error('the run has no arm');
  const inputs = fed();
  const runAlone = (): Alone[] => Array.from({ length: alone }, () => {
    const [begin, processor] = [performance.now(), processorTime()];
    arm.program.run('train', inputs);
    return { wall: performance.now() - begin, processor: processorTime() - processor };
  });
  runAlone();
  const before = runAlone();
  watchProgram(arm.program, clock);
  const taken: Spent[] = [];
  const write = events.write.bind(events);
  events.write = (event: NewEvent): void => {
    const begin = performance.now();
    write(event);
    clock.add('events', begin);
    if (event.type === 'phase' && event.phase === 'training') clock.take(1);
    if (event.type === 'step' && event.step % steps === 0 && taken.length < epochs) taken.push(clock.take(steps));
    // What comes after the last epoch is evaluation.
    if (taken.length === epochs) stop.abort();
  };
  await train({ ...run, teacherEvaluated: true });
  const measured = [...before, ...runAlone()];
  await arm.dispose();
  const [step, stepProcessor] = [spreadOf(measured.map(({ wall }) => wall)).median, measured.reduce((sum, { processor }) => sum + processor, 0) / measured.length];
  return {
    stepsPerEpoch: steps, step: rounded(step), stepProcessor: rounded(stepProcessor),
    epochs: taken.map((time) => ({ ...time, overStep: rounded(time.wall / step), processorOverStep: rounded(time.processor / stepProcessor) })),
  };
}

/** @returns what the last step was fed with */
function watchParts(clock: Clock): () => HostTensors {
  let last: HostTensors | undefined;
  replaceMethod(BatchLoader.prototype, 'next', (next) => async function (this: BatchLoader) {
    const begin = performance.now();
    try {
      return await next.call(this);
    } finally {
      clock.add('data', begin);
    }
  });
  replaceMethod(Stage.prototype, 'inputs', (inputs) => function (this: Stage, ...given) {
    const begin = performance.now();
    last = inputs.apply(this, given);
    clock.add('inputs', begin);
    return last;
  });
  replaceMethod(PictureRecorder.prototype, 'record', (record) => async function (this: PictureRecorder, ...given) {
    const begin = performance.now();
    const folder = await record.apply(this, given);
    clock.add('pictures', begin);
    return folder;
  });
  return () => {
    if (last === undefined) throw new Error('nothing was fed yet');
    return last;
  };
}

function replaceMethod<T, Name extends keyof T>(prototype: T, name: Name, wrap: (method: T[Name]) => T[Name]): void {
  prototype[name] = wrap(prototype[name]);
}

function watchProgram(program: Program, clock: Clock): void {
  const run = program.run.bind(program);
  program.run = (name, inputs) => {
    const begin = performance.now();
    const outputs = run(name, inputs);
    if (name === 'train') clock.add('program', begin);
    return outputs;
  };
}

/** A teacher that knows nothing: its step takes as long as any. */
export async function writeTeacher(path: string, classes: readonly string[]): Promise<void> {
  const detector = createDetector(detectorSchema.parse({ detector: 'retinanet', backbone: 'small' }), { classes, random: Random.of(1) });
  await writeSafetensors(path, saveStateDict(detector, 'mmdetection', readVariables));
  detector.parameters.dispose();
}
