/** Merges nodes that compute the same of the same in the same place: what two levels, two losses or forward and backward pass each asked for. */
import { type Attribute, type GraphNode } from '../graphDef.ts';
import { canonical, isStateful, withInputs, type GraphPass } from './graph.ts';

/** Constants above this many bytes are not compared: equal ones are rare, and their text would be long. */
const LARGEST_CONSTANT = 4096;

/** Nodes must come after their inputs, as they were recorded. */
export const withoutDuplicates: GraphPass = ({ nodes, roots }) => {
  const firsts = new Map<string, string>();
  const stands = new Map<string, string>();
  const rename = (input: string): string => {
    const control = input.startsWith('^');
    const [name = '', output] = (control ? input.slice(1) : input).split(':');
    const first = stands.get(name);
    if (first === undefined) return input;
    return control ? `^${first}` : output === undefined ? first : `${first}:${output}`;
  };
  const kept: GraphNode[] = [];
  for (const original of nodes) {
    const [node = original] = withInputs([original], rename);
    const key = roots.has(node.name) || isStateful(node) ? undefined : keyOf(node);
    const first = key === undefined ? undefined : firsts.get(key);
    if (first !== undefined) {
      stands.set(node.name, first);
      continue;
    }
    if (key !== undefined) firsts.set(key, node.name);
    kept.push(node);
  }
  return { nodes: kept, roots };
};

function keyOf({ op, input = [], attr = {}, device = '' }: GraphNode): string | undefined {
  const tensor = attr.value?.tensor;
  if (tensor !== undefined && tensor.tensor_content.length > LARGEST_CONSTANT) return undefined;
  const attributes = Object.entries(attr).map(([name, value]) => `${name}=${textOf(value)}`).sort();
  return [op, device, ...input.map(canonical), ...attributes].join('|');
}

function textOf(attribute: Attribute): string {
  return JSON.stringify(attribute, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value));
}
