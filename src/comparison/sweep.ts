/** What runs of a sweep tell of each other: the control that a student is measured against is a run of its own there. Pure. */
import { formatKey, parseKey, valueAt } from '../experiment/keyPath.ts';
import { type Gain, type Scored } from '../store/history.ts';
import { differingKeys, type KeyRow } from './keys.ts';
import { type ComparedRun, type Entry, lastScored } from './run.ts';

/** The sweep that all of them belong to. */
export function sweepOf(runs: readonly ComparedRun[]): { readonly id: string; readonly name: string } | undefined {
  const [first] = runs;
  if (first?.sweep === undefined || runs.length < 2) return undefined;
  const { id, name } = first.sweep;
  return runs.every(({ sweep }) => sweep?.id === id) ? { id, name } : undefined;
}

/** Each student of a sweep with its gain over the better control of its own seed, where those are among the runs and were measured at the same step. */
export function withGains(runs: readonly ComparedRun[]): readonly ComparedRun[] {
  if (runs.every(({ sweep }) => sweep === undefined)) return runs;
  const scores = new Map(runs.flatMap((run) => (run.sweep === undefined ? [] : [[`${run.sweep.id} ${run.sweep.key}`, run.evaluations.student ?? []] as const])));
  return runs.map((run) => {
    const gain = run.gain ?? gainOf(run, scores);
    return gain === run.gain ? run : { ...run, gain };
  });
}

function gainOf(run: ComparedRun, scores: ReadonlyMap<string, readonly Scored[]>): Gain | undefined {
  const [own, { sweep }] = [lastScored(run), run];
  if (own === undefined || sweep?.role !== 'student' || sweep.controls.length === 0 || own.metrics.AP < 0) return undefined;
  const rivals = sweep.controls.map((key) => scores.get(`${sweep.id} ${key}`)?.find(({ step }) => step === own.step)?.metrics.AP);
  const known = rivals.flatMap((AP) => (AP === undefined || AP < 0 ? [] : [AP]));
  return known.length < rivals.length ? undefined : { value: own.metrics.AP - Math.max(...known), against: 'control', step: own.step };
}

/** Of a sweep the keys that it changes, in the order of the file; else all keys that are not the same. */
export function keysOf(entries: readonly Entry[], experimentOf: (entry: Entry) => unknown): readonly KeyRow[] {
  const runs = entries.flatMap((entry) => entry.runs);
  const experiments = entries.map(experimentOf);
  if (sweepOf(runs) === undefined) return differingKeys(experiments);
  const keys = [...new Set(runs.flatMap(({ sweep }) => Object.keys(sweep?.values ?? {}))), 'train.seed'];
  return keys.flatMap((key): KeyRow[] => {
    const path = parseKey(key);
    if (path === undefined) return [];
    const values = experiments.map((experiment) => (experiment === undefined ? undefined : valueAt(experiment, path)));
    // Of joined seeds the seed is a list, which tells nothing.
    const isTold = key !== 'train.seed' || values.every((value) => typeof value === 'number');
    return isTold && new Set(values.map((value) => JSON.stringify(value))).size > 1 ? [{ key: formatKey(path), values }] : [];
  });
}

/** Under the name of its sweep an entry is told by what distinguishes it. */
export function namedInSweep(entries: readonly Entry[]): readonly Entry[] {
  if (sweepOf(entries.flatMap(({ runs }) => runs)) === undefined) return entries;
  return entries.map((entry) => {
    const sweep = entry.runs[0]?.sweep;
    if (sweep === undefined) return entry;
    const label = sweep.label === '' ? sweep.name : sweep.label;
    return { ...entry, name: entry.runs.length > 1 ? label : `${label}, seed ${sweep.seed}` };
  });
}
