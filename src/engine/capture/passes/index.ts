/** What is done to every recorded graph before TensorFlow sees it, in this order. */
import { type Graph } from '../graphDef.ts';
import { withoutDuplicates } from './duplicates.ts';
import { withoutIdentities } from './identities.ts';
import { type GraphPass } from './graph.ts';
import { withoutUnused } from './unused.ts';

const PASSES: readonly GraphPass[] = [withoutUnused, withoutIdentities, withoutDuplicates, withoutUnused];

export function rewritten(graph: Graph): Graph {
  return PASSES.reduce((result, pass) => pass(result), graph);
}
