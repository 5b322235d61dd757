import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type Engine } from '../../../src/engine/backend.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { Optimizer, type OptimizerConfig } from '../../../src/engine/optimizer.ts';
import { Parameters } from '../../../src/engine/parameters.ts';
import { createProgram } from '../../../src/engine/program.ts';
import { Random } from '../../../src/engine/random.ts';
import { learningRateAt } from '../../../src/experiment/schedule.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ backend: 'auto' });
});

const base: OptimizerConfig = { optimizer: 'sgd', momentum: 0.9, betas: [0.9, 0.999], weightDecay: 0.1, decayNorms: false, clip: 1 };

/** One weight matrix that decays and one bias that does not, gradients 2·value, by the textbook in doubles. */
function expected(config: OptimizerConfig, steps: number, rate: number): number[] {
  const values = [1, -2, 0.5];
  const state = values.map(() => ({ first: 0, second: 0 }));
  for (let step = 1; step <= steps; step += 1) {
    const gradients = values.map((value) => 2 * value);
    const norm = Math.hypot(...gradients);
    const factor = config.clip > 0 ? Math.min(1, config.clip / (norm + 1e-6)) : 1;
    values.forEach((value, index) => {
      const slot = state[index] as { first: number; second: number };
      const decay = index < 2 || config.decayNorms ? config.weightDecay : 0;
      const gradient = (gradients[index] as number) * factor;
      if (config.optimizer === 'sgd') {
        slot.first = config.momentum * slot.first + gradient + decay * value;
        values[index] = value - rate * slot.first;
        return;
      }
      const [beta1, beta2] = config.betas;
      slot.first = beta1 * slot.first + (1 - beta1) * gradient;
      slot.second = beta2 * slot.second + (1 - beta2) * gradient ** 2;
      const denominator = Math.sqrt(slot.second / (1 - beta2 ** step)) + 1e-8;
      values[index] = value * (1 - rate * decay) - rate * (slot.first / (1 - beta1 ** step)) / denominator;
    });
  }
  return values;
}

/** @param moves factor of the weight's movement, by step; the bias always moves */
function trained(config: OptimizerConfig, steps: number, rate: number, capture: boolean, moves?: (step: number) => number): number[] {
  const parameters = new Parameters(Random.of(0));
  const weight = parameters.create('weight', [1, 2], () => Float32Array.of(1, -2));
  const bias = parameters.create('bias', [1], () => Float32Array.of(0.5));
  const optimizer = new Optimizer(config, parameters.trainable());
  const program = createProgram({
    engine, capture, variables: [weight, bias, ...optimizer.state().values()],
    functions: {
      train: {
        example: { ...optimizer.inputs(0, rate), moves: float32([], Float32Array.of(1)) },
        run: (inputs) => {
          const { grads } = tf.variableGrads(() => tf.add(tf.sum(tf.square(weight)), tf.sum(tf.square(bias))), [weight, bias]);
          const { updates, gradientNorm } = optimizer.apply(grads, inputs, moves === undefined ? undefined : ({ name }) => (name === 'weight' ? inputs.moves as tf.Scalar : undefined));
          return { outputs: { gradientNorm }, updates };
        },
      },
    },
  });
  for (let step = 0; step < steps; step += 1) program.run('train', { ...optimizer.inputs(step, rate), moves: float32([], Float32Array.of(moves?.(step) ?? 1)) });
  const values = program.read([weight, bias]).flatMap((value) => [...value]);
  program.dispose();
  return values;
}

describe('the optimizers follow PyTorch', () => {
  const cases: readonly [string, Partial<OptimizerConfig>][] = [
    ['SGD, clipped, biases do not decay', {}],
    ['SGD without clipping, biases decay', { clip: 0, decayNorms: true }],
    ['AdamW, clipped', { optimizer: 'adamw' }],
    ['AdamW without clipping and decay', { optimizer: 'adamw', clip: 0, weightDecay: 0 }],
  ];
  for (const [name, change] of cases) {
    for (const capture of [true, false]) {
      it(`${name}, ${capture ? 'captured' : 'op by op'}`, () => {
        const config = { ...base, ...change };
        const wanted = expected(config, 8, 0.05);
        trained(config, 8, 0.05, capture).forEach((value, index) => {
          expect(value).toBeCloseTo(wanted[index] as number, 5);
        });
      });
    }
  }
});

describe('weights that wait', () => {
  for (const optimizer of ['sgd', 'adamw'] as const) {
    for (const capture of [true, false]) {
      it(`stay as they are, decay included: ${optimizer}, ${capture ? 'captured' : 'op by op'}`, () => {
        const config = { ...base, optimizer, clip: 0 };
        const waiting = trained(config, 3, 0.05, capture, () => 0);
        expect(waiting.slice(0, 2)).toEqual([1, -2]);
        expect(waiting[2]).toBeCloseTo(expected(config, 3, 0.05)[2] as number, 5);
        expect(trained(config, 3, 0.05, capture, () => 1)).toEqual(trained(config, 3, 0.05, capture));
        expect(trained(config, 3, 0.05, capture, (step) => (step < 2 ? 0 : 1))[0]).not.toBe(1);
      });
    }
  }
});

describe('learningRateAt', () => {
  const config = { schedule: 'constant', learningRate: 0.1, warmup: 10, milestones: [0.5, 0.75] } as const;
  it('warms up linearly', () => {
    expect([0, 4, 9, 10, 99].map((step) => learningRateAt(step, 100, config))).toEqual([0.01, 0.05, 0.1, 0.1, 0.1].map((rate) => expect.closeTo(rate, 10) as number));
  });
  it('falls tenfold at each milestone', () => {
    expect([49, 50, 75].map((step) => learningRateAt(step, 100, { ...config, schedule: 'step' }))).toEqual([0.1, expect.closeTo(0.01, 10), expect.closeTo(0.001, 10)]);
  });
  it('follows a cosine to almost zero', () => {
    const cosine = { ...config, schedule: 'cosine' as const, warmup: 0 };
    expect(learningRateAt(0, 100, cosine)).toBe(0.1);
    expect(learningRateAt(50, 100, cosine)).toBeCloseTo(0.05, 10);
    expect(learningRateAt(99, 100, cosine)).toBeLessThan(1e-4);
  });
});
