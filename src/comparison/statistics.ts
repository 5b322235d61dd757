/** Figures of runs and their spread over seeds. */
import { type ComparedRun, type Entry, lastScored } from './run.ts';
import { seedOf } from './seeds.ts';

export interface Spread {
  readonly mean: number;
  /** Of the sample (n − 1); left out for a single value. */
  readonly sd?: number | undefined;
  readonly count: number;
}

export interface Difference extends Spread {
  /** Made seed by seed, so that what both share cancels out. */
  readonly paired: boolean;
}

export const FIGURES = ['AP', 'AP50', 'AP75', 'gain', 'secondsPerStep', 'memory'] as const;
export type Figure = (typeof FIGURES)[number];

export interface Measured {
  readonly value: number;
  /** Of training, where the figure belongs to one. */
  readonly step?: number | undefined;
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { mean, count };
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)), count };
}

/** Half of the width of the 95 % interval of a mean; from two values on. */
export function halfInterval({ sd, count }: Spread): number | undefined {
  return sd === undefined ? undefined : (studentT(count - 1) * sd) / Math.sqrt(count);
}

/** Two-sided 95 % quantiles of Student's t; beyond 30 degrees of freedom the normal one with its first correction. */
export function studentT(freedom: number): number {
  const table = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042];
  return table[freedom - 1] ?? 1.96 + 2.37 / freedom;
}

/** AP and gain are parts of 1, speed is seconds a step, memory bytes. */
export function figureOf(run: ComparedRun, figure: Figure): Measured | undefined {
  switch (figure) {
    case 'gain': return run.gain === undefined ? undefined : { value: run.gain.value, step: run.gain.step };
    case 'secondsPerStep': return run.secondsPerStep === undefined ? undefined : { value: run.secondsPerStep };
    case 'memory': return run.peakMemory === undefined ? undefined : { value: run.peakMemory };
    case 'AP': case 'AP50': case 'AP75': {
      const scored = lastScored(run);
      // COCO says −1 where there was nothing to measure.
      return scored === undefined || !(scored.metrics[figure] >= 0) ? undefined : { value: scored.metrics[figure], step: scored.step };
    }
  }
}

/** By seed; of runs at different steps only those that got furthest: a mean over unequal training says nothing. */
function valuesOf(entry: Entry, measure: (run: ComparedRun) => Measured | undefined): readonly { readonly seed: number | undefined; readonly value: number }[] {
  const all = entry.runs.map((run) => ({ seed: seedOf(run), measured: measure(run) }));
  const furthest = Math.max(...all.map(({ measured }) => measured?.step ?? -Infinity));
  return all.flatMap(({ seed, measured }) => (measured !== undefined && (measured.step ?? furthest) === furthest ? [{ seed, value: measured.value }] : []));
}

export function spread(entry: Entry, measure: (run: ComparedRun) => Measured | undefined): Spread | undefined {
  return spreadOf(valuesOf(entry, measure).map(({ value }) => value));
}

/** An entry less the baseline: seed by seed where they share two or more, else mean less mean. */
export function difference(entry: Entry, baseline: Entry, measure: (run: ComparedRun) => Measured | undefined): Difference | undefined {
  const [own, other] = [valuesOf(entry, measure), valuesOf(baseline, measure)];
  const pairs = own.flatMap(({ seed, value }) => {
    const match = seed === undefined ? undefined : other.find((candidate) => candidate.seed === seed);
    return match === undefined ? [] : [value - match.value];
  });
  const paired = pairs.length > 1 ? spreadOf(pairs) : undefined;
  if (paired !== undefined) return { ...paired, paired: true };
  const [mine, theirs] = [spreadOf(own.map(({ value }) => value)), spreadOf(other.map(({ value }) => value))];
  return mine === undefined || theirs === undefined ? undefined : { mean: mine.mean - theirs.mean, count: Math.min(mine.count, theirs.count), paired: false };
}

export const measureOf = (figure: Figure) => (run: ComparedRun): Measured | undefined => figureOf(run, figure);

/** AP of one class at the last evaluation. */
export const measureClass = (name: string) => (run: ComparedRun): Measured | undefined => {
  const metrics = Object.hasOwn(run.perClass, name) ? run.perClass[name] : undefined;
  return metrics === undefined || !(metrics.AP >= 0) ? undefined : { value: metrics.AP, step: lastScored(run)?.step };
};
