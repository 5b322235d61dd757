/**
 * One method on real, tiny networks: what it adds to the loss as a function of the student's maps and of its own adapters,
 * so that values and gradients can be looked at from outside whatever the method does inside.
 */
import * as tf from '@tensorflow/tfjs';
import { inference, type Detector, type DetectorOutputs, type ForwardMode } from '../../src/detectors/detector.ts';
import { createDetector } from '../../src/detectors/table.ts';
import { type Distiller } from '../../src/distillers/distiller.ts';
import { checkPair, createDistillers, METHODS, type MethodId } from '../../src/distillers/table.ts';
import { startEngine } from '../../src/engine/backend.ts';
import { type GroundTruth } from '../../src/engine/boxes.ts';
import { float32, type HostTensor, type HostTensors } from '../../src/engine/hostTensor.ts';
import { createProgram, type Program, type StepFunction } from '../../src/engine/program.ts';
import { Random } from '../../src/engine/random.ts';
import { type MethodCard } from '../../src/experiment/methods/index.ts';
import { detectorSchema, methodSchema, type DetectorConfig } from '../../src/experiment/schema.ts';
import { stepInputs } from '../../src/run/methodInputs.ts';
import { observationStep, observes, type Networks } from '../../src/run/step.ts';

export interface Setting {
  readonly size: readonly [number, number];
  /** Unpadded [height, width] of each image. */
  readonly contentSizes: readonly (readonly [number, number])[];
  readonly truth: readonly GroundTruth[];
  readonly classes: number;
  readonly levels: number;
  /** Every map of both networks the same number everywhere. */
  readonly equal?: boolean;
  /** Where in a run of how many steps; left out: not in a run. */
  readonly at?: { readonly step: number; readonly steps: number };
}

export interface Measured {
  /** Weighted parts by name. */
  readonly parts: Readonly<Record<string, number>>;
  readonly total: number;
  /** By leaf: the student's maps (`features.0`, `towers.classification.0.1`) and the method's adapters by name. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Options under which a method has a loss of its own, and one that neither warms up nor fades by itself. */
export const TRIED: Partial<Record<MethodId, Readonly<Record<string, unknown>>>> = {
  frs: { warmup: 0 }, head: { warmup: 0 }, scalekd: { warmup: 0 }, tadf: { decay: 'none' },
  // Ranks of probabilities that are all near 0 hardly differ.
  rm: { score: 'logit' },
  // By default it only changes the assignment.
  lad: { losses: 'paa' },
};

/** The detector that a method is tried on: the first that it serves. */
export function detectorFor(id: MethodId): DetectorConfig['detector'] {
  const { shares, detectors }: MethodCard = METHODS[id];
  return (shares.includes('distribution') ? 'gfl' : detectors?.[0] ?? 'retinanet') as DetectorConfig['detector'];
}

export class MethodBench {
  readonly distiller: Distiller;
  readonly parameters: ReturnType<Distiller['parameters']['trainable']>;
  readonly maps: HostTensors;
  /** What the step is fed with. */
  readonly inputs: HostTensors;
  private readonly program: Program;
  private readonly detectors: readonly Detector[];

  private constructor(distiller: Distiller, detectors: readonly Detector[], program: Program, maps: HostTensors, inputs: HostTensors) {
    this.distiller = distiller;
    this.parameters = distiller.parameters.trainable();
    this.detectors = detectors;
    this.program = program;
    this.maps = maps;
    this.inputs = inputs;
  }

  static async create(id: MethodId, setting: Setting, { capture }: { capture: boolean }): Promise<MethodBench> {
    const engine = await startEngine({ backend: 'auto' });
    const classes = Array.from({ length: setting.classes }, (_, index) => `class ${index}`);
    const config = detectorSchema.parse({ detector: detectorFor(id), backbone: 'tiny', neck: { levels: setting.levels, channels: 8 }, head: { convs: 2 } });
    const [student, teacher] = [7, 8].map((seed) => createDetector(config, { classes, random: Random.of(seed) })) as [Detector, Detector];
    const needsTeacher = METHODS[id].teacher === 'needed';
    const method = methodSchema.parse({ method: id, ...TRIED[id] });
    const [problem] = checkPair([method], teacher.traits, student.traits);
    if (problem !== undefined) throw problem;
    const networks = { student, ...(needsTeacher ? { teacher } : {}) };
    const [distiller] = createDistillers([method], {
      teacher: needsTeacher ? teacher.traits : student.traits, student: student.traits, inputSize: setting.size, batch: setting.truth.length, random: Random.of(9),
      statistics: { featureDeviation: student.traits.levels.map(() => 1) }, networks,
    });
    if (distiller === undefined) throw new Error(`no distiller for ${id}`);
    const images = randomImages(setting);
    const maps = await forwardMaps(student, teacher, images, setting.equal === true);
    const all: Networks = { ...networks, distillers: [distiller] };
    const variables = [student, teacher, distiller].flatMap(({ parameters }) => parameters.all().map(({ variable }) => variable));
    const truth = { truth: setting.truth, inputSize: setting.size, contentSizes: setting.contentSizes, ...setting.at };
    const observe = !observes(all) ? undefined : (given: HostTensors): HostTensors => {
      const program = createProgram({ engine, capture: false, variables, functions: { observe: { run: observationStep(all, true), example: given } } });
      return program.run('observe', given);
    };
    const inputs = { ...stepInputs(all, images, truth, observe), ...maps };
    const program = createProgram({ engine, capture, variables, functions: { measure: { run: measurement(distiller, Object.keys(maps)), example: inputs }, ...(capture ? {} : { lose: { run: lossOf(distiller), example: inputs } }) } });
    return new MethodBench(distiller, [student, teacher], program, maps, inputs);
  }

  /** @param moved maps in place of the bench's own */
  run(moved: HostTensors = {}): Measured {
    const outputs = this.program.run('measure', { ...this.inputs, ...moved });
    const entries = Object.entries(outputs);
    const parts = Object.fromEntries(entries.filter(([key]) => key.startsWith('part.')).map(([key, { data }]) => [key.slice(5), data[0] ?? Number.NaN]));
    const gradients = new Map(entries.filter(([key]) => key.startsWith('gradient.')).map(([key, { data }]) => [key.slice(9), Float32Array.from(data)]));
    return { parts, total: Object.values(parts).reduce((sum, value) => sum + value, 0), gradients };
  }

  /** The sum of the parts alone, op by op. */
  lose(moved: HostTensors = {}): number {
    return Object.values(this.program.run('lose', { ...this.inputs, ...moved })).reduce((sum, { data }) => sum + (data[0] ?? Number.NaN), 0);
  }

  /** The loss with adapters moved by `by` along their directions; they come back afterwards. */
  withAdapters<T>(values: readonly Float32Array[], work: () => T): T {
    const variables = this.parameters.map(({ variable }) => variable);
    const before = this.program.read(variables);
    this.program.write(variables.map((variable, index) => [variable, values[index] ?? new Float32Array(variable.size)]));
    try {
      return work();
    } finally {
      this.program.write(variables.map((variable, index) => [variable, before[index] ?? new Float32Array(variable.size)]));
    }
  }

  adapters(): Float32Array[] {
    return this.program.read(this.parameters.map(({ variable }) => variable));
  }

  dispose(): void {
    this.program.dispose();
    this.distiller.parameters.dispose();
    for (const { parameters } of this.detectors) parameters.dispose();
  }
}

function randomImages({ size: [height, width], truth }: Setting): HostTensor {
  const random = Random.of(3);
  return float32([truth.length, height, width, 3], new Float32Array(truth.length * height * width * 3).map(() => random.normal()));
}

type Maps = Readonly<Record<string, tf.Tensor>>;

/** Every map of both networks by name, `student.features.0`, `teacher.towers.regression.0.1`. */
async function forwardMaps(student: Detector, teacher: Detector, images: HostTensor, equal: boolean): Promise<HostTensors> {
  const engine = await startEngine({ backend: 'auto' });
  const run: StepFunction = ({ images: tensor }) => {
    const both = [['student', student, { training: true, updates: [] }], ['teacher', teacher, inference()]] as const;
    return { outputs: Object.fromEntries(both.flatMap(([role, network, mode]) => Object.entries(flatten(network.forward(tensor as tf.Tensor4D, mode as ForwardMode))).map(([key, map]) => [`${role}.${key}`, map]))) };
  };
  const maps = createProgram({ engine, capture: false, variables: [], functions: { maps: { run, example: { images } } } }).run('maps', { images });
  // Untrained class scores are nearly equal everywhere: methods that rank or gate by them would have nothing to do.
  const random = Random.of(5);
  for (const [key, { data }] of Object.entries(maps)) if (key.includes('.logits.')) data.forEach((value, index) => { data[index] = value + random.normal(0, 1); });
  return equal ? Object.fromEntries(Object.entries(maps).map(([key, { shape, data }]) => [key, float32(shape, new Float32Array(data.length).fill(0.5))])) : maps;
}

const LISTS = ['backbone', 'features', 'logits', 'regression', 'centerness'] as const;

function flatten(outputs: DetectorOutputs): Record<string, tf.Tensor> {
  const entries: [string, tf.Tensor][] = LISTS.flatMap((kind) => (outputs[kind] ?? []).map((map, level): [string, tf.Tensor] => [`${kind}.${level}`, tf.clone(map)]));
  for (const tower of ['classification', 'regression'] as const) {
    outputs.towers[tower].forEach((blocks, level) => { blocks.forEach((block, index) => { entries.push([`towers.${tower}.${level}.${index}`, tf.clone(block)]); }); });
  }
  return Object.fromEntries(entries);
}

function unflatten(maps: Maps, role: string): DetectorOutputs {
  const list = (prefix: string): tf.Tensor4D[] => {
    const found: tf.Tensor4D[] = [];
    for (let index = 0; maps[`${role}.${prefix}.${index}`] !== undefined; index += 1) found.push(maps[`${role}.${prefix}.${index}`] as tf.Tensor4D);
    return found;
  };
  const tower = (name: string): tf.Tensor4D[][] => list('features').map((_, level) => list(`towers.${name}.${level}`));
  const centerness = list('centerness');
  return {
    backbone: list('backbone'), features: list('features'), logits: list('logits'), regression: list('regression'), ...(centerness.length === 0 ? {} : { centerness }),
    towers: { classification: tower('classification'), regression: tower('regression') },
  };
}

function under(inputs: Maps, prefix: string): Maps {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => key.startsWith(prefix)).map(([key, tensor]) => [key.slice(prefix.length), tensor]));
}

function lossesOf(distiller: Distiller, inputs: Maps): Record<string, tf.Scalar> {
  const step = { images: inputs.images as tf.Tensor4D, targets: under(inputs, 'target.'), mode: { training: true, updates: [] } };
  return distiller.loss(unflatten(inputs, 'teacher'), unflatten(inputs, 'student'), under(inputs, `${distiller.id}.`), step);
}

function lossOf(distiller: Distiller): StepFunction {
  return (inputs) => ({ outputs: lossesOf(distiller, inputs) });
}

/** Outputs `part.<name>`, `gradient.<leaf>`. */
function measurement(distiller: Distiller, names: readonly string[]): StepFunction {
  const leaves = names.filter((name) => name.startsWith('student.'));
  const adapters = distiller.parameters.trainable();
  return (inputs) => {
    let parts: Record<string, tf.Scalar> = {};
    const watched = [...leaves.map((name) => inputs[name] as tf.Tensor), ...adapters.map(({ variable }) => variable as tf.Tensor)];
    const total = (): tf.Scalar => {
      parts = lossesOf(distiller, inputs);
      for (const part of Object.values(parts)) tf.keep(part);
      // What a method does not read has a gradient of 0 instead of none.
      return tf.addN([...Object.values(parts), ...watched.map((tensor) => tf.mul<tf.Scalar>(tf.sum(tensor), 0))]);
    };
    const gradients = tf.grads(total)(watched);
    const keys = [...leaves.map((name) => name.slice('student.'.length)), ...adapters.map(({ name }) => name)];
    return {
      outputs: {
        ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [`part.${name}`, value])),
        ...Object.fromEntries(keys.map((key, index) => [`gradient.${key}`, gradients[index] as tf.Tensor])),
      },
    };
  };
}
