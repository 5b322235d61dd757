/** The results that are shown in an experiment: those of the last run made of it that has any. */
import { LossReader, type LossSeries } from '../../store/losses.ts';
import { isLive, type Run } from '../run.ts';

/** Runs whose losses are kept: as many as experiments are looked at side by side. */
const KEPT = 8;

/** The run whose AP is shown, of an experiment's runs from the newest on. One that is going is shown from its first evaluation on, and no older one beside it. */
export function runWithAp(own: readonly Run[]): Run | undefined {
  const run = own.find((candidate) => isLive(candidate) || candidate.evaluations.student !== undefined);
  return run?.evaluations.student === undefined ? undefined : run;
}

/** The run whose losses are shown, likewise. */
export function runWithLosses(own: readonly Run[]): Run | undefined {
  const run = own.find((candidate) => isLive(candidate) || candidate.steps.student !== undefined);
  return run?.steps.student === undefined ? undefined : run;
}

/** Losses by run, read on from where they were. */
export class Losses {
  readonly #readers = new Map<string, LossReader>();

  /** As they were last read. */
  known({ folder }: Run): LossSeries | undefined {
    return this.#readers.get(folder)?.known;
  }

  async of({ folder }: Run): Promise<LossSeries> {
    const reader = this.#readers.get(folder) ?? new LossReader(folder);
    // The last one asked for goes last.
    this.#readers.delete(folder);
    this.#readers.set(folder, reader);
    for (const eldest of this.#readers.keys()) {
      if (this.#readers.size <= KEPT) break;
      this.#readers.delete(eldest);
    }
    return reader.read();
  }
}

export function titleOf(run: Run, method: string): string {
  const titles = run.methodTitles ?? {};
  return Object.hasOwn(titles, method) ? (titles[method] ?? method) : method.toUpperCase();
}
