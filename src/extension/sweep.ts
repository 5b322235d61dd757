/** A sweep as the extension sees it. Small: every part that is there from the start asks it. */
import { type SweepStatus } from '../sweep/status.ts';

/** Of a file that makes several runs: `seeds` or `sweep` at the beginning of a line. Looks at the text alone, as it may be half written. */
export function makesSweep(text: string): boolean {
  return /^(?:seeds|sweep|"seeds"|"sweep"|'seeds'|'sweep')[ \t]*:/m.test(text);
}

/** Whether a queue works it, or is about to. */
export function goes({ state }: Pick<SweepStatus, 'state'>): boolean {
  return state === 'preparing' || state === 'running' || state === 'pausing' || state === 'stopping';
}

/** Whether there is something to take up again. */
export function isResumable(sweep: Pick<SweepStatus, 'state' | 'places'>): boolean {
  return !goes(sweep) && sweep.places.some(({ state }) => state !== 'finished' && state !== 'skipped');
}

/** Whether resuming it means to try again what failed or was stopped by hand: nothing else is left. */
export function isRetry({ places }: Pick<SweepStatus, 'places'>): boolean {
  return places.every(({ state, run }) => state === 'finished' || state === 'skipped' || state === 'failed' || (state === 'stopped' && run !== undefined));
}
