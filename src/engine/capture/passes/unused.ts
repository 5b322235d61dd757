/** Leaves out what nothing that is fetched, fed or run for its effect needs. */
import { producer, type GraphPass } from './graph.ts';

export const withoutUnused: GraphPass = ({ nodes, roots }) => {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const needed = new Set<string>();
  const open = [...roots];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    for (const input of byName.get(name)?.input ?? []) open.push(producer(input));
  }
  return { nodes: nodes.filter(({ name }) => needed.has(name)), roots };
};
