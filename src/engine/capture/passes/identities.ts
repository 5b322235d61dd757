/** Takes out nodes that hand on what they are given: clones, reshapes to the shape that is there, casts to the type that is there. */
import { type GraphNode } from '../graphDef.ts';
import { producer, withInputs, type GraphPass } from './graph.ts';

export const withoutIdentities: GraphPass = ({ nodes, roots }) => {
  const outputs = new Map(nodes.map((node) => [node.name, node.outputs]));
  const reshapes = new Map(nodes.filter(({ op }) => op === 'Reshape').map((node) => [node.name, node]));
  const sources = new Map<string, string>();
  const rename = (input: string): string => {
    if (input.startsWith('^')) {
      const waited = sources.get(producer(input));
      return waited === undefined ? input : `^${producer(waited)}`;
    }
    const [name = '', output = '0'] = input.split(':');
    return output === '0' ? sources.get(name) ?? input : input;
  };
  const handsOn = (node: GraphNode): boolean => {
    const { input = [] } = node;
    const [source] = input;
    if (source === undefined || roots.has(node.name) || input.some((name) => name.startsWith('^'))) return false;
    if (node.op === 'Identity') return true;
    if (node.op !== 'Reshape' && node.op !== 'Cast') return false;
    const [name = '', output = '0'] = source.split(':');
    const [before, after] = [outputs.get(name)?.[Number(output)], node.outputs?.[0]];
    return before !== undefined && before.dtype === after?.dtype && before.shape.join() === after.shape.join();
  };
  const kept: GraphNode[] = [];
  for (const original of nodes) {
    let [node = original] = withInputs([original], rename);
    // A reshape of a reshape reshapes what the first was given.
    const inner = node.op === 'Reshape' ? reshapes.get((node.input?.[0] ?? '').split(':')[0] ?? '') : undefined;
    if (inner?.input !== undefined && node.input !== undefined) node = { ...node, input: [rename(inner.input[0] ?? ''), ...node.input.slice(1)] };
    if (node.op === 'Reshape') reshapes.set(node.name, node);
    if (handsOn(node)) sources.set(node.name, node.input?.[0] ?? '');
    else kept.push(node);
  }
  return { nodes: withInputs(kept, rename), roots };
};
