/** In which order teachers should teach: backward greedy selection of "Learning Lightweight Object Detectors via Multi-Teacher Progressive Distillation". */

export interface Candidate {
  /** On the validation set. */
  readonly AP: number;
}

/**
 * Begins with the strongest teacher (the earliest of equals) and puts before the first the one from which the step to it costs
 * least, among those weaker than it, as long as that step costs less than the student's own.
 * @param costs [from][to] between teachers @param fromStudent cost of the step from the student to each teacher
 * @returns indexes of teachers, the strongest last; those that would not help are left out
 */
export function teacherOrder(candidates: readonly Candidate[], costs: readonly (readonly number[])[], fromStudent: readonly number[]): readonly number[] {
  const pool = new Set(candidates.keys());
  const strengthOf = (index: number): number => candidates[index]?.AP ?? Number.NEGATIVE_INFINITY;
  let first = least([...pool], (index) => -strengthOf(index));
  const order: number[] = [];
  while (first !== undefined) {
    const next = first;
    order.unshift(next);
    pool.delete(next);
    const costTo = (index: number): number => costs[index]?.[next] ?? Number.POSITIVE_INFINITY;
    first = least([...pool].filter((index) => strengthOf(index) < strengthOf(next) && costTo(index) < (fromStudent[next] ?? 0)), costTo);
  }
  return order;
}

/** The first of the least. */
function least(indexes: readonly number[], valueOf: (index: number) => number): number | undefined {
  let best: number | undefined;
  for (const index of indexes) if (best === undefined || valueOf(index) < valueOf(best)) best = index;
  return best;
}
