/**
 * Convolutions in bfloat16, with what directly follows them (bias, ReLU and its gradient): half the memory traffic, and the matrix
 * units of CPUs and GPUs that have them. Weights, norms, losses, gradients of weights and the optimizer stay float32; so do bare
 * matrix products, for in a step they belong to losses (relations, resizing) and not to layers. bfloat16 has float32's range, so
 * that no loss has to be scaled.
 */
import { DT, type GraphNode } from '../graphDef.ts';
import { canonical, type Pass } from './graph.ts';

/** Op → the inputs that are converted. */
const PRODUCTS: Readonly<Record<string, readonly number[]>> = {
  Conv2D: [0, 1], Conv2DBackpropInput: [1, 2], Conv2DBackpropFilter: [0, 2],
};

/** Ops that go on in bfloat16 when their first input came so out of an op. */
const FOLLOWERS: Readonly<Record<string, readonly number[]>> = { BiasAdd: [0, 1], Relu: [0], ReluGrad: [0, 1] };

/** Sums of many terms: what reads them gets float32 and nothing goes on in bfloat16. */
const SUMS = new Set(['Conv2DBackpropFilter']);

export const mixedPrecision: Pass = (nodes) => {
  const made: GraphNode[] = [];
  /** Float32 tensor → the same in bfloat16. */
  const halves = new Map<string, string>();
  /** Tensors that an op put out in bfloat16. */
  const native = new Set<string>();

  const half = (input: string): string => {
    const source = canonical(input);
    const known = halves.get(source);
    if (known !== undefined) return known;
    const name = `${source.replace(':', '_')}/bfloat16`;
    made.push(cast(name, source, DT.float, DT.bfloat16));
    halves.set(source, `${name}:0`);
    return `${name}:0`;
  };

  for (const node of nodes) {
    const converted = isFloat(node) ? PRODUCTS[node.op] ?? (native.has(canonical(node.input?.[0] ?? '')) ? FOLLOWERS[node.op] : undefined) : undefined;
    if (converted === undefined) {
      made.push(node);
      continue;
    }
    const name = `${node.name}/mixed`;
    const input = (node.input ?? []).map((source, index) => (converted.includes(index) ? half(source) : source));
    const outputs = node.outputs?.map(({ shape }) => ({ shape, dtype: DT.bfloat16 })) ?? [];
    made.push({ ...node, name, input, attr: { ...node.attr, T: { type: DT.bfloat16 } }, outputs });
    // Under the old name for whoever reads float32; TensorFlow drops it where nobody does.
    made.push({ ...cast(node.name, `${name}:0`, DT.bfloat16, DT.float), ...(node.replica === undefined ? {} : { replica: node.replica }) });
    if (SUMS.has(node.op)) continue;
    halves.set(`${node.name}:0`, `${name}:0`);
    native.add(`${node.name}:0`);
  }
  return made;
};

function isFloat({ attr }: GraphNode): boolean {
  return attr?.T?.type === DT.float;
}

function cast(name: string, source: string, from: number, to: number): GraphNode {
  return { name, op: 'Cast', input: [source], attr: { SrcT: { type: from }, DstT: { type: to }, Truncate: { b: false } } };
}
