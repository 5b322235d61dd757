/** What a sweep found: a row a combination, over its seeds, and its gain over the control of the same seed. */
import { bestOf, type Metric, METRICS } from '../comparison/best.ts';
import { halfInterval, type Spread, spreadOf } from '../comparison/statistics.ts';
import { type Metrics, type RunState, type SweepNote } from '../experiment/record.ts';
import { type RunSummary } from '../store/index.ts';

export { METRICS };
export type SweepMetric = Metric;

/** What the results need of a run, and how it fared in the queue. */
export interface Outcome {
  readonly note: Pick<SweepNote, 'key' | 'role' | 'label' | 'values' | 'seed' | 'controls'>;
  readonly run?: Pick<RunSummary, 'folder' | 'state' | 'evaluations' | 'totalSteps'> | undefined;
}

export interface SeedResult {
  readonly seed: number;
  readonly key: string;
  readonly state: RunState | 'waiting';
  readonly folder?: string | undefined;
  /** Of the last evaluation of a run that is finished. */
  readonly metrics?: Metrics | undefined;
  /** AP less that of the better control of the same seed. */
  readonly gain?: number | undefined;
}

export interface Row {
  readonly label: string;
  readonly role: SweepNote['role'];
  readonly values: Readonly<Record<string, unknown>>;
  readonly seeds: readonly SeedResult[];
  /** Over finished runs. */
  readonly AP?: Spread | undefined;
  readonly gain?: Spread | undefined;
  /** Half of the width of the 95 % interval of the mean gain; from two seeds on. */
  readonly gainInterval?: number | undefined;
}

/** Rows in the order of the plan, controls first. A run counts once it is finished: a mean over unequal training says nothing. */
export function sweepRows(outcomes: readonly Outcome[]): readonly Row[] {
  const finished = new Map(outcomes.flatMap(({ note, run }) => {
    const metrics = run?.state === 'finished' ? run.evaluations.student?.at(-1)?.metrics : undefined;
    return metrics === undefined ? [] : [[note.key, metrics] as const];
  }));
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const identity = JSON.stringify([outcome.note.role, outcome.note.label, outcome.note.values]);
    groups.set(identity, [...(groups.get(identity) ?? []), outcome]);
  }
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [rowOf(first, group, finished)];
  });
  return [...rows.filter(({ role }) => role === 'control'), ...rows.filter(({ role }) => role === 'student')];
}

function rowOf({ note: { label, role, values } }: Outcome, group: readonly Outcome[], finished: ReadonlyMap<string, Metrics>): Row {
  const seeds = group.map(({ note, run }): SeedResult => {
    const metrics = finished.get(note.key);
    const rivals = note.controls.map((key) => finished.get(key)?.AP);
    const best = rivals.length === 0 || rivals.includes(undefined) ? undefined : Math.max(...rivals.map((AP) => AP ?? 0));
    return { seed: note.seed, key: note.key, state: run?.state ?? 'waiting', folder: run?.folder, metrics, gain: metrics === undefined || best === undefined ? undefined : metrics.AP - best };
  });
  const gain = spreadOf(seeds.flatMap((each) => each.gain ?? []));
  return {
    label, role, values, seeds, gain,
    AP: spreadOf(seeds.flatMap(({ metrics }) => (metrics === undefined || metrics.AP < 0 ? [] : [metrics.AP]))),
    gainInterval: gain === undefined ? undefined : halfInterval(gain),
  };
}

/** The mean of a metric over a row's finished runs. */
export function meanOf({ seeds }: Row, metric: SweepMetric): number | undefined {
  return spreadOf(seeds.flatMap(({ metrics, gain }) => {
    const value = metric === 'gain' ? gain : metrics?.[metric];
    // COCO says −1 where there was nothing to measure; a gain may well be negative.
    return value === undefined || (metric !== 'gain' && value < 0) ? [] : [value];
  }))?.mean;
}

/** The combination with the best mean, among those with the most finished seeds. */
export function bestRow(rows: readonly Row[], metric: SweepMetric): Row | undefined {
  return bestOf(rows.filter(({ role }) => role === 'student'), (row) => meanOf(row, metric), ({ seeds }) => seeds.filter(({ metrics }) => metrics !== undefined).length);
}
