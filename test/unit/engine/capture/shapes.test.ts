import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../../../src/engine/backend.ts';
import { nodeBackend, type Binding, type OpAttribute, type TensorMetadata } from '../../../../src/engine/capture/binding.ts';
import { inferOutputs, inferredOps, type Known } from '../../../../src/engine/capture/shapes.ts';
import { addBias, relu, relu6 } from '../../../../src/engine/layers/activation.ts';
import { squaredNorm } from '../../../../src/engine/ops/squaredNorm.ts';

/** What tfjs's kernels ask of TensorFlow while `run` runs, with what came out of it. */
interface Executed {
  readonly op: string;
  readonly inputs: readonly Known[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: readonly TensorMetadata[];
}

function watch(run: () => void): Executed[] {
  const backend = nodeBackend();
  const { binding } = backend;
  const known = new Map<number, Known>();
  const executed: Executed[] = [];
  const executeOp: Binding['executeOp'] = (op, attributes: readonly OpAttribute[], inputs, count) => {
    const outputs = binding.executeOp(op, attributes, inputs, count);
    const given = inputs.map((id): Known => known.get(id) ?? { shape: [], dtype: 0 });
    for (const { id, shape, dtype } of outputs) known.set(id, { shape, dtype });
    executed.push({ op, inputs: given, attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, value])), outputs });
    return outputs;
  };
  const createTensor: Binding['createTensor'] = (shape, dtype, values) => {
    const id = binding.createTensor(shape, dtype, values);
    known.set(id, { shape, dtype, values });
    return id;
  };
  backend.binding = new Proxy({} as Binding, { get: (_, key): unknown => key === 'executeOp' ? executeOp : key === 'createTensor' ? createTensor : Reflect.get(binding, key) });
  try {
    tf.tidy(run);
  } finally {
    backend.binding = binding;
  }
  return executed;
}

function everything(): void {
  const x = tf.randomNormal<tf.Rank.R4>([2, 7, 6, 4]);
  const row = tf.randomNormal([4]);
  for (const filter of [tf.randomNormal<tf.Rank.R4>([3, 3, 4, 5]), tf.randomNormal<tf.Rank.R4>([1, 1, 4, 5])]) {
    for (const [stride, padding] of [[1, 'same'], [2, 'same'], [2, 'valid'], [1, 'valid']] as const) {
      tf.grads((a: tf.Tensor, b: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, padding))([x, filter]);
    }
  }
  tf.conv2d(x, tf.randomNormal<tf.Rank.R4>([3, 3, 4, 5]), 1, 'same', 'NHWC', 2);
  tf.grads((a: tf.Tensor, b: tf.Tensor) => relu6(relu(addBias(a as tf.Tensor4D, b))))([x, row]);
  tf.grad((a) => tf.add(tf.maxPool(a as tf.Tensor4D, 3, 2, 'same'), tf.avgPool(a as tf.Tensor4D, 3, 2, 'same')))(x);
  for (const unary of [tf.abs, tf.neg, tf.sign, tf.square, tf.sqrt, tf.rsqrt, tf.exp, tf.log, tf.log1p, tf.sigmoid, tf.softplus, tf.tanh, tf.reciprocal, tf.zerosLike, tf.isNaN, tf.softmax]) unary(x);
  for (const binary of [tf.add, tf.sub, tf.mul, tf.div, tf.maximum, tf.minimum, tf.squaredDifference, tf.greater, tf.greaterEqual, tf.less, tf.lessEqual, tf.equal, tf.notEqual]) {
    for (const [a, b] of [[x, row], [row, x], [x, tf.scalar(2)], [tf.reshape(row, [4, 1]), row]] as const) binary(a, b);
  }
  const yes = tf.greater(x, 0);
  tf.logicalAnd(yes, tf.logicalOr(yes, yes));
  for (const keep of [false, true]) for (const axes of [[0], [-1], [1, 2], undefined]) for (const reduce of [tf.sum, tf.mean, tf.max, tf.min, tf.prod]) reduce(x, axes, keep);
  for (const type of ['int32', 'bool'] as const) tf.cast(x, type);
  for (const shape of [[-1], [2, 42, -1], [14, 24]]) tf.reshape(x, shape);
  for (const [transposeA, transposeB] of [[false, true], [true, false]] as const) tf.matMul(tf.randomNormal([2, 3, 4]), tf.randomNormal([1, 3, 4]), transposeA, transposeB);
  tf.addN([row, row]);
  squaredNorm(x);
}

beforeAll(async () => {
  await startEngine({ backend: 'auto' });
});

describe('shapes that recording goes by', () => {
  it('are those that TensorFlow puts out, for every op of the table', () => {
    if (tf.getBackend() !== 'tensorflow') return;
    const executed = watch(everything);
    const inferred = executed.flatMap(({ op, inputs, attributes, outputs }) => {
      const expected = inferOutputs(op, inputs, attributes, outputs.length);
      return expected === undefined ? [] : [{ op, expected, got: outputs.map(({ shape, dtype }) => ({ shape, dtype })) }];
    });
    for (const { op, expected, got } of inferred) expect({ op, outputs: expected }).toEqual({ op, outputs: got });
    const seen = new Set(inferred.map(({ op }) => op));
    expect(inferredOps().filter((op) => !seen.has(op))).toEqual([]);
  });
});
