/** A run as the rest sees it: made from its folder, each time anew, from events, heartbeat and process. */
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { type Arm, type EventOf, FILES, type Heartbeat, type JobNote, type Metrics, type RunState, type SweepNote, type TeacherCacheSummary } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { EventLog } from './eventLog.ts';
import { emptyHistory, fold, type Gain, gainOf, type History, type Scored, secondsPerStep, type Subject } from './history.ts';
import { type Note, readNote } from './note.ts';
import { StrangeFile } from './openFile.ts';
import { isProcessAlive } from './processLife.ts';
import { exists, readJob, readLogTail, readResolvedIfAny, readSign } from './runFiles.ts';
import { deriveState, isLive, lastSign } from './state.ts';

export interface RunSummary {
  /** Name of the run folder. */
  readonly id: string;
  /** What a person called it, else what its experiment is called. */
  readonly name: string;
  readonly experimentName: string;
  readonly pinned: boolean;
  readonly folder: string;
  /** Absolute path of the experiment file that it was made of. */
  readonly sourceFile?: string | undefined;
  readonly state: RunState;
  /** One sentence: why it failed, was killed, is lost or seems stuck. */
  readonly reason?: string | undefined;
  /** Of a failed run. `line` is in the experiment file. */
  readonly error?: { readonly code: string; readonly message: string; readonly explanation: string; readonly line?: number | undefined } | undefined;
  /** `RetinaNet R50 → RetinaNet R18 · FGD · scenes, 1,200 images`. */
  readonly summary?: string | undefined;
  readonly engine?: EventOf<'started'>['engine'] | undefined;
  readonly methods: readonly string[];
  /** By id; of a run that has started. */
  readonly methodTitles?: Readonly<Record<string, string>> | undefined;
  readonly arms: readonly Arm[];
  readonly classes: readonly string[];
  readonly phase?: EventOf<'phase'> | undefined;
  readonly lastStep?: EventOf<'step'> | undefined;
  /** Steps of each arm. */
  readonly totalSteps: number;
  readonly stepsPerEpoch?: number | undefined;
  readonly steps: Partial<Record<Arm, number>>;
  /** Steps done and to do over all arms. */
  readonly progress: { readonly done: number; readonly total: number };
  readonly secondsPerStep: Partial<Record<Arm, number>>;
  /** Until training ends, at the present pace; only of a live run. */
  readonly secondsLeft?: number | undefined;
  /** The latest of each subject. */
  readonly metrics: Partial<Record<Subject, Metrics>>;
  readonly evaluations: Partial<Record<Subject, readonly Scored[]>>;
  readonly perClass: Partial<Record<Subject, Readonly<Record<string, Metrics>>>>;
  readonly gain?: Gain | undefined;
  readonly picturesEvery?: number | undefined;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly started?: number | undefined;
  readonly updated?: number | undefined;
  readonly ended?: number | undefined;
  /** Most memory that the last attempt's process held, in bytes; of an attempt that ended by itself. */
  readonly peakMemory?: number | undefined;
  /** What kept outputs of teachers did for the last attempt; of one that ended by itself. */
  readonly teacherCache?: TeacherCacheSummary | undefined;
  readonly process?: { readonly pid: number; readonly host: string; readonly start: string } | undefined;
  /** Of a run on a cluster: the scheduler's job, and what it said of it last. */
  readonly job?: JobNote | undefined;
  /** The sweep that it belongs to; runs of one sweep have the same `sweep.id`. */
  readonly sweep?: SweepNote | undefined;
  readonly warnings: { readonly count: number; readonly last?: string | undefined };
  /** What of the folder could not be read, in one sentence. */
  readonly damage?: string | undefined;
  /** What it takes on the disk; of a list of runs only. */
  readonly bytes?: number | undefined;
  /** Last lines of the log of a run that did not end well. */
  readonly logTail: readonly string[];
}

/** As much of `resolved.json` as a list needs. */
export interface Outline {
  readonly name: string;
  readonly sourceFile: string;
  readonly methods: readonly string[];
  readonly steps?: number | undefined;
  readonly picturesEvery?: number | undefined;
  readonly created: number;
  readonly sweep?: SweepNote | undefined;
}

function outlineOf({ experiment: { name, distill, train, pictures }, source, created, sweep }: Resolved): Outline {
  return { name, sourceFile: source.file, methods: distill.map(({ method }) => method), steps: train.steps, picturesEvery: pictures.every, created, ...(sweep === undefined ? {} : { sweep }) };
}

/** What the folder tells besides its events. Small, and read anew at every look. */
export interface Surroundings {
  readonly outline: Outline | undefined;
  readonly note: Note;
  readonly heartbeat: Heartbeat | undefined;
  readonly launch: Heartbeat | undefined;
  /** Of a run on a cluster. */
  readonly job?: JobNote | undefined;
  readonly stopRequested: boolean;
  readonly created: number;
  readonly alive: boolean | undefined;
}

export async function readOutline(folder: string): Promise<Outline | undefined> {
  const resolved = await readResolvedIfAny(folder);
  return resolved === undefined ? undefined : outlineOf(resolved);
}

/** @param known of an earlier look, when `resolved.json` cannot have changed. */
export async function lookAround(folder: string, known?: Outline): Promise<Surroundings> {
  const [outline, note, heartbeat, launch, job, stopRequested, created] = await Promise.all([
    known ?? readOutline(folder),
    readNote(folder),
    readSign(folder, FILES.heartbeat),
    readSign(folder, FILES.launch),
    readJob(folder),
    exists(path.join(folder, FILES.stopRequest)),
    stat(folder).then((found) => found.birthtimeMs || found.ctimeMs, () => 0),
  ]);
  return { outline, note, heartbeat, launch, job, stopRequested, created: outline?.created ?? created, alive: isAlive(heartbeat, launch) };
}

/** Whether the process that spoke last lives; undefined when none did, or on another machine. */
export function isAlive(heartbeat: Heartbeat | undefined, launch: Heartbeat | undefined): boolean | undefined {
  const sign = lastSign(heartbeat, launch);
  return sign?.host === hostname() ? isProcessAlive(sign.pid, sign.processStart) : undefined;
}

/** Reads a whole run. Never throws for what lies in the folder. */
export async function readRun(folder: string): Promise<RunSummary> {
  // The process first: an end that is written in between must not look like a kill.
  const surroundings = await lookAround(folder);
  const history = emptyHistory();
  const log = new EventLog(path.join(folder, FILES.events));
  try {
    for (let more = true; more;) {
      const part = await log.read();
      for (const event of part.events) fold(history, event);
      ({ more } = part);
    }
  } catch (error) {
    return withLogTail({ ...summarize(folder, history, surroundings, log.badLines), damage: whyUnread(error) });
  }
  return withLogTail(summarize(folder, history, surroundings, log.badLines));
}

/** The sentence for events that cannot be read at all. */
export function whyUnread(error: unknown): string {
  if (error instanceof StrangeFile) return `${FILES.events} is a link or no file at all, and is not read.`;
  return `${FILES.events} cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
}

/** The log's last lines belong to runs that did not end well; the others need no look at the log. */
export async function withLogTail(run: RunSummary): Promise<RunSummary> {
  const wanted = run.state === 'failed' || run.state === 'killed' || run.state === 'lost';
  return wanted ? { ...run, logTail: await readLogTail(run.folder) } : run;
}

export function summarize(folder: string, history: History, surroundings: Surroundings, badLines = 0, now = Date.now()): RunSummary {
  const { outline, note, heartbeat, launch } = surroundings;
  const { started, ended, lastStep } = history;
  const verdict = deriveState({ history, ...surroundings, now });
  const id = path.basename(folder);
  const experimentName = started?.name ?? outline?.name ?? id;
  const sign = lastSign(heartbeat, launch);
  const arms = started?.arms ?? [];
  const totalSteps = started?.totalSteps ?? outline?.steps ?? 0;
  const done = arms.reduce((sum, arm) => sum + Math.min(totalSteps, history.steps[arm] ?? 0), 0);
  const live = isLive(verdict.state);
  const { perClass, steps, evaluations } = history;
  return {
    id, folder, state: verdict.state, reason: verdict.reason,
    name: note.title ?? experimentName, experimentName, pinned: note.pinned === true,
    sourceFile: outline?.sourceFile,
    error: verdict.state === 'failed' ? ended?.error : undefined,
    summary: started?.summary, engine: started?.engine,
    methods: started?.methods ?? outline?.methods ?? [],
    methodTitles: started?.methodTitles,
    arms, classes: started?.classes ?? [],
    phase: live ? history.phase : undefined,
    lastStep, totalSteps, stepsPerEpoch: started?.stepsPerEpoch, steps,
    progress: { done, total: totalSteps * arms.length },
    secondsPerStep: paceOf(history, arms),
    secondsLeft: live ? secondsLeft(history, arms, totalSteps) : undefined,
    metrics: Object.fromEntries(Object.entries(evaluations).flatMap(([subject, scored]) => (scored.at(-1) === undefined ? [] : [[subject, scored.at(-1)?.metrics]]))),
    evaluations, perClass,
    gain: gainOf(history, arms),
    picturesEvery: outline?.picturesEvery,
    created: surroundings.created, started: history.firstTime, updated: Math.max(history.lastTime ?? 0, sign?.time ?? 0, surroundings.created), ended: live ? undefined : ended?.time, peakMemory: live ? undefined : ended?.peakMemory,
    teacherCache: live ? undefined : ended?.teacherCache,
    process: sign === undefined ? undefined : { pid: sign.pid, host: sign.host, start: sign.processStart },
    job: surroundings.job, sweep: outline?.sweep,
    warnings: { count: history.warnings, last: history.lastWarning },
    damage: badLines === 0 ? undefined : `${badLines} ${badLines === 1 ? 'line' : 'lines'} of ${FILES.events} could not be read and ${badLines === 1 ? 'is' : 'are'} left out.`,
    logTail: [],
  };
}

function paceOf(history: History, arms: readonly Arm[]): Partial<Record<Arm, number>> {
  return Object.fromEntries(arms.flatMap((arm) => {
    const seconds = secondsPerStep(history, arm);
    return seconds === undefined ? [] : [[arm, seconds]];
  }));
}

/** Arms that have not begun are taken to be as fast as the present one. */
function secondsLeft(history: History, arms: readonly Arm[], totalSteps: number): number | undefined {
  const { lastStep } = history;
  const present = lastStep === undefined ? undefined : secondsPerStep(history, lastStep.arm);
  if (present === undefined) return undefined;
  return arms.reduce((sum, arm) => sum + Math.max(0, totalSteps - (history.steps[arm] ?? 0)) * (secondsPerStep(history, arm) ?? present), 0);
}
