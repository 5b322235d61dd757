/**
 * The door to native TensorFlow's own operations, for the few fused ones that tfjs does not offer.
 * Each is a tfjs kernel with a gradient, so that tape, `tf.variableGrads` and the recorder of steps see it like any other.
 */
import * as tf from '@tensorflow/tfjs';

export interface NativeAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean | string | readonly number[];
}

/** What this folder uses of tfjs-node's backend. */
export interface NativeBackend {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_STRING' | 'TF_ATTR_INT' | 'TF_FLOAT' | 'TF_INT32', number>>;
  executeSingleOutput(name: string, attributes: readonly NativeAttribute[], inputs: readonly tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(name: string, attributes: readonly NativeAttribute[], inputs: readonly tf.TensorInfo[], outputs: number): tf.Tensor[];
}

const BACKEND = 'tensorflow';

export function isNative(): boolean {
  return tf.getBackend() === BACKEND;
}

export interface NativeKernel {
  /** Unique among kernels; not the name of one that tfjs registers. */
  readonly name: string;
  run(backend: NativeBackend, inputs: tf.NamedTensorInfoMap, attributes: Readonly<Record<string, unknown>>): tf.Tensor[];
  readonly saveInputs: readonly string[];
  readonly saveOutputs: readonly boolean[];
  /** @param dy gradient of the first output; the others have none. @returns gradients by input. */
  gradient(dy: tf.Tensor, saved: readonly tf.Tensor[], attributes: Readonly<Record<string, unknown>>): Record<string, tf.Tensor>;
}

/** Registers once a process: a second load of the module (tests) leaves the first in place. */
export function registerNative(kernel: NativeKernel): void {
  if (tf.getKernelsForBackend(BACKEND).some(({ kernelName }) => kernelName === kernel.name)) return;
  tf.registerKernel({
    kernelName: kernel.name,
    backendName: BACKEND,
    kernelFunc: ({ inputs, backend, attrs }) => kernel.run(backend as NativeBackend, inputs, attrs ?? {}),
  });
  tf.registerGradient({
    kernelName: kernel.name,
    inputsToSave: [...kernel.saveInputs],
    outputsToSave: [...kernel.saveOutputs],
    gradFunc: (dy, saved, attrs) => {
      const first = Array.isArray(dy) ? dy[0] : dy;
      if (first === undefined) throw new Error(`${kernel.name} got no gradient`);
      // Computed at once, not on demand: one native operation gives them all.
      const gradients = kernel.gradient(first, saved, attrs);
      return Object.fromEntries(Object.entries(gradients).map(([input, gradient]) => [input, () => gradient]));
    },
  });
}

export function runNative(name: string, inputs: Readonly<Record<string, tf.Tensor>>, attributes: Readonly<Record<string, number | boolean | string>> = {}): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attributes);
  return Array.isArray(outputs) ? outputs : [outputs];
}

export function typeAttribute(backend: NativeBackend, name = 'T'): NativeAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT };
}

/** The backend while a gradient runs, where tfjs does not hand it over. */
export function nativeBackend(): NativeBackend {
  return tf.backend() as unknown as NativeBackend;
}

export function pick(inputs: tf.NamedTensorInfoMap, name: string): tf.TensorInfo {
  const tensor = inputs[name];
  if (tensor === undefined) throw new Error(`kernel input ${name} is missing`);
  return tensor;
}

export function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no entry ${index} of ${items.length}`);
  return item;
}
