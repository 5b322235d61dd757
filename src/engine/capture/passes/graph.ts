/** What the rewrites of a recorded graph share. A pass takes the nodes in the order of their recording and gives them in such an order. */
import { type Graph, type GraphNode } from '../graphDef.ts';

export type Pass = (nodes: readonly GraphNode[]) => GraphNode[];

/** A pass that takes nodes out: it has to know which stay. */
export type GraphPass = (graph: Graph) => Graph;

/** The node that an input comes from; both `node:output`, `node` and `^node` name it. */
export function producer(input: string): string {
  return input.replace(/^\^/, '').replace(/:\d+$/, '');
}

/** `node:0` for `node`: one tensor has one name. */
export function canonical(input: string): string {
  return /:\d+$/.test(input) || input.startsWith('^') ? input : `${input}:0`;
}

/**
 * Ops that do more, or know more, than their inputs say: never merged, never taken out where another node waits for them.
 * Random ops are not on the list: steps have none, their random numbers are fed.
 */
export function isStateful({ op }: GraphNode): boolean {
  return op === 'Placeholder' || op === 'NoOp' || op === 'VarHandleOp' || op === 'ReadVariableOp' || op === 'AssignVariableOp' || op.startsWith('Resource');
}

/** The graph with every input put through `rename`. */
export function withInputs(nodes: readonly GraphNode[], rename: (input: string) => string): GraphNode[] {
  return nodes.map((node) => {
    if (node.input === undefined) return node;
    const input = node.input.map(rename);
    return input.every((name, index) => name === node.input?.[index]) ? node : { ...node, input };
  });
}
