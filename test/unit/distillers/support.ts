/** Small random scenes for the methods, run op by op on tfjs's own cpu backend. */
import * as tf from '@tensorflow/tfjs';
import { type BatchTruth } from '../../../src/distillers/distiller.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { directProgram } from '../../../src/engine/directProgram.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { type Execute } from '../../goldens/support/execute.ts';
import { type Maps, type Measured, type Scene } from '../../goldens/support/distiller.ts';

export const onCpu: Execute = async (run, inputs) => {
  await tf.setBackend('cpu');
  return directProgram({ step: { run, example: inputs } }).run('step', inputs);
};

export function randomMap(shape: readonly [number, number, number, number], seed: number, deviation = 1): HostTensor {
  const random = Random.of(seed);
  return float32(shape, new Float32Array(shape.reduce((product, size) => product * size, 1)).map(() => random.normal(0, deviation)));
}

export interface SceneOptions {
  readonly grid?: readonly (readonly [number, number])[];
  readonly studentChannels?: number;
  readonly teacherChannels?: number;
  readonly classes?: number;
  readonly anchorsPerCell?: number;
  readonly inputSize?: readonly [number, number];
  readonly boxes?: readonly (readonly Box[])[];
  readonly labels?: readonly (readonly number[])[];
  readonly assignments?: readonly (readonly number[])[];
  readonly logitDeviation?: number;
  readonly seed?: number;
  readonly step?: number;
}

/** One image for each entry of `boxes` (default: two images, two boxes and one). */
export function makeScene(options: SceneOptions = {}): Scene {
  const { grid = [[5, 7], [3, 4]], studentChannels = 4, teacherChannels = 4, classes = 3, anchorsPerCell = 2, inputSize = [40, 56], seed = 1, logitDeviation = 1 } = options;
  const boxes = options.boxes ?? [[[3, 4, 20, 30], [10, 10, 50, 38]], [[0.5, 1, 12, 9]]];
  const slots = grid.reduce((sum, [rows, columns]) => sum + rows * columns * anchorsPerCell, 0);
  const maps = (own: number, channels: number): Maps => ({
    features: grid.map(([rows, columns], level) => randomMap([boxes.length, rows, columns, channels], own + level)),
    logits: grid.map(([rows, columns], level) => randomMap([boxes.length, rows, columns, anchorsPerCell * classes], own + 50 + level, logitDeviation)),
    regression: grid.map(([rows, columns], level) => randomMap([boxes.length, rows, columns, anchorsPerCell * 4], own + 70 + level, 0.1)),
  });
  const batch: BatchTruth = {
    truth: boxes.map((own, image) => ({ boxes: own, labels: options.labels?.[image] ?? own.map((_, index) => index % classes), ignored: [] })),
    inputSize, contentSizes: boxes.map(() => inputSize),
    assignments: boxes.map((own, image) => Int32Array.from(options.assignments?.[image] ?? randomAssignment(slots, own.length, seed + image))),
    ...(options.step === undefined ? {} : { step: options.step }),
  };
  return { student: maps(seed * 1000, studentChannels), teacher: maps(seed * 1000 + 500, teacherChannels), classes, anchorsPerCell, grid, batch };
}

function randomAssignment(slots: number, objects: number, seed: number): number[] {
  const random = Random.of(seed, 7);
  return Array.from({ length: slots }, () => (objects > 0 && random.chance(0.3) ? 1 + random.integer(objects) : random.chance(0.1) ? -1 : 0));
}

export function withStudent(scene: Scene, student: Maps): Scene {
  return { ...scene, student };
}

export function total({ losses }: Measured): number {
  return Object.values(losses).reduce((sum, value) => sum + value, 0);
}

/** Every number that came back. */
export function allValues({ losses, gradients, pictures }: Measured): number[] {
  return [...Object.values(losses), ...Object.values(gradients).flatMap((values) => [...values]), ...Object.values(pictures).flatMap(({ data }) => [...data])];
}

/** Values of a scene's student map as numbers. */
export function valuesOf(maps: Maps, kind: keyof Maps, level: number): number[] {
  return [...(maps[kind]?.[level]?.data ?? [])];
}

/** The scene with one kind of the student's maps moved along a direction. */
export function moved(scene: Scene, kind: 'features' | 'logits' | 'regression', direction: readonly Float32Array[], by: number): Scene {
  const maps = (scene.student[kind] ?? []).map(({ shape, data }, level) => float32(shape, Float32Array.from(data, (value, index) => value + by * (direction[level]?.[index] ?? 0))));
  return withStudent(scene, { ...scene.student, [kind]: maps });
}

export function randomDirection(scene: Scene, kind: 'features' | 'logits' | 'regression', seed: number): Float32Array[] {
  const random = Random.of(seed, 99);
  return (scene.student[kind] ?? []).map(({ data }) => Float32Array.from(data, () => random.normal()));
}

export function dot(gradients: Measured['gradients'], kind: string, direction: readonly Float32Array[]): number {
  return direction.reduce((sum, values, level) => values.reduce((own, value, index) => own + value * (gradients[`${kind}.${level}`]?.[index] ?? Number.NaN), sum), 0);
}
