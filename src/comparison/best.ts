/** The metrics that something can be chosen by, and the best by one of them. Pure. */
import { type ComparedRun, type Entry, lastScored } from './run.ts';
import { type Measured, spreadOf } from './statistics.ts';

export const METRICS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'gain'] as const;
export type Metric = (typeof METRICS)[number];

/** Parts of 1; COCO's −1 for nothing to measure is left out. */
export function measureMetric(metric: Metric): (run: ComparedRun) => Measured | undefined {
  return (run) => {
    if (metric === 'gain') return run.gain === undefined ? undefined : { value: run.gain.value, step: run.gain.step };
    const scored = lastScored(run);
    return scored === undefined || !(scored.metrics[metric] >= 0) ? undefined : { value: scored.metrics[metric], step: scored.step };
  };
}

/** The best mean among those with the most finished seeds: one lucky seed is no result. */
export function bestOf<T>(all: readonly T[], meanOf: (one: T) => number | undefined, finished: (one: T) => number): T | undefined {
  const most = Math.max(1, ...all.map(finished));
  const eligible = all.flatMap((one) => {
    const mean = meanOf(one);
    return mean === undefined || finished(one) < most ? [] : [{ one, mean }];
  });
  return eligible.reduce<(typeof eligible)[number] | undefined>((best, each) => (best === undefined || each.mean > best.mean ? each : best), undefined)?.one;
}

/** Of those that are distilled, by what their finished runs came to. */
export function bestEntry(entries: readonly Entry[], metric: Metric): Entry | undefined {
  const measure = measureMetric(metric);
  const finished = ({ runs }: Entry): readonly ComparedRun[] => runs.filter(({ state }) => state === 'finished');
  return bestOf(entries.filter((entry) => !isControl(entry)), (entry) => spreadOf(finished(entry).flatMap((run) => measure(run)?.value ?? []))?.mean, (entry) => finished(entry).length);
}

/** A control of a sweep is a run of its own. */
export function isControl({ runs }: Entry): boolean {
  return runs.length > 0 && runs.every(({ sweep }) => sweep?.role === 'control');
}
