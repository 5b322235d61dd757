/** Who starts runs: this machine, or a cluster's scheduler. The queue of a sweep knows no more of them than this. */
import { randomBytes } from 'node:crypto';
import { appendFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type DistillError, explainError } from '../errors.ts';
import { FILES, type JobNote, type RunEvent } from '../experiment/record.ts';
import { type LauncherName } from '../experiment/sweepSchema.ts';
import { diskError } from './disk.ts';

/** What a job may need of a node. Left out: what the scheduler gives. */
export interface Resources {
  readonly cpus?: number | undefined;
  /** GiB. */
  readonly memory?: number | undefined;
  readonly gpus?: number | undefined;
  /** Longest time of a job; a run that needs more goes on in another. */
  readonly minutes?: number | undefined;
  /** Seconds before that end at which the run is told to save. */
  readonly grace: number;
}

export interface Job {
  /** The run folder; it is the job's only way to speak. */
  readonly folder: string;
  /** Program and arguments. */
  readonly argv: readonly string[];
  readonly resources: Resources;
}

/** What came of handing a job over. */
export type Started =
  | { readonly id: string }
  /** It never will, and why. */
  | { readonly error: DistillError }
  /** Not now: a limit of the cluster is reached. */
  | { readonly later: string };

export interface JobState {
  readonly state: JobNote['state'];
  /** One sentence for people. */
  readonly reason?: string | undefined;
  /** Somebody took it away: it is not to be started again by itself. */
  readonly isCancelled?: boolean | undefined;
  /** It was given up before its turn came: no attempt of the run. */
  readonly neverBegan?: boolean | undefined;
  /** Why no child could be started in it; another try would end the same. */
  readonly error?: DistillError | undefined;
}

export interface Launcher {
  readonly name: LauncherName;
  /** Runs at the same time, where the launcher leaves that to the queue; undefined where it keeps a queue of its own. */
  readonly atOnce?: number | undefined;
  /** What its user should know before relying on it, as a sentence. */
  readonly caution?: string | undefined;
  /** Tells before anything is written why no run could be started. @throws DistillError */
  check?(runsRoot: string): Promise<void>;
  /** Hands jobs over; as many answers as jobs. @throws DistillError when the launcher itself cannot be used. */
  start(jobs: readonly Job[]): Promise<readonly Started[]>;
  /** What the scheduler says; jobs it has forgotten are left out. */
  states(ids: readonly string[]): Promise<ReadonlyMap<string, JobState>>;
  /** Takes a job that waits out of the queue, or ends one that goes: asked to save first by the stop file in its run folder. */
  stop(id: string): Promise<void>;
  /** No run goes any more: clears away what is of no use to anybody. */
  close?(): Promise<void>;
}

/** Renamed into place, so that a reader never sees half of it. */
export async function noteJob(folder: string, note: JobNote): Promise<void> {
  const file = path.join(folder, FILES.job);
  const aside = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(aside, JSON.stringify(note));
    await rename(aside, file);
  } catch (cause) {
    throw diskError(file, cause);
  }
}

/** The last word about a run whose child could not say it: it was never started, or taken from the queue. */
export async function noteEnd(folder: string, state: 'failed' | 'stopped', error?: DistillError): Promise<void> {
  const event: RunEvent = {
    type: 'ended', time: Date.now(), state,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, explanation: explainError(error) } }),
  };
  const file = path.join(folder, FILES.events);
  await appendFile(file, `${JSON.stringify(event)}\n`).catch((cause: unknown) => { throw diskError(file, cause); });
}

/** The command that trains what a run folder describes. */
export function childCommand(folder: string, cliPath: string, node = process.execPath): readonly string[] {
  return [node, cliPath, 'run-child', folder];
}
