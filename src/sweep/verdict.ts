/** What becomes of a run whose process has ended. Pure. */
import { type JobState } from '../launch/launcher.ts';
import { type RunState } from '../experiment/record.ts';
import { type EntryState } from './entry.ts';

/** A run that ends without having come further is tried so often; more often it is the machine that is at fault, or the run. */
const MOST_TRIES = 3;

export interface Ending {
  readonly state: RunState;
  /** Whether somebody asked for it by the stop file. */
  readonly isAsked: boolean;
  /** Whether the whole queue is ending. */
  readonly isEnding: boolean;
  /** Why it was to be ended early, if it was. */
  readonly doomed: string | undefined;
  /** Of runs on a cluster. */
  readonly job: JobState | undefined;
  /** Attempts that brought it no further. */
  readonly vainTries: number;
}

/** @returns `handed` where the launcher may still go on with it by itself. */
export function verdict({ state, isAsked, isEnding, doomed, job, vainTries }: Ending): EntryState {
  if (state === 'finished' || state === 'failed') return state;
  // Preempted or out of time: as long as the scheduler has the job, it decides.
  if (job !== undefined && job.state !== 'ended' && !(state === 'stopped' && isAsked)) return 'handed';
  if (doomed !== undefined) return 'skipped';
  if (isEnding) return 'waiting';
  if (isAsked || job?.isCancelled === true) return 'stopped';
  return vainTries >= MOST_TRIES ? 'killed' : 'waiting';
}
