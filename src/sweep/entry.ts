/** One run of a sweep as its queue sees it. */
import { type JobState } from '../launch/launcher.ts';
import { isLive, RunFollower, type RunSummary } from '../store/index.ts';
import { type JournalLine, type SweepPlan } from './folder.ts';

/**
 * `waiting` for a place; `handed` to the launcher; `finished`, `failed`; `stopped` by somebody; `killed` more often than is
 * worth another try; `skipped` because it would not have been worth its time.
 */
export type EntryState = 'waiting' | 'handed' | 'finished' | 'failed' | 'stopped' | 'killed' | 'skipped';

export type Planned = SweepPlan['runs'][number];

export class Entry {
  readonly planned: Planned;
  state: EntryState = 'waiting';
  /** Absolute; the run's folder once it has one. */
  folder: string | undefined;
  /** The launcher's id of its latest job. */
  job: string | undefined;
  /** What the launcher said of it at the last look. */
  jobState: JobState['state'] | undefined;
  /** Why it waits, was skipped, or failed. */
  reason: string | undefined;
  run: RunSummary | undefined;
  /** Why it is to end early. */
  doomed: string | undefined;
  /** Attempts since this queue began that brought it no further. */
  vainTries = 0;
  #doneBefore = 0;
  #follower: RunFollower | undefined;

  constructor(planned: Planned) {
    this.planned = planned;
  }

  get isOver(): boolean {
    return this.state !== 'waiting' && this.state !== 'handed';
  }

  async look(): Promise<RunSummary | undefined> {
    if (this.folder === undefined) return undefined;
    if (this.#follower?.folder !== this.folder) this.#follower = new RunFollower(this.folder);
    this.run = await this.#follower.look();
    return this.run;
  }

  /** A new attempt begins. */
  begin(job: string): void {
    this.job = job;
    this.state = 'handed';
    this.jobState = undefined;
    this.reason = undefined;
    this.#doneBefore = this.run?.progress.done ?? 0;
  }

  /** An attempt has ended before the run's end. */
  countTry(): void {
    if ((this.run?.progress.done ?? 0) > this.#doneBefore) this.vainTries = 0;
    else this.vainTries += 1;
  }

  /** What a former queue left: from its journal, then from the run folder, which knows better. */
  async recover(journal: readonly JournalLine[], retry: boolean): Promise<void> {
    let asked = false;
    for (const note of journal) {
      if (!('key' in note) || note.key !== this.planned.key) continue;
      if (note.type === 'folder') this.folder = note.folder;
      else if (note.type === 'started') {
        this.job = note.job;
        asked = false;
      } else if (note.type === 'skipped') {
        this.state = 'skipped';
        this.reason = note.reason;
      } else asked = note.asked === true;
    }
    const run = await this.look();
    if (run === undefined) return;
    this.reason = run.reason;
    if (run.state === 'finished') this.state = 'finished';
    else if (isLive(run.state)) this.state = 'handed';
    else if (this.state === 'skipped' || retry) return;
    else if (run.state === 'failed') this.state = 'failed';
    else if (run.state === 'stopped' && asked) this.state = 'stopped';
  }
}
