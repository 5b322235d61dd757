/** What a word of an experiment means: for hovers. */
import { valueAt } from '../experiment/keyPath.ts';
import { factsAt, type KeyFacts } from './facts.ts';
import { readTree } from './tree.ts';
import { type OpenText, type TextRange } from './types.ts';

export interface Hover {
  readonly range: TextRange;
  readonly facts: KeyFacts;
}

export function hover({ text }: OpenText, offset: number): Hover | undefined {
  const tree = readTree(text);
  const spot = tree.spotAt(offset);
  if (spot === undefined) return undefined;
  const value = spot.on === 'value' ? valueAt(tree.data, spot.path) : undefined;
  const facts = factsAt(spot.path, tree.data, value ?? (spot.path.at(-1) === 'method' ? valueAt(tree.data, spot.path) : undefined));
  return facts === undefined ? undefined : { range: spot.range, facts };
}
