/**
 * Puts each part of the batch on a GPU of its own. Forward ops know their part (`replica.ts`); gradients are made later, by
 * automatic differentiation, and belong to the part whose values they read: what reads values of one part and of no other is
 * that part's. Where parts meet (predictions side by side before the loss, gradients summed) is the first GPU.
 */
import { type GraphNode } from '../graphDef.ts';
import { producer, type Pass } from './graph.ts';

/** Ops that are worth a place of their own and have kernels for GPUs in float32; TensorFlow places the others beside what they read. */
const PLACED = new Set([
  'Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter',
  'FusedBatchNormV3', 'FusedBatchNormGradV3', 'BiasAdd', 'BiasAddGrad', 'Relu', 'ReluGrad', 'MaxPool', 'MaxPoolGrad', 'AvgPool', 'AvgPoolGrad',
  'MatMul', 'BatchMatMulV2', 'Add', 'AddV2', 'AddN', 'Sub', 'Mul', 'Maximum', 'Rsqrt', 'Square', 'Mean', 'Sum',
]);

/** @param devices by part: the name that TensorFlow has for its GPU, `/device:GPU:1` */
export function placeReplicas(devices: readonly string[]): Pass {
  return (nodes) => {
    /** Node → its part; absent for what belongs to none (variables, inputs, constants) or to several. */
    const parts = new Map<string, number>();
    const shared = new Set<string>();
    return nodes.map((node) => {
      const part = partOf(node, parts, shared);
      if (part === 'several') shared.add(node.name);
      else if (part !== undefined) parts.set(node.name, part);
      const device = typeof part === 'number' && PLACED.has(node.op) ? devices[part] : undefined;
      return device === undefined ? node : { ...node, device };
    });
  };
}

function partOf(node: GraphNode, parts: ReadonlyMap<string, number>, shared: ReadonlySet<string>): number | 'several' | undefined {
  if (node.replica !== undefined) return node.replica;
  const sources = (node.input ?? []).filter((input) => !input.startsWith('^')).map(producer);
  const read = new Set(sources.map((source) => parts.get(source)).filter((part) => part !== undefined));
  const [only] = read;
  if (read.size === 1) return only;
  return read.size > 1 || sources.some((source) => shared.has(source)) ? 'several' : undefined;
}
