/** In what state a run is, derived from what it left behind and from its process. Pure: the caller looks at the system. */
import { type Heartbeat, type JobNote, type Launch, type RunState } from '../experiment/record.ts';
import { type History } from './history.ts';

/** A living child that is silent for longer gets a word. */
const SILENT_MS = 5_000;
/** A child on another machine that is silent for longer is taken for lost. Network folders show a file that was renamed into place up to a minute late. */
const LOST_MS = 90_000;
/** A folder whose run was not started within this time never will be. */
const START_MS = 10_000;

export interface Evidence {
  readonly history: History;
  readonly heartbeat: Heartbeat | undefined;
  readonly launch: Launch | undefined;
  readonly job?: JobNote | undefined;
  readonly stopRequested: boolean;
  /** When the folder was made, ms since 1970. */
  readonly created: number;
  /** Whether the process of `lastSign(…)` lives; undefined when it is on another machine. */
  readonly alive: boolean | undefined;
  readonly now: number;
}

export interface Verdict {
  readonly state: RunState;
  /** One sentence, where there is something to say. */
  readonly reason?: string;
}

/** The latest word of who runs this: the heartbeat, or the launcher's note while there is no heartbeat of that start. */
export function lastSign(heartbeat: Heartbeat | undefined, launch: Launch | undefined): Heartbeat | undefined {
  if (heartbeat === undefined || launch === undefined) return heartbeat ?? launch;
  return launch.time > heartbeat.time ? launch : heartbeat;
}

export function deriveState({ history, heartbeat, launch, job, stopRequested, created, alive, now }: Evidence): Verdict {
  const { ended } = history;
  // A launch after the end is a resume whose child has not written yet.
  const again = Math.max(launch?.time ?? 0, job?.since ?? 0);
  if (ended !== undefined && again <= ended.time) {
    return { state: ended.state, ...(ended.error === undefined ? {} : { reason: ended.error.message }) };
  }
  const sign = lastSign(heartbeat, launch);
  // Until its child speaks, the scheduler is the only one who knows of it.
  if (job !== undefined && (sign === undefined || sign.time < job.since)) return ofJob(job, stopRequested);
  if (sign === undefined) {
    return now - created < START_MS ? { state: 'preparing' } : { state: 'lost', reason: history.started === undefined ? 'The run was never started.' : 'There is no heartbeat.' };
  }
  const silence = now - sign.time;
  if (alive === undefined ? silence > LOST_MS : !alive) return gone(history, sign, alive, silence);
  const state: RunState = stopRequested ? 'stopping' : history.stepping ? 'running' : 'preparing';
  return silence > SILENT_MS ? { state, reason: `no heartbeat for ${duration(silence)}` } : { state };
}

function ofJob({ state, reason }: JobNote, stopRequested: boolean): Verdict {
  const words = reason === undefined ? {} : { reason };
  if (state === 'ended') return { state: 'killed', reason: reason ?? 'Its job ended without a word.' };
  return { state: stopRequested ? 'stopping' : 'preparing', ...words };
}

function gone(history: History, sign: Heartbeat, alive: boolean | undefined, silence: number): Verdict {
  if (alive === undefined) return { state: 'lost', reason: `No heartbeat from ${sign.host} for ${duration(silence)}.` };
  const { lastStep } = history;
  const when = lastStep === undefined ? 'before its first step' : `after step ${lastStep.step}`;
  return { state: 'killed', reason: `The process ended ${when} without a word.` };
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** States in which a process is, or may be, at work. */
export function isLive(state: RunState): boolean {
  return state === 'preparing' || state === 'running' || state === 'stopping';
}

/** Whether its scheduler has not begun it, or has put it back. */
export function isWaiting({ state, job }: { readonly state: RunState; readonly job?: Pick<JobNote, 'state'> | undefined }): boolean {
  return state === 'preparing' && job?.state === 'waiting';
}

/** A machine that has just gone silent may only be cut off. */
const CUT_OFF_MS = 3_600_000;

/** Lost so lately that a heartbeat may still come. `updated` is when it was last heard of, ms since 1970. */
export function mayComeBack({ state, process, updated }: { readonly state: RunState; readonly process?: object | undefined; readonly updated?: number | undefined }, now = Date.now()): boolean {
  return state === 'lost' && process !== undefined && now - (updated ?? 0) < CUT_OFF_MS;
}
