/** What is compared: a run as its folder tells it, or the seeds of one experiment joined. Pure; shared by page and terminal. */
import { type Arm, type Metrics, type RunState, type SweepNote } from '../experiment/record.ts';
// By its file, which knows of no disk: the page has none.
import { type Gain, type Scored, type Subject } from '../store/history.ts';

/** What of a run is compared: plain data, small enough for a message. */
export interface ComparedRun {
  /** Name of the run folder. */
  readonly id: string;
  readonly name: string;
  /** `deleted`: its folder is no longer there. */
  readonly state: RunState | 'deleted';
  readonly created: number;
  /** What they are called. */
  readonly methods: readonly string[];
  readonly arms: readonly Arm[];
  readonly classes: readonly string[];
  readonly totalSteps: number;
  readonly evaluations: Partial<Record<Subject, readonly Scored[]>>;
  /** Of the student's last evaluation. */
  readonly perClass: Readonly<Record<string, Metrics>>;
  readonly gain?: Gain | undefined;
  /** Of the student, its distillation included. */
  readonly secondsPerStep?: number | undefined;
  /** In bytes. */
  readonly peakMemory?: number | undefined;
  /** Of a run that belongs to a sweep: its place in it. */
  readonly sweep?: SweepNote | undefined;
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

export function lastScored({ evaluations }: ComparedRun): Scored | undefined {
  return evaluations.student?.at(-1);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
