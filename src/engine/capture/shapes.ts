/**
 * Shapes and types of what TensorFlow's ops put out, for the ops that a step spends its time in: recording then need not run
 * them. An op that is not here is run once, on zeros (`recorder.ts`); so is one whose shape hangs on values that are not known.
 */
import { DT } from './graphDef.ts';

/** A tensor as the recorder knows it. */
export interface Known {
  readonly shape: readonly number[];
  readonly dtype: number;
  /** Of constants: shapes, axes and permutations come as such. */
  readonly values?: ArrayLike<number> | undefined;
}

export type Attributes = Readonly<Record<string, unknown>>;

export interface Inferred {
  readonly shape: readonly number[];
  readonly dtype: number;
}

type Rule = (inputs: readonly Known[], attributes: Attributes) => Inferred[] | undefined;

const SAME = ['Relu', 'Relu6', 'Abs', 'Neg', 'Sign', 'Square', 'Sqrt', 'Rsqrt', 'Exp', 'Log', 'Log1p', 'Sigmoid', 'Softplus', 'Tanh', 'Softmax', 'Reciprocal',
  'ZerosLike', 'BiasAdd', 'ReluGrad', 'Relu6Grad', 'AddN', 'MaxPoolGrad'];
const BROADCAST = ['Add', 'Sub', 'Mul', 'RealDiv', 'Maximum', 'Minimum', 'SquaredDifference'];
const COMPARED = ['Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr'];
const REDUCED = ['Sum', 'Mean', 'Max', 'Min', 'Prod'];

const like = ({ shape, dtype }: Known): Inferred => ({ shape, dtype });

const RULES: Readonly<Record<string, Rule>> = {
  ...rules(SAME, ([x]) => x === undefined ? undefined : [like(x)]),
  ...rules(BROADCAST, ([a, b]) => broadcast(a, b)),
  ...rules(COMPARED, ([a, b]) => broadcast(a, b, DT.bool)),
  ...rules(REDUCED, ([x, axes], attributes) => reduced(x, axes, attributes.keep_dims === true)),
  IsNan: ([x]) => x === undefined ? undefined : [{ shape: x.shape, dtype: DT.bool }],
  Cast: ([x], { DstT }) => x === undefined || typeof DstT !== 'number' ? undefined : [{ shape: x.shape, dtype: DstT }],
  L2Loss: ([x]) => x === undefined ? undefined : [{ shape: [], dtype: x.dtype }],
  BiasAddGrad: ([x]) => x === undefined ? undefined : [{ shape: x.shape.slice(-1), dtype: x.dtype }],
  Reshape: ([x, shape]) => reshaped(x, shape),
  BatchMatMulV2: ([a, b], attributes) => multiplied(a, b, attributes),
  Conv2D: ([x, filter], attributes) => convolved(x, filter, attributes),
  Conv2DBackpropInput: ([sizes, , gradient]) => sized(sizes, gradient),
  Conv2DBackpropFilter: ([, sizes, gradient]) => sized(sizes, gradient),
  AvgPoolGrad: ([sizes, gradient]) => sized(sizes, gradient),
};

function rules(ops: readonly string[], rule: Rule): Record<string, Rule> {
  return Object.fromEntries(ops.map((op) => [op, rule]));
}

/** @returns undefined where this table cannot tell. */
export function inferOutputs(op: string, inputs: readonly Known[], attributes: Attributes, count: number): Inferred[] | undefined {
  const outputs = RULES[op]?.(inputs, attributes);
  return outputs?.length === count ? outputs : undefined;
}

export function inferredOps(): string[] {
  return Object.keys(RULES);
}

function broadcast(a: Known | undefined, b: Known | undefined, dtype?: number): Inferred[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const shape = broadcastShape(a.shape, b.shape);
  return shape === undefined ? undefined : [{ shape, dtype: dtype ?? a.dtype }];
}

function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[a.length - rank + axis] ?? 1, b[b.length - rank + axis] ?? 1];
    return m === n || n === 1 ? m : m === 1 ? n : -1;
  });
  return shape.includes(-1) ? undefined : shape;
}

function reduced(x: Known | undefined, axes: Known | undefined, keep: boolean): Inferred[] | undefined {
  if (x === undefined || axes?.values === undefined) return undefined;
  const gone = new Set(Array.from(axes.values, (axis) => (axis < 0 ? axis + x.shape.length : axis)));
  const shape = keep ? x.shape.map((size, axis) => (gone.has(axis) ? 1 : size)) : x.shape.filter((_, axis) => !gone.has(axis));
  return [{ shape, dtype: x.dtype }];
}

function reshaped(x: Known | undefined, wanted: Known | undefined): Inferred[] | undefined {
  if (x === undefined || wanted?.values === undefined) return undefined;
  const shape = Array.from(wanted.values);
  const free = shape.indexOf(-1);
  if (free >= 0) shape[free] = count(x.shape) / count(shape.filter((size) => size >= 0));
  return count(shape) === count(x.shape) ? [{ shape, dtype: x.dtype }] : undefined;
}

function multiplied(a: Known | undefined, b: Known | undefined, attributes: Attributes): Inferred[] | undefined {
  if (a === undefined || b === undefined || a.shape.length < 2 || b.shape.length < 2) return undefined;
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const rows = a.shape.at(attributes.adj_x === true ? -1 : -2);
  const columns = b.shape.at(attributes.adj_y === true ? -2 : -1);
  return batch === undefined || rows === undefined || columns === undefined ? undefined : [{ shape: [...batch, rows, columns], dtype: a.dtype }];
}

function convolved(x: Known | undefined, filter: Known | undefined, { strides, dilations = [1, 1, 1, 1], padding, data_format: format = 'NHWC' }: Attributes): Inferred[] | undefined {
  if (x?.shape.length !== 4 || filter?.shape.length !== 4 || format !== 'NHWC' || !Array.isArray(strides) || !Array.isArray(dilations)) return undefined;
  const cells = (axis: 1 | 2): number => {
    const [size = 0, stride, dilation] = [x.shape[axis], Number(strides[axis]), Number(dilations[axis])];
    const window = ((filter.shape[axis - 1] ?? 1) - 1) * dilation + 1;
    return padding === 'SAME' ? Math.ceil(size / stride) : Math.ceil((size - window + 1) / stride);
  };
  return padding === 'SAME' || padding === 'VALID' ? [{ shape: [x.shape[0] ?? 1, cells(1), cells(2), filter.shape[3] ?? 1], dtype: x.dtype }] : undefined;
}

/** The shape is an input itself. */
function sized(sizes: Known | undefined, gradient: Known | undefined): Inferred[] | undefined {
  return sizes?.values === undefined || gradient === undefined ? undefined : [{ shape: Array.from(sizes.values), dtype: gradient.dtype }];
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
