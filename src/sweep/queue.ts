/**
 * The queue of a sweep: keeps as many runs going as there are places, until all have ended.
 *
 * Runs are children of nobody: the queue may die at any moment and be started again. What it must know then is in its
 * journal and, where that lacks a line, in the run folders, each of which names its place in the sweep.
 */
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DistillError } from '../errors.ts';
import { FILES } from '../experiment/record.ts';
import { childCommand, type Job, type JobState, type Launcher, noteEnd, noteJob, type Started } from '../launch/launcher.ts';
import { isLive, type RunSummary } from '../store/index.ts';
import { Entry } from './entry.ts';
import { dropQueue, forgetAsked, isAsked, noteQueue, queueProcess, readJournal, readPlan, type SweepPlan, writeJournal } from './folder.ts';
import { hopeless } from './halving.ts';
import { adoptFolders, makeRunFolder } from './runs.ts';
import { verdict } from './verdict.ts';

const QUEUE_NOTE_MS = 10_000;
const LATER_MS = 60_000;
/** How long a scheduler may take until it knows a job that it has just been given. */
const UNKNOWN_MS = 20_000;
/** Longest time between two looks into the folder of a run that goes, however much they cost. */
const LONGEST_MS = 5_000;
/** Of the time that passes, the part that looking may take: what it costs grows with the runs that go. */
const SHARE = 1 / 400;

export interface QueueOptions {
  readonly folder: string;
  /** Where run folders are made. */
  readonly runsRoot: string;
  readonly launcher: Launcher;
  readonly cliPath: string;
  readonly node?: string | undefined;
  /** Also runs that failed or were stopped by hand. */
  readonly retry?: boolean | undefined;
  /** Told after every look. */
  readonly onLook?: ((entries: readonly Entry[]) => void) | undefined;
  /** Least time between two looks, in milliseconds. */
  readonly interval?: number | undefined;
  /** How long runs wait that the launcher does not take for now, in milliseconds. */
  readonly later?: number | undefined;
}

export type Closing = 'finished' | 'paused' | 'stopped';

export class SweepQueue {
  readonly entries: readonly Entry[];
  readonly plan: SweepPlan & { readonly text: string };
  readonly #options: QueueOptions;
  #ending: 'paused' | 'stopped' | undefined;
  #noted = 0;
  #later = 0;
  /** When all folders were looked into last, and how long to leave them alone. */
  #looked = 0;
  #rest = 0;
  /** Jobs that were taken from the scheduler's queue because their run was asked to stop. */
  readonly #cancelled = new Set<string>();
  /** Runs that the launcher did not take for now: their folders say that they wait. */
  readonly #keptBack = new Set<Entry>();

  private constructor(options: QueueOptions, plan: SweepPlan & { readonly text: string }, entries: readonly Entry[]) {
    this.#options = options;
    this.plan = plan;
    this.entries = entries;
  }

  /** Takes up a sweep where it stands. @throws DistillError DL740 when there is none, DL741 when another queue works it. */
  static async open(options: QueueOptions): Promise<SweepQueue> {
    const { folder, runsRoot, retry = false } = options;
    const plan = await readPlan(folder);
    const other = await queueProcess(folder);
    if (other !== undefined) throw new DistillError('DL741', 'This sweep is being worked already.', { where: { file: folder }, got: `process ${other.pid} on ${other.host}`, advice: 'Watch it with `distill-lab runs`, or pause it with `distill-lab sweep --pause ID`.' });
    await noteQueue(folder);
    const journal = await readJournal(folder);
    const entries = plan.runs.map((planned) => new Entry(planned));
    await adoptFolders(entries, journal, path.basename(folder), runsRoot);
    for (const entry of entries) await entry.recover(journal, retry);
    await forgetAsked(folder);
    await writeJournal(folder, { type: 'opened', pid: process.pid, host: (await import('node:os')).hostname() });
    return new SweepQueue(options, plan, entries);
  }

  /** Works until all runs have ended, or it was asked to pause or to stop and all have saved. */
  async work(signal?: AbortSignal): Promise<Closing> {
    const { folder, onLook, interval = 1000 } = this.#options;
    for (;;) {
      await this.#hear(signal);
      await this.#look();
      if (this.#ending === undefined) {
        await this.#endHopeless();
        await this.#start();
      }
      onLook?.(this.entries);
      if (this.entries.every((entry) => entry.state !== 'handed' && (entry.isOver || this.#ending !== undefined))) break;
      if (Date.now() - this.#noted > QUEUE_NOTE_MS) {
        await noteQueue(folder);
        this.#noted = Date.now();
      }
      if (signal?.aborted === true) await sleep(interval);
      else await sleep(interval, undefined, { signal }).catch(() => undefined);
    }
    const state = this.#ending ?? 'finished';
    for (const { folder: run } of this.#keptBack) if (run !== undefined) await noteEnd(run, 'stopped');
    await writeJournal(folder, { type: 'closed', state });
    await dropQueue(folder);
    await this.#options.launcher.close?.();
    return state;
  }

  async #hear(signal: AbortSignal | undefined): Promise<void> {
    const { folder } = this.#options;
    const asked = isAsked(folder, 'stop') ? 'stopped' : signal?.aborted === true || isAsked(folder, 'pause') ? 'paused' : undefined;
    if (asked === undefined || this.#ending !== undefined) return;
    this.#ending = asked;
    for (const entry of this.entries) if (entry.state === 'handed') await this.#askToStop(entry);
  }

  async #askToStop(entry: Entry): Promise<void> {
    if (entry.folder === undefined) return;
    await writeFile(path.join(entry.folder, FILES.stopRequest), `${new Date().toISOString()}\n`);
    if (entry.job !== undefined) await this.#options.launcher.stop(entry.job);
  }

  async #look(): Promise<void> {
    const handed = this.entries.filter(({ state }) => state === 'handed');
    if (handed.length === 0) return;
    const states = await this.#options.launcher.states(handed.flatMap(({ job }) => job ?? []));
    const isDue = Date.now() - this.#looked >= this.#rest;
    const begin = process.cpuUsage();
    for (const entry of handed) {
      const job = entry.job === undefined ? undefined : states.get(entry.job);
      // Between two looks into all folders, those whose process or job has ended, or is not known, cannot wait.
      if (!isDue && entry.run !== undefined && job?.state === 'running' && entry.jobState === 'running') continue;
      entry.jobState = job?.state;
      await this.#noteState(entry, job);
      // Nothing happens in the folder of a job that waits.
      if (job?.state === 'waiting' && entry.run?.job?.state === 'waiting') {
        if (isStopAsked(entry)) await this.#cancel(entry.job ?? '');
        continue;
      }
      const run = await entry.look();
      entry.reason = run?.reason;
      if (run !== undefined && !isLive(run.state)) await this.#ended(entry, run, job);
    }
    if (!isDue) return;
    const { user, system } = process.cpuUsage(begin);
    this.#looked = Date.now();
    this.#rest = Math.min(LONGEST_MS, (user + system) / 1000 / SHARE);
  }

  /** A single run was asked to stop before its job began. */
  async #cancel(job: string): Promise<void> {
    if (this.#cancelled.has(job)) return;
    this.#cancelled.add(job);
    await this.#options.launcher.stop(job);
  }

  /** What the scheduler says, for all who look at the run folder. */
  async #noteState(entry: Entry, job: JobState | undefined): Promise<void> {
    const { name } = this.#options.launcher;
    const known = entry.run?.job;
    if (name === 'local' || entry.folder === undefined || entry.job === undefined) return;
    const own = known?.job === entry.job ? known : undefined;
    if (job === undefined && own !== undefined && Date.now() - own.since < UNKNOWN_MS) return;
    // A job that the scheduler has forgotten has ended.
    const { state, reason } = job ?? { state: 'ended' as const, reason: undefined };
    if (own?.state === state && own.reason === reason) return;
    // One that waits again has been put back into the queue: what its child said before is of an earlier attempt.
    const since = own !== undefined && !(state === 'waiting' && own.state !== 'waiting') ? own.since : Date.now();
    await noteJob(entry.folder, { launcher: name, job: entry.job, state, since, ...(reason === undefined ? {} : { reason }) });
  }

  async #ended(entry: Entry, found: RunSummary, job: JobState | undefined): Promise<void> {
    const isAsked = isStopAsked(entry);
    const isEnding = this.#ending !== undefined;
    let run = found;
    // Of a job that no child ever spoke from, and of one that it is no use to try again, the queue says the last word.
    const isSpeechless = run.job !== undefined && run.state === 'killed' && job?.state === 'ended';
    const isHopeless = run.state === 'stopped' && job?.error !== undefined;
    if ((isSpeechless && (job.error !== undefined || isAsked || job.isCancelled === true)) || isHopeless) {
      await noteEnd(run.folder, job.error === undefined ? 'stopped' : 'failed', job.error);
      run = await entry.look() ?? run;
    }
    const scheduled = this.#options.launcher.name === 'local' ? undefined : job ?? { state: 'ended' as const };
    const before = verdict({ state: run.state, isAsked, isEnding, doomed: entry.doomed, job: scheduled, vainTries: 0 });
    if (before === 'handed') return;
    if (before === 'waiting' && !isEnding && job?.neverBegan !== true) entry.countTry();
    entry.state = verdict({ state: run.state, isAsked, isEnding, doomed: entry.doomed, job: scheduled, vainTries: entry.vainTries });
    entry.reason = entry.doomed ?? run.reason;
    const { key } = entry.planned;
    if (entry.state === 'skipped') await writeJournal(this.#options.folder, { type: 'skipped', key, reason: entry.doomed ?? '' });
    else await writeJournal(this.#options.folder, { type: 'ended', key, state: run.state, ...(entry.state === 'stopped' ? { asked: true } : {}) });
  }

  /** Successive halving: hopeless runs are asked to end, and what is left of their combinations is not begun. */
  async #endHopeless(): Promise<void> {
    const { halving } = this.plan;
    if (halving === undefined) return;
    const students = this.entries.filter(({ planned }) => planned.role === 'student');
    const contenders = students.flatMap(({ planned: { key }, run }) => (run === undefined ? [] : [{ key, totalSteps: run.totalSteps, scores: run.evaluations.student ?? [] }]));
    for (const [key, reason] of hopeless(contenders, halving)) {
      const entry = students.find(({ planned }) => planned.key === key);
      if (entry === undefined || entry.isOver || entry.doomed !== undefined) continue;
      await this.#skip(entry, reason);
      for (const other of students) {
        if (other.state === 'waiting' && other.planned.label === entry.planned.label) await this.#skip(other, `ended early with seed ${entry.planned.seed}: ${reason}`);
      }
    }
  }

  async #skip(entry: Entry, reason: string): Promise<void> {
    if (entry.state === 'handed') {
      if (entry.doomed === undefined) await this.#askToStop(entry);
      entry.doomed = reason;
      return;
    }
    entry.state = 'skipped';
    entry.reason = reason;
    await writeJournal(this.#options.folder, { type: 'skipped', key: entry.planned.key, reason });
  }

  async #start(): Promise<void> {
    const { launcher } = this.#options;
    if (Date.now() < this.#later) return;
    const free = (launcher.atOnce ?? Number.POSITIVE_INFINITY) - this.entries.filter(({ state }) => state === 'handed').length;
    const due = this.entries.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, free));
    if (due.length === 0) return;
    const ready: Entry[] = [];
    for (const entry of due) if (await this.#prepare(entry)) ready.push(entry);
    const started = await this.#handOver(ready);
    for (const [index, entry] of ready.entries()) await this.#begun(entry, started[index]);
  }

  /** A folder of its own, or the one that it goes on in. @returns whether it can be started */
  async #prepare(entry: Entry): Promise<boolean> {
    const { folder, runsRoot } = this.#options;
    try {
      if (entry.folder === undefined) {
        entry.folder = await makeRunFolder(this.plan, entry.planned, path.basename(folder), runsRoot);
        await writeJournal(folder, { type: 'folder', key: entry.planned.key, folder: entry.folder });
      }
      await rm(path.join(entry.folder, FILES.stopRequest), { force: true });
      return true;
    } catch (error) {
      if (!(error instanceof DistillError)) throw error;
      entry.state = 'failed';
      entry.reason = error.message;
      return false;
    }
  }

  async #handOver(entries: readonly Entry[]): Promise<readonly Started[]> {
    const { launcher, cliPath, node } = this.#options;
    const { cpus, memory, gpus, minutes, grace } = this.plan.launch;
    const jobs: Job[] = entries.map(({ folder = '' }) => ({ folder, argv: childCommand(folder, cliPath, node), resources: { cpus, memory, gpus, minutes, grace } }));
    try {
      return await launcher.start(jobs);
    } catch (error) {
      if (!(error instanceof DistillError)) throw error;
      return jobs.map(() => ({ error }));
    }
  }

  async #begun(entry: Entry, started: Started | undefined): Promise<void> {
    const { folder: sweep, launcher: { name } } = this.#options;
    const { folder, planned: { key } } = entry;
    if (folder === undefined || started === undefined) return;
    if ('later' in started) {
      entry.reason = started.later;
      this.#keptBack.add(entry);
      this.#later = Date.now() + (this.#options.later ?? LATER_MS);
      if (name !== 'local') await noteJob(folder, { launcher: name, job: '', state: 'waiting', reason: started.later, since: Date.now() });
      return;
    }
    this.#keptBack.delete(entry);
    if ('error' in started) {
      await noteEnd(folder, 'failed', started.error);
      entry.state = 'failed';
      entry.reason = started.error.message;
      await writeJournal(sweep, { type: 'ended', key, state: 'failed' });
      await entry.look();
      return;
    }
    entry.begin(started.id);
    await writeJournal(sweep, { type: 'started', key, job: started.id });
    if (name !== 'local') {
      await noteJob(folder, { launcher: name, job: started.id, state: 'waiting', since: Date.now() });
      await entry.look();
    }
  }
}

function isStopAsked({ folder }: Entry): boolean {
  return folder !== undefined && existsSync(path.join(folder, FILES.stopRequest));
}
