/** One function run once, captured as a graph or op by op: goldens are compared both ways. */
import type * as tf from '@tensorflow/tfjs';
import { startEngine } from '../../../src/engine/backend.ts';
import { type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { createProgram, type StepFunction } from '../../../src/engine/program.ts';

export type Execute = (run: StepFunction, inputs: HostTensors, variables: readonly tf.Variable[]) => Promise<Record<string, HostTensor>>;

export const EXECUTORS: readonly (readonly [name: string, execute: Execute])[] = [['op by op', executor(false)], ['captured', executor(true)]];

function executor(capture: boolean): Execute {
  return async (run, inputs, variables) => {
    const engine = await startEngine({ backend: 'auto' });
    const program = createProgram({ engine, capture, variables, functions: { golden: { run, example: inputs } } });
    try {
      return program.run('golden', inputs);
    } finally {
      program.dispose();
    }
  };
}
