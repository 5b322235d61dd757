/** A program that runs op by op: on the fallback backends, and where the capture is to be checked against something. */
import * as tf from '@tensorflow/tfjs';
import { checkInputs } from './inputs.ts';
import { float32, int32, type HostTensor, type HostTensors } from './hostTensor.ts';
import { type FunctionSpec, type Program } from './program.ts';
import { isFused } from './updates.ts';

export function directProgram(functions: Readonly<Record<string, FunctionSpec>>): Program {
  return {
    captured: false,
    run: (name, inputs) => {
      const spec = functions[name];
      if (spec === undefined) throw new Error(`the program has no function ${name}`);
      checkInputs(name, spec.example, inputs);
      return runOnce(spec, inputs);
    },
    read: (variables) => variables.map((variable) => Float32Array.from(variable.dataSync())),
    write: (values) => {
      for (const [variable, data] of values) assign(variable, tf.tensor(data, variable.shape, 'float32'));
    },
    dispose: () => undefined,
  };
}

/** Runs a function on its example and changes nothing, for those who want to see what it reads. */
export function rehearse(spec: FunctionSpec): void {
  runOnce(spec, spec.example, false);
}

function runOnce(spec: FunctionSpec, inputs: HostTensors, assigning = true): Record<string, HostTensor> {
  const results: Record<string, HostTensor> = {};
  tf.tidy(() => {
    const tensors = Object.fromEntries(Object.entries(inputs).map(([key, { data, shape, dtype }]) => [key, tf.tensor(data, [...shape], dtype)]));
    const { outputs, updates = [] } = spec.run(tensors);
    // Everything is computed before anything is assigned, as in the graph.
    const assignments = updates.flatMap((update) => (isFused(update) ? update.compose() : [update]));
    for (const [key, tensor] of Object.entries(outputs)) results[key] = toHost(tensor);
    if (assigning) for (const [variable, value] of assignments) variable.assign(value);
    // What a function kept beyond a gradient's own scope is let go here.
    for (const tensor of [...Object.values(outputs), ...assignments.map(([, value]) => value)]) tensor.dispose();
  });
  return results;
}

export function toHost(tensor: tf.Tensor): HostTensor {
  const values = tensor.dataSync();
  return tensor.dtype === 'float32' ? float32(tensor.shape, Float32Array.from(values)) : int32(tensor.shape, Int32Array.from(values));
}

function assign(variable: tf.Variable, value: tf.Tensor): void {
  variable.assign(value);
  value.dispose();
}
