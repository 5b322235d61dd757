/** Runs that differ in nothing but `train.seed` are one experiment, told several times. */
import { type ComparedRun, type Entry, isRecord, lastScored } from './run.ts';

export function seedOf({ experiment }: ComparedRun): number | undefined {
  const train = isRecord(experiment) ? experiment.train : undefined;
  return isRecord(train) && typeof train.seed === 'number' ? train.seed : undefined;
}

/** Each run by itself, in the order given; with `join` the seeds of one experiment together, where the first of them stood. */
export function entriesOf(runs: readonly ComparedRun[], join: boolean): readonly Entry[] {
  if (!join) return runs.map(alone);
  const groups = new Map<string, ComparedRun[]>();
  for (const run of runs) {
    const identity = identityOf(run) ?? run.id;
    groups.set(identity, [...(groups.get(identity) ?? []), run]);
  }
  return [...groups.values()].map(joined);
}

/** Whether joining would join anything. */
export function hasSeeds(runs: readonly ComparedRun[]): boolean {
  return entriesOf(runs, true).some((entry) => entry.runs.length > 1);
}

function alone(run: ComparedRun): Entry {
  return { key: run.id, name: run.name, runs: [run], repeats: 0 };
}

function joined(runs: readonly ComparedRun[]): Entry {
  const bySeed = new Map<number | undefined, ComparedRun>();
  for (const run of runs) {
    const other = bySeed.get(seedOf(run));
    if (other === undefined || tellsMore(run, other)) bySeed.set(seedOf(run), run);
  }
  const kept = [...bySeed.values()].sort((a, b) => (seedOf(a) ?? 0) - (seedOf(b) ?? 0));
  const names = new Set(kept.map(({ name }) => name));
  const [first = ''] = names;
  return { key: runs[0]?.id ?? '', name: names.size > 1 ? commonStart([...names]) : first, runs: kept, repeats: runs.length - kept.length };
}

/** Of two runs of one seed the one that was measured later in training, else the newer. */
function tellsMore(run: ComparedRun, other: ComparedRun): boolean {
  const [mine, theirs] = [lastScored(run)?.step ?? -1, lastScored(other)?.step ?? -1];
  return mine === theirs ? run.created > other.created : mine > theirs;
}

/** `fgd-s1`, `fgd-s2` → `fgd`; the first name where there is nothing in common. */
function commonStart(names: readonly string[]): string {
  const [first = ''] = names;
  let length = 0;
  while (length < first.length && names.every((name) => name[length] === first[length])) length += 1;
  const start = first.slice(0, length).replace(/(?:[\s._-]*(?:seed|s))?[\s._=-]*$/i, '');
  return start === '' ? first : start;
}

/** Everything that training depends on but its seed; a name changes nothing. */
function identityOf({ experiment }: ComparedRun): string | undefined {
  if (!isRecord(experiment) || !isRecord(experiment.train)) return undefined;
  return canonical({ ...experiment, name: undefined, train: { ...experiment.train, seed: undefined } });
}

/** JSON with its keys in order, so that equal data are equal texts. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) => (isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner));
}
