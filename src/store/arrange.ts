/** Runs in the order, the groups and the choice that a person asks for. Pure. */
import { type RunState } from '../experiment/record.ts';
import { type RunSummary } from './run.ts';

export const SORT_KEYS = ['newest', 'ap', 'gain', 'name', 'size'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Choice {
  /** Words that must all be found, in any order and case. */
  readonly text: string;
  /** Empty: all. */
  readonly states: readonly RunState[];
}

export interface RunGroup {
  readonly key: string;
  /** What the experiment is called in its newest run; a run of a sweep has a longer name of its own. */
  readonly name: string;
  readonly sourceFile: string | undefined;
  readonly runs: readonly RunSummary[];
}

/** Undefined figures of COCO are −1. */
function apOf({ metrics }: RunSummary): number | undefined {
  const ap = metrics.student?.AP;
  return ap === undefined || ap < 0 ? undefined : ap;
}

const FIGURES: Readonly<Record<Exclude<SortKey, 'name' | 'newest'>, (run: RunSummary) => number | undefined>> = {
  ap: apOf,
  gain: ({ gain }) => gain?.value,
  size: ({ bytes }) => bytes,
};

const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
const newest = (a: RunSummary, b: RunSummary): number => b.created - a.created || (a.id < b.id ? 1 : -1);

/** Best, largest or newest first; a run without the figure comes last; pinned ones before all. */
export function sortRuns(runs: readonly RunSummary[], key: SortKey): readonly RunSummary[] {
  const compare = (a: RunSummary, b: RunSummary): number => {
    if (key === 'newest') return 0;
    if (key === 'name') return names.compare(a.name, b.name);
    const [first, second] = [FIGURES[key](a), FIGURES[key](b)];
    if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined);
    return second - first;
  };
  return [...runs].sort((a, b) => Number(b.pinned) - Number(a.pinned) || compare(a, b) || newest(a, b));
}

export function chooseRuns(runs: readonly RunSummary[], { text, states }: Choice): readonly RunSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return runs.filter((run) => {
    if (states.length > 0 && !states.includes(run.state)) return false;
    const told = [run.name, run.experimentName, run.id, run.summary ?? '', run.state, ...run.methods, ...Object.values(run.methodTitles ?? {})].join(' ').toLowerCase();
    return words.every((word) => told.includes(word));
  });
}

/** By experiment file; the groups stand in the order of their first runs, which is the order of `runs`. */
export function groupRuns(runs: readonly RunSummary[]): readonly RunGroup[] {
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = run.sourceFile ?? `name:${run.experimentName}`;
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [run]);
    else members.push(run);
  }
  return [...groups].map(([key, members]) => {
    const latest = [...members].sort(newest)[0];
    return { key, name: latest?.sweep?.name ?? latest?.experimentName ?? key, sourceFile: latest?.sourceFile, runs: members };
  });
}
