/**
 * A program: pure functions of tensors over shared variables (a training step, the student's inference, the pictures).
 * It runs captured (one TensorFlow graph a function, weights living in the session) or directly (op by op, any backend),
 * with the same results. See `docs/architecture.md`, "Capture", for what this asks of the functions.
 */
import type * as tf from '@tensorflow/tfjs';
import { type HostTensor, type HostTensors } from './hostTensor.ts';

export interface StepResult {
  /** Read back by the caller. */
  readonly outputs: Readonly<Record<string, tf.Tensor>>;
  /** New values of variables, all assigned after everything was read. */
  readonly updates?: readonly (readonly [tf.Variable, tf.Tensor])[];
}

export type StepFunction = (inputs: Readonly<Record<string, tf.Tensor>>) => StepResult;

export interface FunctionSpec {
  readonly run: StepFunction;
  /** Shapes and types of the inputs; values are used for the one recording run. */
  readonly example: HostTensors;
}

export interface Program {
  readonly captured: boolean;
  /** Runs one function. Values come back on the host. Throws a DistillError if an input's shape is not the recorded one. */
  run(name: string, inputs: HostTensors): Promise<Record<string, HostTensor>>;
  /** The variables' present values (in a captured program they live in the session, not in the tf.Variables). */
  read(variables: readonly tf.Variable[]): Promise<Float32Array[]>;
  write(values: readonly (readonly [tf.Variable, Float32Array])[]): Promise<void>;
  dispose(): void;
}
