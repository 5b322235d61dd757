/**
 * Outputs of teachers as inputs of a step instead of a part of it. Which of them the methods read is found out by looking on while
 * the step is recorded (or run once): only those are fed, and kept. Whatever else a method does with a teacher (another image
 * through it, other features through its head) stays in the step, so no method can be served wrongly.
 */
import * as tf from '@tensorflow/tfjs';
import { inference, type Detector, type DetectorOutputs } from '../detectors/detector.ts';
import { toHost } from '../engine/directProgram.ts';
import { float32, sizeOf, type HostTensor, type HostTensors } from '../engine/hostTensor.ts';
import { type FunctionSpec } from '../engine/program.ts';

/** Where a step has a teacher's outputs from. @param place among the teachers of the step */
export type TeacherForward = (teacher: Detector, images: tf.Tensor4D, inputs: Readonly<Record<string, tf.Tensor>>, place: number) => DetectorOutputs;

export const inTheStep: TeacherForward = (teacher, images) => teacher.forward(images, inference());

export interface FedOutput {
  /** `features.2`, `towers.classification.0.1`: the way through `DetectorOutputs`. */
  readonly name: string;
  /** Without the batch. */
  readonly shape: readonly number[];
}

interface Fed {
  readonly teacher: Detector;
  /** All that there is, by name: of one image. */
  readonly samples: ReadonlyMap<string, HostTensor>;
  readonly outline: Outline;
  readonly read: Set<string>;
}

/** Lists and records of outputs, with the names of tensors as leaves. */
type Outline = string | readonly Outline[] | { readonly [key: string]: Outline };

export class FedOutputs {
  private readonly feds: readonly Fed[];
  private readonly size: readonly [number, number];

  /** @param image [H, W, 3] */
  constructor(teachers: readonly Detector[], image: Float32Array, size: readonly [number, number]) {
    this.size = size;
    this.feds = teachers.map((teacher) => {
      const samples = new Map<string, HostTensor>();
      let outline: Outline = {};
      tf.tidy(() => {
        outline = outlineOf(teacher.forward(tf.tensor4d(image, [1, ...size, 3]), inference()), '', (name, tensor) => samples.set(name, toHost(tensor)));
      });
      return { teacher, samples, outline, read: new Set<string>() };
    });
  }

  get teachers(): number {
    return this.feds.length;
  }

  readonly forward: TeacherForward = (_, __, inputs, place) => {
    const fed = this.feds[place];
    if (fed === undefined) throw new Error('a teacher whose outputs are not fed');
    return lazily(fed.outline, (name) => {
      fed.read.add(name);
      const tensor = inputs[inputName(place, name)];
      if (tensor === undefined) throw new Error(`${name} of teacher ${place} was not fed`);
      return tensor;
    }) as DetectorOutputs;
  };

  /** What has been read so far, in the order of the outputs. */
  read(teacher: number): FedOutput[] {
    const fed = this.feds[teacher];
    return [...(fed?.samples ?? [])].flatMap(([name, { shape }]) => (fed?.read.has(name) === true ? [{ name, shape: shape.slice(1) }] : []));
  }

  /** Inputs of a step: the sample image, again and again. @param onlyRead leaves out what nothing has read so far */
  example(batch: number, onlyRead = false): HostTensors {
    return Object.fromEntries(this.feds.flatMap(({ samples, read }, place) => [...samples].flatMap(([name, { shape, data }]) => {
      if (onlyRead && !read.has(name)) return [];
      const whole = new Float32Array(batch * sizeOf(shape));
      for (let slot = 0; slot < batch; slot += 1) whole.set(data, slot * data.length);
      return [[inputName(place, name), float32([batch, ...shape.slice(1)], whole)]];
    })));
  }

  /**
   * A teacher alone, for one image at a time: so what is kept of an image never depends on its company. Outputs: what was read.
   * Must be recorded after the steps that read.
   */
  function(teacher: number, precision: FunctionSpec['precision']): FunctionSpec {
    return {
      ...(precision === undefined ? {} : { precision }),
      example: { images: float32([1, ...this.size, 3]) },
      run: ({ images }) => {
        const fed = this.feds[teacher];
        if (fed === undefined || images === undefined) throw new Error(`there is no teacher ${teacher}, or no image`);
        const outputs: Record<string, tf.Tensor> = {};
        outlineOf(fed.teacher.forward(images as tf.Tensor4D, inference()), '', (name, tensor) => { if (fed.read.has(name)) outputs[name] = tensor; });
        return { outputs };
      },
    };
  }
}

export function inputName(teacher: number, output: string): string {
  return `taught.${teacher}.${output}`;
}

export function isTaught(input: string): boolean {
  return input.startsWith('taught.');
}

function outlineOf(value: unknown, name: string, visit: (name: string, tensor: tf.Tensor) => void): Outline {
  const below = (key: string | number): string => (name === '' ? String(key) : `${name}.${key}`);
  if (value instanceof tf.Tensor) {
    visit(name, value as tf.Tensor);
    return name;
  }
  if (Array.isArray(value)) return value.map((item: unknown, index) => outlineOf(item, below(index), visit));
  return Object.fromEntries(Object.entries(value as object).filter(([, item]) => item !== undefined).map(([key, item]) => [key, outlineOf(item, below(key), visit)]));
}

/** The same lists and records; a tensor is asked for when somebody reads it. */
function lazily(outline: Outline, tensor: (name: string) => tf.Tensor): unknown {
  if (typeof outline === 'string') return tensor(outline);
  const made: unknown[] | Record<string, unknown> = Array.isArray(outline) ? [] : {};
  for (const [key, item] of Object.entries<Outline>(outline as Record<string, Outline>)) {
    Object.defineProperty(made, key, typeof item === 'string' ? { get: () => tensor(item), enumerable: true } : { value: lazily(item, tensor), enumerable: true });
  }
  return made;
}
