/** Layers on native TensorFlow: against PyTorch's definitions written out, against finite differences, against the other backend. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../src/engine/backend.ts';
import { addBias, relu } from '../../../src/engine/layers/activation.ts';
import { batchNorm, foldBatchNorm, type NormMode } from '../../../src/engine/layers/batchNorm.ts';
import { choosePadding, conv2d } from '../../../src/engine/layers/conv.ts';
import { groupNorm, groupsFor, normaliseGroups } from '../../../src/engine/layers/groupNorm.ts';
import { constant, fanIn, fanOut, kaimingNormal, kaimingUniform, normal, pytorchBias, pytorchDefault, xavierUniform } from '../../../src/engine/layers/init.ts';
import { maxPool3x3, upsampleNearest } from '../../../src/engine/layers/pooling.ts';
import { Parameters, type Initializer } from '../../../src/engine/parameters.ts';
import { Random } from '../../../src/engine/random.ts';

beforeAll(async () => { await startEngine({ backend: 'auto' }); });

type Shape4 = [number, number, number, number];

function random(shape: readonly number[], seed = 1): Float32Array {
  return normal(1)(shape, Random.of(seed));
}

function map(shape: Shape4, seed = 1): tf.Tensor4D {
  return tf.tensor4d(random(shape, seed), shape);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const largest = Math.max(1e-12, ...Array.from(expected, Math.abs));
  for (let index = 0; index < expected.length; index += 1) {
    expect(Math.abs((actual[index] ?? NaN) - (expected[index] ?? NaN)), `at ${index}: ${actual[index] ?? NaN}, expected ${expected[index] ?? NaN}`).toBeLessThanOrEqual(tolerance * largest);
  }
}

/** Runs on native TensorFlow, then on tfjs's plain backend. */
async function onBoth(work: () => Record<string, tf.Tensor>): Promise<[Record<string, Float32Array>, Record<string, Float32Array>]> {
  const collect = (): Record<string, Float32Array> => tf.tidy(() => {
    const results = Object.fromEntries(Object.entries(work()).map(([name, tensor]) => [name, Float32Array.from(tensor.dataSync())]));
    return results;
  });
  const native = tf.getBackend();
  const first = collect();
  await tf.setBackend('cpu');
  try {
    return [first, collect()];
  } finally {
    await tf.setBackend(native);
  }
}

/** `torch.nn.functional.conv2d` by its definition: symmetric zeros, one input and output channel. */
function convolve(x: Float32Array, [height, width]: [number, number], weight: Float32Array, kernel: number, stride: number, pad: number): number[] {
  const [rows, columns] = [height, width].map((cells) => Math.floor((cells + 2 * pad - kernel) / stride) + 1) as [number, number];
  const result: number[] = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0;
      for (let i = 0; i < kernel; i += 1) {
        for (let j = 0; j < kernel; j += 1) {
          const [y, z] = [row * stride + i - pad, column * stride + j - pad];
          if (y >= 0 && y < height && z >= 0 && z < width) sum += (x[y * width + z] ?? 0) * (weight[i * kernel + j] ?? 0);
        }
      }
      result.push(sum);
    }
  }
  return result;
}

describe('conv2d', () => {
  it.each([
    [3, 1, 1, 7, 8], [3, 2, 1, 8, 8], [3, 2, 1, 7, 9], [3, 2, 1, 7, 8], [3, 2, 1, 1, 1], [3, 2, 1, 2, 3], [7, 2, 3, 16, 18], [7, 2, 3, 15, 17], [1, 2, 0, 7, 8], [1, 1, 0, 3, 3],
  ])('pads as PyTorch: kernel %i, stride %i, padding %i on %i × %i', (kernel, stride, pad, height, width) => {
    const parameters = new Parameters(Random.of(3));
    const layer = conv2d(parameters, 'c', { in: 1, out: 1, kernel, stride, pad, bias: false, init: normal(1) });
    const x = map([1, height, width, 1]);
    const weight = Float32Array.from(parameters.get('c.weight')?.variable.dataSync() ?? []);
    expectClose(layer(x).dataSync(), convolve(Float32Array.from(x.dataSync()), [height, width], weight, kernel, stride, pad), 1e-5);
    parameters.dispose();
  });

  it('uses the native padding where it is the same', () => {
    expect(choosePadding([8, 9], 3, 1, 1)).toBe('same');
    expect(choosePadding([7, 9], 3, 2, 1)).toBe('same');
    expect(choosePadding([8, 8], 1, 2, 0)).toBe('valid');
    expect(choosePadding([8, 8], 3, 2, 1)).toEqual([[0, 0], [1, 0], [1, 0], [0, 0]]);
    expect(() => choosePadding([1, 1], 3, 1, 0)).toThrow(RangeError);
  });

  it('has the same gradients on both backends', async () => {
    const [native, plain] = await onBoth(() => {
      const parameters = new Parameters(Random.of(3));
      const layer = conv2d(parameters, 'c', { in: 2, out: 3, kernel: 3, stride: 2, init: normal(1), biasInit: normal(1) });
      const variables = parameters.all().map(({ variable }) => variable);
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(relu(layer(map([2, 6, 7, 2]))))), variables);
      return { value, ...Object.fromEntries(variables.map((variable, index) => [`grad${index}`, grads[variable.name] as tf.Tensor])) };
    });
    for (const [name, values] of Object.entries(plain)) expectClose(native[name] ?? [], values, 1e-5);
  });

  it('names and marks its weights', () => {
    const parameters = new Parameters(Random.of(0));
    conv2d(parameters, 'a', { in: 2, out: 4, kernel: 3 });
    conv2d(parameters, 'b', { in: 2, out: 4, kernel: 1, bias: false, trainable: false });
    expect(parameters.all().map(({ name, trainable, decay, layout }) => [name, trainable, decay, layout])).toEqual([
      ['a.weight', true, true, 'convolution'], ['a.bias', true, true, 'plain'], ['b.weight', false, true, 'convolution'],
    ]);
  });
});

describe('activations', () => {
  it('rectifies with gradient 0 at 0', async () => {
    const results = await onBoth(() => ({ gradient: tf.grad((x: tf.Tensor) => tf.sum(relu(x)))(tf.tensor1d([-1, 0, 2])) }));
    for (const { gradient } of results) expect([...(gradient ?? [])]).toEqual([0, 0, 1]);
  });

  it('sums a bias\'s gradient over all cells', async () => {
    const results = await onBoth(() => {
      const [x, bias] = tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(addBias(a as tf.Tensor4D, b), map([1, 2, 2, 2], 5))))([map([1, 2, 2, 2]), tf.tensor1d([1, 2])]);
      return { x: x as tf.Tensor, bias: bias as tf.Tensor, expected: tf.sum(map([1, 2, 2, 2], 5), [0, 1, 2]) };
    });
    for (const { bias, expected, x } of results) {
      expectClose(bias ?? [], expected ?? [], 1e-6);
      expectClose(x ?? [], random([1, 2, 2, 2], 5), 1e-6);
    }
  });
});

describe('batchNorm', () => {
  const shape: Shape4 = [3, 4, 5, 2];

  function make(statistics: 'batch' | 'frozen') {
    const parameters = new Parameters(Random.of(1));
    const layer = batchNorm(parameters, 'n', { channels: 2, statistics });
    const values: Record<string, number[]> = { weight: [0.5, 2], bias: [0.1, -1], running_mean: [0.3, -0.2], running_var: [2, 0.7] };
    for (const { name, variable } of parameters.all()) variable.assign(tf.tensor1d(values[name.slice(2)] ?? []));
    return { parameters, layer };
  }

  it('normalises by the batch\'s biased variance and moves the running ones by a tenth of the unbiased', () => {
    const { layer, parameters } = make('batch');
    const mode: NormMode = { training: true, updates: [] };
    const x = map(shape);
    const y = layer(x, mode).dataSync();
    const data = x.dataSync();
    for (const channel of [0, 1]) {
      const values = Array.from(data).filter((_, index) => index % 2 === channel);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      const [scale, offset] = [[0.5, 0.1], [2, -1]][channel] as [number, number];
      expectClose(Array.from(y).filter((_, index) => index % 2 === channel), values.map((value) => ((value - mean) / Math.sqrt(variance + 1e-5)) * scale + offset), 1e-5);
      const [runningMean, runningVariance] = [[0.3, 2], [-0.2, 0.7]][channel] as [number, number];
      expect(mode.updates.map(([variable]) => variable)).toEqual([parameters.get('n.running_mean')?.variable, parameters.get('n.running_var')?.variable]);
      expect(mode.updates[0]?.[1].dataSync()[channel]).toBeCloseTo(0.9 * runningMean + 0.1 * mean, 5);
      expect(mode.updates[1]?.[1].dataSync()[channel]).toBeCloseTo(0.9 * runningVariance + (0.1 * variance * values.length) / (values.length - 1), 5);
    }
  });

  it.each(['tensorflow', 'cpu'])('moves the running values once more in a second pass of the same step: %s', async (backend) => {
    await tf.setBackend(backend);
    const [first, second] = [map(shape, 3), map(shape, 4)];
    const apart = make('batch');
    for (const x of [first, second]) {
      const mode: NormMode = { training: true, updates: [] };
      apart.layer(x, mode);
      for (const [variable, value] of mode.updates) variable.assign(value);
    }
    const together = make('batch');
    const mode: NormMode = { training: true, updates: [] };
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(tf.add(together.layer(first, mode), together.layer(x as tf.Tensor4D, mode)), first)))(second);
    expect(gradient.dataSync().every(Number.isFinite)).toBe(true);
    expect(mode.updates).toHaveLength(2);
    for (const [index, name] of ['n.running_mean', 'n.running_var'].entries()) {
      expect(mode.updates[index]?.[0]).toBe(together.parameters.get(name)?.variable);
      expectClose(mode.updates[index]?.[1].dataSync() ?? [], apart.parameters.get(name)?.variable.dataSync() ?? [], 1e-6);
    }
    await tf.setBackend('tensorflow');
  });

  it.each(['batch', 'frozen'] as const)('has the same values, updates and gradients on both backends: %s', async (statistics) => {
    for (const training of [true, false]) {
      const [native, plain] = await onBoth(() => {
        const { layer, parameters } = make(statistics);
        const mode: NormMode = { training, updates: [] };
        const x = tf.variable(map(shape));
        const variables = [x, ...parameters.trainable().map(({ variable }) => variable)];
        const { grads } = tf.variableGrads(() => tf.sum(tf.mul(layer(x, mode), map(shape, 7))), variables);
        expect(mode.updates.length).toBe(training && statistics === 'batch' ? 2 : 0);
        return { y: layer(x, { training, updates: [] }), ...Object.fromEntries([...variables.map((variable) => grads[variable.name] as tf.Tensor), ...mode.updates.map(([, tensor]) => tensor)].map((tensor, index) => [`t${index}`, tensor])) };
      });
      for (const [name, values] of Object.entries(plain)) expectClose(native[name] ?? [], values, 2e-5);
    }
  });

  it('folds into factor and shift', () => {
    const { layer } = make('frozen');
    const x = map(shape);
    const { factor, shift } = foldBatchNorm([0.5, 2], [0.1, -1], [0.3, -0.2], [2, 0.7]);
    const expected = Array.from(x.dataSync(), (value, index) => value * (factor[index % 2] ?? 0) + (shift[index % 2] ?? 0));
    expectClose(layer(x, { training: true, updates: [] }).dataSync(), expected, 1e-6);
  });
});

describe('groupNorm', () => {
  it('normalises each group of each image', () => {
    const parameters = new Parameters(Random.of(1));
    const layer = groupNorm(parameters, 'g', { channels: 6, groups: 3 });
    const y = layer(tf.add(map([2, 3, 4, 6]), 5)).arraySync();
    for (const image of y) {
      for (const group of [0, 1, 2]) {
        const values = image.flat().flatMap((channels) => channels.slice(group * 2, group * 2 + 2));
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        expect(mean).toBeCloseTo(0, 5);
        expect(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length).toBeCloseTo(1, 3);
      }
    }
    expect(() => groupNorm(parameters, 'h', { channels: 6, groups: 4 })).toThrow(/6 channels/);
    expect([groupsFor(48, 8), groupsFor(48, 32), groupsFor(256, 32), groupsFor(7, 8)]).toEqual([8, 24, 32, 7]);
  });

  it('has the gradients of the composed operation', async () => {
    const [native, plain] = await onBoth(() => {
      const [x, scale, offset, direction] = [map([2, 3, 4, 6]), tf.tensor1d(random([6], 2)), tf.tensor1d(random([6], 3)), map([2, 3, 4, 6], 4)];
      const composed = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor => {
        const grouped = tf.reshape(a, [2, 12, 3, 2]);
        const { mean, variance } = tf.moments(grouped, [1, 3], true);
        return tf.add(tf.mul(tf.reshape(tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, 1e-5))), a.shape), b), c);
      };
      const own = tf.grads((a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.sum(tf.mul(normaliseGroups(a as tf.Tensor4D, b, c, 3), direction)))([x, scale, offset]);
      const theirs = tf.grads((a: tf.Tensor, b: tf.Tensor, c: tf.Tensor) => tf.sum(tf.mul(composed(a, b, c), direction)))([x, scale, offset]);
      return Object.fromEntries([...own, ...theirs].map((tensor, index) => [`t${index}`, tensor]));
    });
    for (const results of [native, plain]) for (const index of [0, 1, 2]) expectClose(results[`t${index}`] ?? [], results[`t${index + 3}`] ?? [], 2e-5);
    for (const [name, values] of Object.entries(plain)) expectClose(native[name] ?? [], values, 2e-5);
  });
});

describe('maxPool3x3', () => {
  it.each([[6, 8], [7, 9], [7, 8], [1, 2]])('pads %i × %i with −∞ on both sides', async (height, width) => {
    const results = await onBoth(() => ({ y: maxPool3x3(tf.sub(map([1, height, width, 1]), 10)) }));
    const x = random([1, height, width, 1]).map((value) => Math.fround(value) - 10);
    const expected: number[] = [];
    for (let row = 0; row < height; row += 2) {
      for (let column = 0; column < width; column += 2) {
        const window: number[] = [];
        for (let i = Math.max(0, row - 1); i <= Math.min(height - 1, row + 1); i += 1) {
          for (let j = Math.max(0, column - 1); j <= Math.min(width - 1, column + 1); j += 1) window.push(x[i * width + j] ?? NaN);
        }
        expected.push(Math.max(...window));
      }
    }
    for (const { y } of results) expectClose(y ?? [], expected, 1e-6);
  });

  it('sends the gradient to the largest cell', async () => {
    const results = await onBoth(() => ({ gradient: tf.grad((x: tf.Tensor) => tf.sum(maxPool3x3(x as tf.Tensor4D)))(tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((value) => -value), [1, 4, 4, 1])) }));
    for (const { gradient } of results) expect([...(gradient ?? [])]).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('upsampleNearest', () => {
  it.each([[4, 8, 3, 6], [5, 9, 4, 7], [5, 10, 8, 15], [1, 2, 1, 1], [3, 3, 5, 5]])('takes cell ⌊i · from / to⌋: %i to %i, %i to %i', async (height, toHeight, width, toWidth) => {
    const shape: Shape4 = [2, height, width, 3];
    const results = await onBoth(() => ({
      y: upsampleNearest(map(shape), [toHeight, toWidth]),
      gradient: tf.grad((x: tf.Tensor) => tf.sum(tf.mul(upsampleNearest(x as tf.Tensor4D, [toHeight, toWidth]), map([2, toHeight, toWidth, 3], 9))))(map(shape)),
    }));
    const [x, dy] = [random(shape), random([2, toHeight, toWidth, 3], 9)];
    const expected: number[] = [];
    const gradient = new Float64Array(x.length);
    let flat = 0;
    for (const image of [0, 1]) {
      for (let row = 0; row < toHeight; row += 1) {
        for (let column = 0; column < toWidth; column += 1) {
          for (const channel of [0, 1, 2]) {
            const source = ((image * height + Math.floor((row * height) / toHeight)) * width + Math.floor((column * width) / toWidth)) * 3 + channel;
            expected.push(x[source] ?? NaN);
            gradient[source] = (gradient[source] ?? 0) + (dy[flat] ?? 0);
            flat += 1;
          }
        }
      }
    }
    for (const result of results) {
      expectClose(result.y ?? [], expected, 0);
      expectClose(result.gradient ?? [], gradient, 1e-6);
    }
  });
});

describe('initialisers', () => {
  const shape = [3, 3, 16, 64];
  const deviation = (init: Initializer): number => {
    const values = init(shape, Random.of(4));
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  const largest = (init: Initializer): number => Math.max(...init(shape, Random.of(4)).map(Math.abs));

  it('reads fans from our layout', () => {
    expect([fanIn(shape), fanOut(shape), fanIn([5, 7]), fanOut([5, 7])]).toEqual([144, 576, 5, 7]);
  });

  it('spreads as the formulas say', () => {
    expect(deviation(kaimingNormal('out'))).toBeCloseTo(Math.sqrt(2 / 576), 2);
    expect(deviation(kaimingNormal('in'))).toBeCloseTo(Math.sqrt(2 / 144), 2);
    for (const [init, bound] of [[kaimingUniform(), Math.sqrt(6 / 144)], [xavierUniform, Math.sqrt(6 / 720)], [pytorchDefault, 1 / 12], [pytorchBias(144), 1 / 12]] as const) {
      expect(largest(init)).toBeLessThanOrEqual(bound);
      expect(largest(init)).toBeGreaterThan(0.99 * bound);
    }
    expect([...constant(3)([2], Random.of(0))]).toEqual([3, 3]);
    expect(normal(1)([3], Random.of(1))).toEqual(normal(1)([3], Random.of(1)));
  });
});
