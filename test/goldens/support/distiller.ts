/** Runs the product's own distillers on golden tensors: weighted parts, gradients and pictures come back on the host. */
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { inference, type DetectorOutputs, type DetectorTraits } from '../../../src/detectors/detector.ts';
import { type BatchTruth, type Distiller, type DistillerContext, type StepTensors } from '../../../src/distillers/distiller.ts';
import { createDistillers } from '../../../src/distillers/table.ts';
import { type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { type StepFunction } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { type MethodConfig } from '../../../src/experiment/schema.ts';
import { type Execute } from './execute.ts';
import { expectTensor, GRADIENT_FLOOR, type GoldenTensor, mapFromGolden, weightFromGolden } from './tensors.ts';

type Kind = 'backbone' | 'features' | 'logits' | 'regression' | 'centerness';
/** Maps of one network by kind, finest level first; what a case lacks is left out. */
export type Maps = Readonly<Partial<Record<Kind, readonly HostTensor[]>>>;

export interface Scene {
  readonly student: Maps;
  readonly teacher: Maps;
  readonly classes: number;
  readonly anchorsPerCell: number;
  /** Rows and columns of each level. */
  readonly grid: readonly (readonly [number, number])[];
  readonly batch: BatchTruth;
  readonly traits?: { readonly student: Partial<DetectorTraits>; readonly teacher: Partial<DetectorTraits> };
}

export interface Measured {
  /** `<method>.<part>`, weighted. */
  readonly losses: Readonly<Record<string, number>>;
  /** By parameter, or `<kind>.<level index>` for the student's maps. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  /** `<method>.<kind>.<role>.<level>`. */
  readonly pictures: Readonly<Record<string, HostTensor>>;
}

export function traitsOf(maps: Maps, { classes, anchorsPerCell, grid }: Scene, more: Partial<DetectorTraits> = {}): DetectorTraits {
  return {
    detector: 'retinanet', backbone: 'small', classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
    levels: grid.map((_, index) => ({ name: `L${index}`, stride: 2 ** (index + 3) })), grid: () => grid,
    featureChannels: maps.features?.[0]?.shape[3] ?? 4, anchorsPerCell, ...more,
  };
}

export function buildDistillers(configs: readonly MethodConfig[], scene: Scene, statistics: DistillerContext['statistics'] = { featureDeviation: [] }): Distiller[] {
  return createDistillers(configs, {
    student: traitsOf(scene.student, scene, scene.traits?.student), teacher: traitsOf(scene.teacher, scene, scene.traits?.teacher),
    inputSize: scene.batch.inputSize, batch: scene.batch.truth.length, random: Random.of(1), statistics,
  });
}

export function setWeight(variable: tf.Variable, values: Float32Array): void {
  const value = tf.tensor(values, variable.shape, 'float32');
  variable.assign(value);
  value.dispose();
}

/** Features alone, of images without objects; the teacher may have another grid. */
export function featureScene(student: readonly HostTensor[], teacher: readonly HostTensor[]): Scene {
  const gridOf = (maps: readonly HostTensor[]): (readonly [number, number])[] => maps.map(({ shape: [, rows = 0, columns = 0] }) => [rows, columns] as const);
  const images = Array.from({ length: student[0]?.shape[0] ?? 0 }, () => ({ boxes: [], labels: [], ignored: [] }));
  return {
    student: { features: student }, teacher: { features: teacher }, classes: 1, anchorsPerCell: 1, grid: gridOf(student),
    batch: { truth: images, inputSize: [96, 128], contentSizes: images.map(() => [96, 128] as const), assignments: [] },
    traits: { student: {}, teacher: { grid: () => gridOf(teacher) } },
  };
}

/** Gives the adapters a golden's weights: exactly those that it has, by our names. */
export function loadAdapters(distillers: readonly Distiller[], stored: Readonly<Record<string, GoldenTensor>>, ourName: (name: string) => string, valuesOf = weightFromGolden): void {
  const parameters = new Map(distillers.flatMap((distiller) => distiller.parameters.all()).map(({ name, variable }) => [name, variable]));
  expect([...parameters.keys()].sort()).toEqual(Object.keys(stored).map(ourName).sort());
  for (const [name, tensor] of Object.entries(stored)) {
    const variable = parameters.get(ourName(name));
    if (variable !== undefined) setWeight(variable, valuesOf(tensor));
  }
}

/** Gradients of the adapters (`distill.…` by our names) and of the student's maps. */
export function expectGradients(got: Measured['gradients'], expected: Readonly<Record<string, GoldenTensor>>, ourName: (name: string) => string, valuesOf = weightFromGolden): void {
  for (const [name, tensor] of Object.entries(expected)) {
    const ours = ourName(name);
    expectTensor(got[ours] ?? [], ours.startsWith('distill.') ? valuesOf(tensor) : mapFromGolden(tensor).data, name, 1e-3, GRADIENT_FLOOR);
  }
}

export async function measure(distillers: readonly Distiller[], scene: Scene, execute: Execute): Promise<Measured> {
  const parameters = distillers.flatMap((distiller) => distiller.parameters.all());
  const inputs: Record<string, HostTensor> = { ...flatten('student', scene.student), ...flatten('teacher', scene.teacher) };
  for (const distiller of distillers) {
    for (const [name, tensor] of Object.entries(distiller.inputs(scene.batch, {}))) inputs[`${distiller.id}.${name}`] = tensor;
  }
  const studentNames = Object.keys(flatten('student', scene.student));
  const run: StepFunction = (tensors) => {
    const [teacher, student] = [outputsOf('teacher', tensors), outputsOf('student', tensors)];
    const step: StepTensors = { images: tf.zeros([scene.batch.truth.length, ...scene.batch.inputSize, 3]), targets: {}, mode: inference() };
    const outputs: Record<string, tf.Tensor> = {};
    const watched = [...studentNames.map((name) => tensors[name] as tf.Tensor), ...parameters.map(({ variable }) => variable as tf.Tensor)];
    const total = (): tf.Scalar => {
      const parts = distillers.flatMap((distiller) => Object.entries(distiller.loss(teacher, student, inputsOf(distiller.id, tensors), step))
        .map(([part, value]) => [`loss.${distiller.id}.${part}`, tf.keep(value)] as const));
      Object.assign(outputs, Object.fromEntries(parts));
      // A map that no method reads has a gradient of 0 instead of none.
      return tf.addN([...parts.map(([, value]) => value), ...watched.map((tensor) => tf.mul<tf.Scalar>(tf.sum(tensor), 0))]);
    };
    const gradients = tf.grads(total)(watched);
    [...studentNames.map((name) => name.replace('student.', '')), ...parameters.map(({ name }) => name)]
      .forEach((name, index) => { outputs[`gradient.${name}`] = gradients[index] as tf.Tensor; });
    for (const distiller of distillers) {
      for (const { kind, role, level, values } of distiller.pictures(teacher, student, inputsOf(distiller.id, tensors), step)) outputs[`picture.${distiller.id}.${kind}.${role}.${level}`] = values;
    }
    return { outputs };
  };
  const results = await execute(run, inputs, parameters.map(({ variable }) => variable));
  const losses = Object.entries(inputsOf('loss', results)).map(([name, { data }]) => [name, data[0] ?? Number.NaN] as const);
  return {
    losses: Object.fromEntries(losses),
    gradients: Object.fromEntries(Object.entries(inputsOf('gradient', results)).map(([name, { data }]) => [name, Float32Array.from(data)])),
    pictures: inputsOf('picture', results),
  };
}

function flatten(network: string, maps: Maps): HostTensors {
  return Object.fromEntries(Object.entries(maps).flatMap(([kind, levels]) => levels.map((map, level) => [`${network}.${kind}.${level}`, map])));
}

function outputsOf(network: string, tensors: Readonly<Record<string, tf.Tensor>>): DetectorOutputs {
  const levels = (kind: Kind): tf.Tensor4D[] => Object.entries(inputsOf(`${network}.${kind}`, tensors))
    .sort(([a], [b]) => Number(a) - Number(b)).map(([, tensor]) => tensor as tf.Tensor4D);
  const centerness = levels('centerness');
  return {
    backbone: levels('backbone'), features: levels('features'), logits: levels('logits'), regression: levels('regression'),
    ...(centerness.length === 0 ? {} : { centerness }), towers: { classification: [], regression: [] },
  };
}

/** Entries under a prefix, without it. */
function inputsOf<T>(prefix: string, values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => key.startsWith(`${prefix}.`)).map(([key, value]) => [key.slice(prefix.length + 1), value]));
}
