/** Successive halving: at certain steps a run goes on only if its AP is among the best of those that came as far. Pure. */
import { type Scored } from '../store/index.ts';
import { type SweepConfig } from '../experiment/sweepSchema.ts';

export type Halving = NonNullable<SweepConfig['halving']>;

export interface Contender {
  readonly key: string;
  readonly totalSteps: number;
  /** Of the student, in the order of steps. */
  readonly scores: readonly Scored[];
}

/** The parts of a run after which AP is compared: `first`, then each 1 / `keep` times the one before. */
export function rungsOf({ first, keep }: Halving): readonly number[] {
  const rungs: number[] = [];
  for (let part = first; part < 1 && rungs.length < 20; part /= keep) rungs.push(part);
  return rungs;
}

/**
 * The runs that should end now, each with why.
 *
 * Asynchronous, so that no run waits for others: whoever reaches a rung is compared with those that have reached it by then
 * (at least 1 / `keep`, itself included), and ends unless it is among the best `keep` of them. It is judged there until its
 * next evaluation: what has gone on is not ended for those that come later.
 */
export function hopeless(contenders: readonly Contender[], halving: Halving): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const rung of rungsOf(halving)) {
    const arrived = contenders.flatMap(({ key, totalSteps, scores }) => {
      const score = scores.find(({ step }) => step >= rung * totalSteps);
      return score === undefined ? [] : [{ key, step: score.step, AP: score.metrics.AP, isJudged: score === scores.at(-1) && score.step < totalSteps }];
    }).sort((a, b) => b.AP - a.AP);
    if (arrived.length * halving.keep < 1) continue;
    const places = Math.max(1, Math.floor(arrived.length * halving.keep + 1e-9));
    const worst = arrived[places - 1]?.AP ?? 0;
    arrived.forEach(({ key, step, AP, isJudged }, index) => {
      // Equal figures are no reason to end one of them.
      if (!isJudged || AP >= worst) return;
      out.set(key, `AP ${(100 * AP).toFixed(1)} at step ${step} is place ${index + 1} of ${arrived.length}; ${places} go on`);
    });
  }
  return out;
}
