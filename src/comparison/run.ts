/** What is compared: a run as its folder tells it, or the seeds of one experiment joined. Pure; shared by page and terminal. */
import { type Metrics } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { type RunSummary, type Scored, type Subject } from '../store/index.ts';

/** What of a run is compared: plain data, small enough for a message. */
export interface ComparedRun {
  /** Name of the run folder. */
  readonly id: string;
  readonly name: string;
  /** `deleted`: its folder is no longer there. */
  readonly state: RunSummary['state'] | 'deleted';
  readonly created: number;
  /** What they are called. */
  readonly methods: readonly string[];
  readonly arms: RunSummary['arms'];
  readonly classes: readonly string[];
  readonly totalSteps: number;
  readonly evaluations: Partial<Record<Subject, readonly Scored[]>>;
  /** Of the student's last evaluation. */
  readonly perClass: Readonly<Record<string, Metrics>>;
  readonly gain?: RunSummary['gain'];
  /** Of the student, its distillation included. */
  readonly secondsPerStep?: number | undefined;
  /** In bytes. */
  readonly peakMemory?: number | undefined;
  /** As `resolved.json` has it, defaults filled in; left out where that cannot be read. */
  readonly experiment?: unknown;
}

/** A run, or several that differ in nothing but their seed. */
export interface Entry {
  /** Id of the first run. */
  readonly key: string;
  readonly name: string;
  /** One a seed, by seed. */
  readonly runs: readonly ComparedRun[];
  /** Further runs of seeds that are there already: counted twice they would make the spread look smaller. */
  readonly repeats: number;
}

export function comparedRun(run: RunSummary, resolved: Resolved | undefined): ComparedRun {
  const { id, name, state, created, arms, classes, totalSteps, evaluations, gain, peakMemory } = run;
  return {
    id, name, state, created, arms, classes, totalSteps, evaluations, gain, peakMemory,
    methods: run.methods.map((method) => run.methodTitles?.[method] ?? method),
    perClass: run.perClass.student ?? {}, secondsPerStep: run.secondsPerStep.student, experiment: resolved?.experiment,
  };
}

export function lastScored({ evaluations }: ComparedRun): Scored | undefined {
  return evaluations.student?.at(-1);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
