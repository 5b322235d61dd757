/** The nodes that a rewrite makes, in their order; what several of them need is made once. */
import { constantNode, DT, type Attribute, type GraphNode } from '../graphDef.ts';

export class Made {
  readonly nodes: GraphNode[] = [];
  private readonly shared = new Map<string, string>();

  /** @returns the node's first output */
  add(node: GraphNode): string {
    this.nodes.push(node);
    return `${node.name}:0`;
  }

  /** `op` of one tensor, made where it is first asked for. @param key tells nodes of other settings apart */
  once(op: string, source: string, { key = op, input = [], attr, like }: { readonly key?: string; readonly input?: readonly string[]; readonly attr?: Readonly<Record<string, Attribute>>; readonly like: GraphNode }): string {
    const name = `${source.replace(':', '_')}/${key}`;
    const before = this.shared.get(name);
    if (before !== undefined) return before;
    const output = this.add(beside(like, { name, op, input: [source, ...input], ...(attr === undefined ? {} : { attr }) }));
    this.shared.set(name, output);
    return output;
  }

  reshaped(source: string, shape: readonly number[], like: GraphNode): string {
    return this.once('Reshape', source, { key: `as_${shape.join('x')}`, input: [this.shape(shape)], attr: reshapeAttributes, like });
  }

  /** The same under a name that others know. */
  finish(name: string, source: string, shape: readonly number[], like: GraphNode, outputs: GraphNode['outputs']): void {
    this.add(beside(like, { name, op: 'Reshape', input: [source, this.shape(shape)], attr: reshapeAttributes, ...(outputs === undefined ? {} : { outputs }) }));
  }

  private shape(shape: readonly number[]): string {
    const name = `shape_${shape.join('x')}`;
    const before = this.shared.get(name);
    if (before !== undefined) return before;
    const output = this.add(constantNode(name, DT.int32, [shape.length], new Uint8Array(Int32Array.from(shape).buffer)));
    this.shared.set(name, output);
    return output;
  }
}

const reshapeAttributes = { T: { type: DT.float }, Tshape: { type: DT.int32 } };

/** In the same part of the batch. */
export function beside({ replica }: GraphNode, node: GraphNode): GraphNode {
  return replica === undefined ? node : { ...node, replica };
}
