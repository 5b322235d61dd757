/** Runs any function of tensors on golden tensors: its named scalars, and the gradient of their sum by input. */
import * as tf from '@tensorflow/tfjs';
import { type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { type StepFunction } from '../../../src/engine/program.ts';
import { type Execute } from './execute.ts';

export interface Ran {
  readonly losses: Readonly<Record<string, number>>;
  /** By input or parameter. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  readonly shown: Readonly<Record<string, HostTensor>>;
}

export interface RunOptions {
  /** Inputs whose gradient is wanted. */
  readonly watched: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly variable: tf.Variable }[];
  /** Weighted parts; their sum is differentiated. */
  readonly losses: (inputs: Readonly<Record<string, tf.Tensor>>) => Record<string, tf.Scalar>;
  readonly shown?: (inputs: Readonly<Record<string, tf.Tensor>>) => Record<string, tf.Tensor>;
}

export async function runLosses(inputs: HostTensors, { watched, parameters = [], losses, shown }: RunOptions, execute: Execute): Promise<Ran> {
  const run: StepFunction = (tensors) => {
    const outputs: Record<string, tf.Tensor> = {};
    const leaves = [...watched.map((name) => tensors[name] as tf.Tensor), ...parameters.map(({ variable }) => variable as tf.Tensor)];
    const total = (): tf.Scalar => {
      const parts = Object.entries(losses(tensors)).map(([name, value]) => [`loss.${name}`, tf.keep(value)] as const);
      Object.assign(outputs, Object.fromEntries(parts));
      // What no part reads has a gradient of 0 instead of none.
      return tf.addN([...parts.map(([, value]) => value), ...leaves.map((tensor) => tf.mul<tf.Scalar>(tf.sum(tensor), 0))]);
    };
    const gradients = tf.grads(total)(leaves);
    [...watched, ...parameters.map(({ name }) => name)].forEach((name, index) => { outputs[`gradient.${name}`] = gradients[index] as tf.Tensor; });
    for (const [name, value] of Object.entries(shown?.(tensors) ?? {})) outputs[`shown.${name}`] = value;
    return { outputs };
  };
  const results = await execute(run, inputs, parameters.map(({ variable }) => variable));
  const under = (prefix: string): (readonly [string, HostTensor])[] => Object.entries(results).filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]);
  return {
    losses: Object.fromEntries(under('loss.').map(([name, { data }]) => [name, data[0] ?? Number.NaN])),
    gradients: Object.fromEntries(under('gradient.').map(([name, { data }]) => [name, Float32Array.from(data)])),
    shown: Object.fromEntries(under('shown.')),
  };
}
