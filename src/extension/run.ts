/** A run as the extension sees it: what the store derived from its folder, and what the editor says about it. */
import { type RunSummary } from '../store/index.ts';
// By its file: the whole store is loaded only when runs are read.
import { isLive as isLiveState } from '../store/state.ts';
import { type Progress } from './words.ts';

export type Run = RunSummary;

export function isLive({ state }: Pick<Run, 'state'>): boolean {
  return isLiveState(state);
}

/** It ended before its last step. Whether there is a checkpoint to go on from, the launcher knows. */
export function isResumable({ state }: Pick<Run, 'state'>): boolean {
  return !isLiveState(state) && state !== 'finished';
}

/** What the status bar and notifications tell of it. */
export function progressOf(run: Run): Progress {
  const { name, methods, state, progress, secondsLeft, metrics } = run;
  return { name, methods, state, secondsLeft, fraction: progress.total > 0 ? progress.done / progress.total : undefined, ap: metrics.student?.AP };
}
