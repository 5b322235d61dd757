/**
 * A program: pure functions of tensors over shared variables (a training step, the student's inference, the pictures).
 * It runs captured (one TensorFlow graph, weights living in the session) or directly (op by op, on any backend),
 * with the same results. See `docs/architecture.md`, "Capture", for what this asks of the functions.
 */
import type * as tf from '@tensorflow/tfjs';
import { type Engine } from './backend.ts';
import { bringBack } from './capture/adopted.ts';
import { captureProgram } from './capture/capturedProgram.ts';
import { directProgram } from './directProgram.ts';
import { type HostTensor, type HostTensors } from './hostTensor.ts';
import { type Update } from './updates.ts';

export interface StepResult {
  /** Read back by the caller. */
  readonly outputs: Readonly<Record<string, tf.Tensor>>;
  /** New values of variables, all assigned after everything was read. */
  readonly updates?: readonly Update[];
}

export type StepFunction = (inputs: Readonly<Record<string, tf.Tensor>>) => StepResult;

export interface FunctionSpec {
  readonly run: StepFunction;
  /** Shapes and types of the inputs; the values are used for the one recording run. */
  readonly example: HostTensors;
  /** `mixed`: convolutions in bfloat16, where it is captured. Default: float32 throughout. */
  readonly precision?: 'float32' | 'mixed';
}

export interface Program {
  readonly captured: boolean;
  /** Runs one function. Values come back on the host. Throws when an input's name, type or shape is not the recorded one; what nothing in a captured function reads may be left out. */
  run(name: string, inputs: HostTensors): Record<string, HostTensor>;
  /** The variables' present values (in a captured program they live in the session: the tf.Variables hold nothing, and show the session's values). */
  read(variables: readonly tf.Variable[]): Float32Array[];
  write(values: readonly (readonly [tf.Variable, Float32Array])[]): void;
  /** The variables that are still there keep the last values. */
  dispose(): void;
}

export interface ProgramOptions {
  readonly engine: Engine;
  /** False runs op by op even where a graph could be had. */
  readonly capture: boolean;
  /** Everything that lives from step to step: weights, buffers, optimizer state. */
  readonly variables: readonly tf.Variable[];
  readonly functions: Readonly<Record<string, FunctionSpec>>;
  /** TensorFlow's name of the GPU of each part of the batch; none: all where TensorFlow puts it. */
  readonly devices?: readonly string[];
}

export function captures(engine: Engine, capture: boolean): boolean {
  return capture && engine.backend === 'tensorflow';
}

/** Captured on native TensorFlow (unless `capture` is false), direct elsewhere. Functions are recorded in their order. */
export function createProgram({ engine, capture, variables, functions, devices = [] }: ProgramOptions): Program {
  bringBack(variables);
  return captures(engine, capture) ? captureProgram(variables, functions, { devices, fastConvolutions: engine.fastConvolutions === true }) : directProgram(functions);
}
