/** One function run once, captured as a graph or op by op: goldens are compared both ways. */
import type * as tf from '@tensorflow/tfjs';
import { startEngine } from '../../../src/engine/backend.ts';
import { type HostTensor, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { createProgram, type StepFunction } from '../../../src/engine/program.ts';

export type Execute = (run: StepFunction, inputs: HostTensors, variables: readonly tf.Variable[]) => Promise<Record<string, HostTensor>>;

export const EXECUTORS: readonly (readonly [name: string, execute: Execute])[] = [['op by op', executor(false)], ['captured', executor(true)]];

/** One function, run as often as wanted on inputs of the example's shapes. */
export interface Session {
  run(inputs: HostTensors): Record<string, HostTensor>;
  dispose(): void;
}

export async function openSession(capture: boolean, run: StepFunction, example: HostTensors, variables: readonly tf.Variable[]): Promise<Session> {
  const engine = await startEngine({ backend: 'auto' });
  const program = createProgram({ engine, capture, variables, functions: { golden: { run, example } } });
  return { run: (inputs) => program.run('golden', inputs), dispose: () => { program.dispose(); } };
}

function executor(capture: boolean): Execute {
  return async (run, inputs, variables) => {
    const session = await openSession(capture, run, inputs, variables);
    try {
      return session.run(inputs);
    } finally {
      session.dispose();
    }
  };
}
