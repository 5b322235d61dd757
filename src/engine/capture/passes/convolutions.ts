/**
 * Convolutions on CPUs as matrix products where that is faster than oneDNN's own: 1 × 1 ones as they are, 3 × 3 ones on large maps
 * by Winograd's filtering, small maps with their windows unfolded. A bias and a rectifier that follow are done where the product's
 * result is written anyway. The other convolutions stay.
 */
import { DT, type GraphNode } from '../graphDef.ts';
import { canonical, producer, type Pass } from './graph.ts';
import { Made } from './made.ts';
import { Unfolded } from './unfolded.ts';
import { Winograd } from './winograd.ts';

/** A convolution or one of its gradients, with all that is known of it. */
export interface Convolution {
  readonly node: GraphNode;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  /** [N, H, W, C] */
  readonly map: readonly [number, number, number, number];
  /** [k, k, C, K] */
  readonly filter: readonly [number, number, number, number];
  /** [N, H', W', K] */
  readonly result: readonly [number, number, number, number];
}

/** What is added to and cut off a convolution's result, under the name of the last of those nodes. */
export interface Ending {
  readonly name: string;
  readonly bias?: string | undefined;
  readonly relu: boolean;
  readonly outputs: NonNullable<GraphNode['outputs']>;
}

/** One way of computing: inputs are `node:output`. */
export interface Way {
  suits(convolution: Convolution): boolean;
  forward(convolution: Convolution, x: string, filter: string, ending: Ending): void;
  inputGradient(convolution: Convolution, filter: string, dy: string): void;
  filterGradient(convolution: Convolution, x: string, dy: string): void;
}

/** For a graph that runs on a CPU, by an engine that has our own ops (`native/kernels`). */
export function asProducts(roots: ReadonlySet<string>): Pass {
  return (nodes) => {
    const made = new Made();
    const ways: readonly Way[] = [new Unfolded(made), new Winograd(made)];
    const shapes = new Map(nodes.flatMap(({ name, outputs = [] }) => outputs.map(({ shape }, index) => [canonical(`${name}:${String(index)}`), shape] as const)));
    const readers = readersOf(nodes, roots);
    /** Result → how it is made, where the only node that reads it takes part in that. */
    const open = new Map<string, (ending: Ending) => void>();

    const end = (node: GraphNode, make: (ending: Ending) => void, ending: Omit<Ending, 'name' | 'outputs'>): void => {
      const next = readers.get(`${node.name}:0`);
      const goesOn = next?.length === 1 && next[0] !== undefined && follows(next[0], `${node.name}:0`, ending);
      if (goesOn) open.set(`${node.name}:0`, (whole) => { make({ ...whole, bias: ending.bias ?? whole.bias, relu: ending.relu || whole.relu }); });
      else make({ ...ending, name: node.name, outputs: node.outputs ?? [] });
    };

    for (const node of nodes) {
      const [first = '', second = '', third = ''] = node.input ?? [];
      const begun = open.get(canonical(first));
      if (begun !== undefined) {
        end(node, begun, node.op === 'BiasAdd' ? { bias: second, relu: false } : { relu: true });
        continue;
      }
      const convolution = convolutionOf(node, (input) => shapes.get(canonical(input)));
      const way = convolution === undefined ? undefined : ways.find((each) => each.suits(convolution));
      if (convolution === undefined || way === undefined) made.add(node);
      else if (node.op === 'Conv2D') end(node, (ending) => { way.forward(convolution, canonical(first), canonical(second), ending); }, { relu: false });
      else if (node.op === 'Conv2DBackpropInput') way.inputGradient(convolution, canonical(second), canonical(third));
      else way.filterGradient(convolution, canonical(first), canonical(third));
    }
    return made.nodes;
  };
}

/** A bias first, then a rectifier; each reads the result as its first input and in no other way. */
function follows({ op, input = [] }: GraphNode, result: string, { bias, relu }: Omit<Ending, 'name' | 'outputs'>): boolean {
  if (relu || canonical(input[0] ?? '') !== result || input.slice(1).some((other) => producer(other) === producer(result))) return false;
  return op === 'Relu' || (op === 'BiasAdd' && bias === undefined);
}

/** Nodes that read a tensor, once for each time; a tensor that is fetched has a reader more. */
function readersOf(nodes: readonly GraphNode[], roots: ReadonlySet<string>): ReadonlyMap<string, readonly (GraphNode | undefined)[]> {
  const readers = new Map<string, (GraphNode | undefined)[]>();
  const add = (input: string, node: GraphNode | undefined): void => {
    const key = input.startsWith('^') ? `${producer(input)}:0` : canonical(input);
    readers.set(key, [...(readers.get(key) ?? []), node]);
  };
  for (const name of roots) add(name, undefined);
  for (const node of nodes) for (const input of node.input ?? []) add(input, input.startsWith('^') ? undefined : node);
  return readers;
}

function convolutionOf(node: GraphNode, shapeOf: (input: string) => readonly number[] | undefined): Convolution | undefined {
  const { op, input: [first = '', second = '', third = ''] = [], attr = {}, outputs: [output] = [], device } = node;
  if (op !== 'Conv2D' && op !== 'Conv2DBackpropInput' && op !== 'Conv2DBackpropFilter') return undefined;
  const map = op === 'Conv2DBackpropInput' ? output?.shape : shapeOf(first);
  const filter = op === 'Conv2DBackpropFilter' ? output?.shape : shapeOf(second);
  const result = op === 'Conv2D' ? output?.shape : shapeOf(third);
  const [, down = 0, right = 0] = attr.strides?.list?.i ?? [];
  const dilated = attr.dilations?.list?.i?.some((step) => step !== 1) === true;
  const padding = Buffer.from(attr.padding?.s ?? []).toString();
  // A node with a place of its own is a GPU's.
  if (attr.T?.type !== DT.float || device !== undefined || dilated || down !== right || (padding !== 'SAME' && padding !== 'VALID')) return undefined;
  if (!isFour(map) || !isFour(filter) || !isFour(result) || filter[0] !== filter[1] || filter[2] !== map[3]) return undefined;
  return { node, stride: down, padding: padding === 'SAME' ? 'same' : 'valid', map, filter, result };
}

function isFour(shape: readonly number[] | undefined): shape is readonly [number, number, number, number] {
  return shape?.length === 4;
}
