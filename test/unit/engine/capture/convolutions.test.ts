/** Convolutions as matrix products, beside TensorFlow's own: the same numbers for every size, and the graph that was meant. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine, type Engine } from '../../../../src/engine/backend.ts';
import { DT, shapeMessage, type GraphNode } from '../../../../src/engine/capture/graphDef.ts';
import { asProducts } from '../../../../src/engine/capture/passes/convolutions.ts';
import { float32, type HostTensor } from '../../../../src/engine/hostTensor.ts';
import { addBias, relu } from '../../../../src/engine/layers/activation.ts';
import { createProgram, type StepResult } from '../../../../src/engine/program.ts';
import { Random } from '../../../../src/engine/random.ts';

interface Layer {
  readonly map: readonly [number, number, number, number];
  readonly outputs: number;
  readonly size: number;
  readonly stride?: number;
  readonly padding?: 'same' | 'valid';
}

let engine: Engine;
beforeAll(async () => { engine = await startEngine({ backend: 'auto' }); });

function numbers(count: number, seed: number): Float32Array {
  const random = Random.of(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}

/** Results, by name, of a layer with bias and rectifier: its output, and the gradients of map, filter and bias. */
function results({ map, outputs, size, stride = 1, padding = 'same' }: Layer, how: Engine, x = numbers(map.reduce((a, b) => a * b), 1)): Record<string, HostTensor> {
  const filterShape = [size, size, map[3], outputs];
  const scale = 1 / Math.sqrt(size * size * map[3]);
  const filter = tf.variable(tf.tensor(numbers(filterShape.reduce((a, b) => a * b), 2).map((value) => value * scale), filterShape));
  const bias = tf.variable(tf.tensor1d(numbers(outputs, 3)));
  const convolve = (image: tf.Tensor): tf.Tensor4D => tf.conv2d(image as tf.Tensor4D, filter as unknown as tf.Tensor4D, stride, padding);
  const run = ({ x: image }: Readonly<Record<string, tf.Tensor>>): StepResult => {
    // The middle is read by nobody else in the one, and fetched in the other.
    const fused = (input: tf.Tensor): tf.Tensor => relu(addBias(convolve(input), bias));
    const bare = convolve(image as tf.Tensor);
    const loss = (input: tf.Tensor): tf.Scalar => tf.sum(tf.square(fused(input)));
    const { [filter.name]: filterGradient, [bias.name]: biasGradient } = tf.variableGrads(() => loss(image as tf.Tensor), [filter, bias]).grads;
    return { outputs: { bare, biased: addBias(bare, bias), fused: fused(image as tf.Tensor), dx: tf.grad(loss)(image as tf.Tensor), dg: filterGradient as tf.Tensor, db: biasGradient as tf.Tensor } };
  };
  const example = { x: float32([...map], x) };
  const program = createProgram({ engine: how, capture: true, variables: [filter, bias], functions: { layer: { run, example } } });
  const found = program.run('layer', example);
  program.dispose();
  tf.dispose([filter, bias]);
  return found;
}

/** ‖a − b‖ / ‖b‖ */
function distance(a: HostTensor | undefined, b: HostTensor | undefined): number {
  expect(a?.shape).toEqual(b?.shape);
  let [difference, norm] = [0, 0];
  b?.data.forEach((value, index) => {
    difference += ((a?.data[index] ?? NaN) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(difference / norm);
}

const LAYERS: readonly (readonly [string, Layer])[] = [
  ['Winograd, whole tiles', { map: [2, 16, 16, 32], outputs: 48, size: 3 }],
  ['Winograd, tiles beyond both edges', { map: [3, 13, 10, 16], outputs: 16, size: 3 }],
  ['Winograd, one row of tiles', { map: [1, 3, 70, 64], outputs: 32, size: 3 }],
  ['Winograd, many channels', { map: [1, 18, 15, 272], outputs: 144, size: 3 }],
  ['unfolded, one cell of padding', { map: [2, 7, 5, 128], outputs: 144, size: 3 }],
  ['unfolded, stride 2', { map: [2, 9, 11, 256], outputs: 128, size: 3, stride: 2, padding: 'valid' }],
  ['unfolded, a window as large as the map', { map: [3, 7, 7, 128], outputs: 130, size: 7, padding: 'valid' }],
  ['1 × 1', { map: [2, 6, 7, 20], outputs: 33, size: 1 }],
  ['TensorFlow’s own', { map: [2, 16, 16, 10], outputs: 12, size: 3 }],
];

describe('a convolution as matrix products', () => {
  it.each(LAYERS)('gives the numbers of a direct one: %s', (_, layer) => {
    if (engine.fastConvolutions !== true) throw new Error('the engine has no ops of ours: `npm run setup`');
    const direct: Engine = { backend: engine.backend, device: engine.device };
    const [fast, slow] = [results(layer, engine), results(layer, direct)];
    for (const name of ['bare', 'biased', 'fused', 'dx', 'dg', 'db']) expect(distance(fast[name], slow[name]), name).toBeLessThan(5e-6);
  });

  it('leaves what is not a number to be seen', () => {
    const layer: Layer = { map: [1, 16, 16, 16], outputs: 16, size: 3 };
    const x = numbers(16 ** 3, 1);
    x[5 * 16 * 16 + 5 * 16] = NaN;
    expect(results(layer, engine, x).fused?.data.some((value) => Number.isNaN(value))).toBe(true);
  });
});

const float = { type: DT.float };
const ones = { list: { i: [1, 1, 1, 1] } };
const shaped = (shape: readonly number[]): NonNullable<GraphNode['outputs']> => [{ shape, dtype: DT.float }];
const given = (name: string, ...shape: number[]): GraphNode => ({ name, op: 'Placeholder', attr: { dtype: float, shape: { shape: shapeMessage(shape) } }, outputs: shaped(shape) });
const made = (name: string, op: string, input: readonly string[], shape: readonly number[], attr = {}): GraphNode => ({ name, op, input, attr: { T: float, ...attr }, outputs: shaped(shape) });
const convolution = (name: string, op: string, input: readonly string[], shape: readonly number[], attr = {}): GraphNode => made(name, op, input, shape, { strides: ones, dilations: ones, padding: { s: Buffer.from('SAME') }, ...attr });
const opsOf = (nodes: readonly GraphNode[], ...roots: string[]): string[] => asProducts(new Set(roots))(nodes).map(({ op }) => op).filter((op) => op !== 'Placeholder');

describe('the graph', () => {
  const [x, g, dy, b] = [given('x', 1, 16, 16, 32), given('g', 3, 3, 32, 32), given('dy', 1, 16, 16, 32), given('b', 32)] as const;
  const y = convolution('y', 'Conv2D', ['x:0', 'g:0'], [1, 16, 16, 32]);
  const biased = made('biased', 'BiasAdd', ['y:0', 'b:0'], [1, 16, 16, 32]);
  const rectified = made('rectified', 'Relu', ['biased:0'], [1, 16, 16, 32]);

  it('makes what forward pass and gradients share once', () => {
    const gradients = [convolution('dx', 'Conv2DBackpropInput', ['sizes:0', 'g:0', 'dy:0'], [1, 16, 16, 32]), convolution('dg', 'Conv2DBackpropFilter', ['x:0', 'sizes:0', 'dy:0'], [3, 3, 32, 32])];
    const ops = opsOf([x, g, dy, y, ...gradients], 'y', 'dx', 'dg');
    expect(ops.sort()).toEqual(['BatchMatMulV2', 'BatchMatMulV2', 'BatchMatMulV2', 'WinogradFilter', 'WinogradFilterGrad', 'WinogradInputGrad', 'WinogradOutput', 'WinogradOutputGrad', 'WinogradTiles']);
  });

  it('makes large transforms anew for the gradients, and only then', () => {
    const [wide, large, gradient] = [given('wide', 1, 128, 128, 128), given('large', 3, 3, 128, 1024), given('gradient', 1, 128, 128, 1024)] as const;
    const forward = convolution('y', 'Conv2D', ['wide:0', 'large:0'], [1, 128, 128, 1024]);
    const gradients = [convolution('dx', 'Conv2DBackpropInput', ['sizes:0', 'large:0', 'gradient:0'], [1, 128, 128, 128]), convolution('dg', 'Conv2DBackpropFilter', ['wide:0', 'sizes:0', 'gradient:0'], [3, 3, 128, 1024])];
    const nodes = asProducts(new Set(['y', 'dx', 'dg']))([wide, large, gradient, forward, ...gradients]);
    expect(nodes.filter(({ op }) => op === 'WinogradTiles' || op === 'WinogradFilter').map(({ input }) => input)).toEqual([['large:0', '^wide'], ['wide:0'], ['large:0', '^gradient'], ['wide:0', '^gradient']]);
  });

  it('takes in a bias and a rectifier that alone read the result', () => {
    expect(opsOf([x, g, b, y, biased, rectified], 'rectified')).toEqual(['WinogradFilter', 'WinogradTiles', 'BatchMatMulV2', 'WinogradOutputBias']);
    const last = asProducts(new Set(['rectified']))([x, g, b, y, biased, rectified]).at(-1);
    expect(last).toMatchObject({ name: 'rectified', attr: { relu: { i: 1 } } });
  });

  it.each<[string, readonly GraphNode[], readonly string[], readonly string[]]>([
    ['is fetched', [x, g, b, y, biased, rectified], ['biased', 'rectified'], ['WinogradOutputBias', 'Relu']],
    ['is read again', [x, g, b, y, biased, rectified, made('again', 'Neg', ['y:0'], [1, 16, 16, 32])], ['rectified', 'again'], ['WinogradOutput', 'BiasAdd', 'Relu', 'Neg']],
    ['is the bias itself', [x, g, y, made('odd', 'BiasAdd', ['b:0', 'y:0'], [32])], ['odd'], ['WinogradOutput', 'BiasAdd']],
    ['is waited for', [x, g, b, y, biased, made('late', 'Identity', ['x:0', '^y'], [1])], ['biased', 'late'], ['WinogradOutput', 'BiasAdd', 'Identity']],
  ])('leaves them where the result before %s', (_, nodes, roots, expected) => {
    expect(opsOf(nodes, ...roots).slice(3)).toEqual(expected);
  });

  it.each<[string, GraphNode]>([
    ['is dilated', convolution('y', 'Conv2D', ['x:0', 'g:0'], [1, 16, 16, 32], { dilations: { list: { i: [1, 2, 2, 1] } } })],
    ['has a stride', convolution('y', 'Conv2D', ['x:0', 'g:0'], [1, 8, 8, 32], { strides: { list: { i: [1, 2, 2, 1] } } })],
    ['is in bfloat16', convolution('y', 'Conv2D', ['x:0', 'g:0'], [1, 16, 16, 32], { T: { type: DT.bfloat16 } })],
    ['has groups', convolution('y', 'Conv2D', ['x:0', 'grouped:0'], [1, 16, 16, 32])],
    ['has a GPU', { ...y, device: '/device:GPU:0' }],
    ['is small', convolution('y', 'Conv2D', ['little:0', 'g:0'], [1, 8, 8, 32])],
  ])('stays where a convolution %s', (_, node) => {
    expect(opsOf([x, g, given('grouped', 3, 3, 16, 32), given('little', 1, 8, 8, 32), node], 'y')).toEqual(['Conv2D']);
  });
});
