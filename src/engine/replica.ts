/**
 * Which part of a batch is being computed. What runs under `inReplica` is noted with the number of the part, so that the captured
 * graph can put each part on a GPU of its own (`capture/passes/placement.ts`). Op by op it changes nothing.
 */
let current: number | undefined;

export function inReplica<T>(replica: number, run: () => T): T {
  const before = current;
  current = replica;
  try {
    return run();
  } finally {
    current = before;
  }
}

/** Undefined outside of all parts. */
export function currentReplica(): number | undefined {
  return current;
}
