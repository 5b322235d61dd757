/** What the rewrites of a recorded graph share. A pass takes the nodes in the order of their recording and gives them in such an order. */
import { type GraphNode } from '../graphDef.ts';

export type Pass = (nodes: readonly GraphNode[]) => GraphNode[];

/** The node that an input comes from; both `node:output`, `node` and `^node` name it. */
export function producer(input: string): string {
  return input.replace(/^\^/, '').replace(/:\d+$/, '');
}

/** `node:0` for `node`: one tensor has one name. */
export function canonical(input: string): string {
  return /:\d+$/.test(input) || input.startsWith('^') ? input : `${input}:0`;
}
