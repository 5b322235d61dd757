import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type Engine } from '../../../src/engine/backend.ts';
import { float32, int32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { createProgram, type FunctionSpec, type Program } from '../../../src/engine/program.ts';
import { adamUpdate, momentumUpdate } from '../../../src/engine/updates.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ backend: 'auto' });
});

interface Sample {
  readonly variables: readonly tf.Variable[];
  readonly functions: Record<string, FunctionSpec>;
}

const x = float32([2, 3], Float32Array.from([1, -2, 3, 0.5, 4, -1]));
const inputs: HostTensors = { x, rate: float32([], Float32Array.from([0.1])) };

/** A linear layer under momentum and one under Adam, with a running mean beside them. */
function sample(): Sample {
  const variable = (values: number[]): tf.Variable => tf.variable(tf.tensor(values, [3, 1]));
  const [weight, momentum, adam, first, second] = [variable([0.3, -0.2, 0.1]), variable([0, 0, 0]), variable([0.5, 0.5, -0.5]), variable([0, 0, 0]), variable([0, 0, 0])] as const;
  const mean = tf.variable(tf.scalar(0));
  const train: FunctionSpec = {
    example: inputs,
    run: ({ x: input, rate }) => {
      const loss = (): tf.Scalar => tf.sum(tf.square(tf.add(tf.matMul(input as tf.Tensor2D, weight as tf.Tensor2D), tf.matMul(input as tf.Tensor2D, adam as tf.Tensor2D))));
      const { value, grads } = tf.variableGrads(loss, [weight, adam]);
      const [weightGradient, adamGradient] = [grads[weight.name] as tf.Tensor, grads[adam.name] as tf.Tensor];
      return {
        outputs: { loss: value, large: tf.add(tf.zeros([200]), value) },
        updates: [
          momentumUpdate(weight, momentum, weightGradient, rate as tf.Scalar, tf.scalar(0.9)),
          adamUpdate(adam, first, second, adamGradient, { rate: rate as tf.Scalar, beta1: tf.scalar(0.9), beta2: tf.scalar(0.999), beta1Power: tf.scalar(0.9), beta2Power: tf.scalar(0.999), epsilon: tf.scalar(1e-8) }),
          [mean, tf.add(tf.mul(mean, 0.9), tf.mul(value, 0.1))],
        ],
      };
    },
  };
  const infer: FunctionSpec = { example: { x }, run: ({ x: input }) => ({ outputs: { y: tf.matMul(input as tf.Tensor2D, weight), sign: tf.greater(weight, 0) } }) };
  return { variables: [weight, momentum, adam, first, second, mean], functions: { train, infer } };
}

function trajectory(program: Program, variables: readonly tf.Variable[]): number[][] {
  const losses = Array.from({ length: 5 }, () => Array.from(program.run('train', inputs).loss?.data ?? []));
  return [...losses, ...program.read(variables).map((values) => Array.from(values)), Array.from(program.run('infer', { x }).y?.data ?? [])];
}

describe('a program', () => {
  it('gives the same losses, weights and optimizer state captured and op by op', () => {
    const [direct, captured] = [false, true].map((capture) => {
      const { variables, functions } = sample();
      const program = createProgram({ engine, capture, variables, functions });
      expect(program.captured).toBe(capture);
      const result = trajectory(program, variables);
      program.dispose();
      return result;
    }) as [number[][], number[][]];
    expect(captured.length).toBe(direct.length);
    direct.forEach((values, index) => {
      values.forEach((value, place) => {
        expect(captured[index]?.[place]).toBeCloseTo(value, 5);
      });
    });
    expect(direct[4]?.[0]).not.toBeCloseTo(direct[0]?.[0] ?? 0, 3);
  });

  it('goes back to written values and repeats itself bit for bit', () => {
    const { variables, functions } = sample();
    const program = createProgram({ engine, capture: true, variables, functions });
    const start = program.read(variables);
    const first = trajectory(program, variables);
    program.write(variables.map((variable, index) => [variable, start[index] as Float32Array] as const));
    expect(trajectory(program, variables)).toEqual(first);
    program.dispose();
  });

  it('returns bool outputs as integers and keeps output shapes', () => {
    const { variables, functions } = sample();
    const program = createProgram({ engine, capture: true, variables, functions });
    const { sign } = program.run('infer', { x });
    expect(sign).toEqual(int32([3, 1], Int32Array.from([1, 0, 1])));
    expect(program.run('train', inputs).large?.shape).toEqual([200]);
    program.dispose();
  });

  it('refuses inputs of another name, type or shape', () => {
    const { variables, functions } = sample();
    const program = createProgram({ engine, capture: true, variables, functions });
    expect(() => program.run('infer', {})).toThrow('input x is missing');
    expect(() => program.run('infer', { x: float32([3, 2]) })).toThrow('recorded as float32 [2, 3], got float32 [3, 2]');
    expect(() => program.run('infer', { x, y: x })).toThrow('not recorded: y');
    expect(() => program.run('nothing', {})).toThrow('no function nothing');
    program.dispose();
  });

  it('holds the only copy of the weights, shows it where it is read elsewhere, and hands it back', () => {
    const { variables, functions } = sample();
    const before = tf.memory().numTensors;
    const program = createProgram({ engine, capture: true, variables, functions });
    expect(tf.memory().numTensors).toBe(before);
    program.run('train', inputs);
    const trained = program.read(variables).map((values) => Array.from(values));
    expect(variables.map((variable) => Array.from(variable.dataSync()))).toEqual(trained);
    // A second program over the same weights gets them as they are, and leaves them to the first.
    const other = createProgram({ engine, capture: true, variables, functions: { infer: functions.infer as FunctionSpec } });
    expect(other.read(variables).map((values) => Array.from(values))).toEqual(trained);
    other.dispose();
    program.run('train', inputs);
    const later = program.read(variables).map((values) => Array.from(values));
    expect(later).not.toEqual(trained);
    expect(Array.from(tf.tidy(() => tf.add(variables[0] as tf.Tensor, 0).dataSync()))).toEqual(later[0]);
    program.dispose();
    expect(variables.map((variable) => Array.from(variable.dataSync()))).toEqual(later);
    for (const variable of variables) variable.dispose();
    expect(tf.memory().numTensors).toBe(before - variables.length);
  });

  it('refuses variables that share their data: they would become one weight', () => {
    const { variables, functions } = sample();
    const [weight, momentum] = variables as [tf.Variable, tf.Variable];
    momentum.assign(weight);
    expect(() => createProgram({ engine, capture: true, variables, functions })).toThrow('shares its data');
  });

  it('refuses to capture a function that reads a value or uses a tensor from outside', () => {
    const { variables } = sample();
    const reading: FunctionSpec = { example: { x }, run: ({ x: input }) => ({ outputs: { y: tf.scalar((tf.add(input as tf.Tensor, 1).dataSync()[0] ?? 0) * 2) } }) };
    expect(() => createProgram({ engine, capture: true, variables, functions: { reading } })).toThrow('a value is read');
    const outside = tf.relu(tf.scalar(2));
    const foreign: FunctionSpec = { example: { x }, run: ({ x: input }) => ({ outputs: { y: tf.mul(input as tf.Tensor, outside) } }) };
    expect(() => createProgram({ engine, capture: true, variables, functions: { foreign } })).toThrow('neither a declared input or variable');
  });
});
