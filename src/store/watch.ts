/** Follows one run: new events as they come, and its state as time and its process tell it. */
import { type FSWatcher, stat, watch } from 'node:fs';
import path from 'node:path';
import { FILES, type RunEvent } from '../experiment/record.ts';
import { EventLog } from './eventLog.ts';
import { emptyHistory, fold } from './history.ts';
import { lookAround, type Outline, type RunSummary, summarize, type Surroundings, whyUnread, withLogTail } from './run.ts';
import { isWaiting } from './state.ts';

/**
 * Bytes of a record that are read before the first is told, and at a time after that: somebody waits for the beginning, and between
 * two parts the process does other things.
 */
const FIRST_PART = 2 ** 18;
const NEXT_PART = 2 ** 21;

export interface RunChange {
  readonly run: RunSummary;
  /** New since the last call. */
  readonly events: readonly RunEvent[];
  /** Everything told before no longer holds: `events` begins anew. True in the first call. */
  readonly reset: boolean;
  /** More is being read: what `run` says is not its last word yet. */
  readonly more: boolean;
}

export interface Watch {
  /** Looks now instead of at the next tick; settled when the callback has been told. */
  refresh(): Promise<void>;
  dispose(): void;
}

/** How many times longer a run that waits for its scheduler is left alone: a sweep may have hundreds of them. */
const PATIENCE = 10;

/** After a notice, as one write seldom comes alone; and the least between two looks, however fast a run writes. */
const RING_MS = 20;
const LEAST_MS = 100;

export interface WatchOptions {
  /** Milliseconds between two looks. */
  readonly interval?: number | undefined;
}

/**
 * Calls back at once, then whenever events came, the state changed or a silent child needs a word.
 * Polls, since notices of change do not travel over network folders; where they come, they only make it faster.
 */
export function watchRun(folder: string, callback: (change: RunChange) => void, { interval = 400 }: WatchOptions = {}): Watch {
  const watcher = new RunWatcher(folder, callback, interval);
  watcher.start();
  return watcher;
}

class RunWatcher implements Watch {
  readonly #folder: string;
  readonly #callback: (change: RunChange) => void;
  readonly #interval: number;
  readonly #log: EventLog;
  #history = emptyHistory();
  #outline: { readonly stamp: string; readonly said: Outline | undefined } | undefined;
  #around: { readonly at: number; readonly said: Surroundings } | undefined;
  #isWaiting = false;
  #hasRung = false;
  #looked = 0;
  #told: string | undefined;
  #resetPending = true;
  #timer: NodeJS.Timeout | undefined;
  #doorbell: FSWatcher | undefined;
  #looking: Promise<void> | undefined;
  #disposed = false;

  constructor(folder: string, callback: (change: RunChange) => void, interval: number) {
    this.#folder = folder;
    this.#callback = callback;
    this.#interval = interval;
    this.#log = new EventLog(path.join(folder, FILES.events));
  }

  start(): void {
    try {
      this.#doorbell = watch(this.#folder, { persistent: false }, (_, file) => {
        if (file === FILES.events || (this.#isWaiting && file !== null)) this.#ring();
      });
      this.#doorbell.on('error', () => { this.#doorbell?.close(); });
    } catch {
      // No notices here (or no folder yet): polling is enough.
    }
    this.#schedule(0);
  }

  async refresh(): Promise<void> {
    // A look that is under way may have passed the place that changed.
    await this.#looking;
    await this.#look();
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#doorbell?.close();
  }

  /** A change that is written while a look is under way may have been missed by it. */
  #ring(): void {
    if (this.#looking === undefined) this.#schedule(Math.max(RING_MS, this.#looked + LEAST_MS - Date.now()));
    else this.#hasRung = true;
  }

  #schedule(delay: number): void {
    if (this.#disposed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { void this.#look(Date.now() - this.#interval); }, delay);
  }

  /** @param since what lies round the events need not be looked at again if it was after this time. */
  async #look(since = Number.POSITIVE_INFINITY): Promise<void> {
    this.#looking ??= this.#lookOnce(since).finally(() => {
      this.#looking = undefined;
      this.#looked = Date.now();
      this.#schedule(this.#hasRung ? LEAST_MS : this.#isWaiting ? PATIENCE * this.#interval : this.#interval);
      this.#hasRung = false;
    });
    return this.#looking;
  }

  async #lookOnce(since: number): Promise<void> {
    let budget = FIRST_PART;
    for (let more = true; more && !this.#disposed;) {
      const surroundings = this.#around !== undefined && this.#around.at > since ? this.#around.said : await this.#lookAround();
      let damage: string | undefined;
      const part = await this.#log.read(budget).catch((error: unknown) => {
        damage = whyUnread(error);
        return { events: [], reset: false, more: false };
      });
      if (part.reset) {
        this.#history = emptyHistory();
        this.#resetPending = true;
      }
      for (const event of part.events) fold(this.#history, event);
      ({ more } = part);
      budget = NEXT_PART;
      const summary = summarize(this.#folder, this.#history, surroundings, this.#log.badLines);
      this.#isWaiting = isWaiting(summary);
      // The next notice may be its scheduler's.
      if (this.#isWaiting) this.#around = undefined;
      const run = await withLogTail(damage === undefined ? summary : { ...summary, damage });
      this.#tell(run, part.events, more);
    }
  }

  /** What the experiment was is the largest part to read and hardly ever changes. */
  async #lookAround(): Promise<Surroundings> {
    const at = Date.now();
    const stamp = await stampOf(path.join(this.#folder, FILES.resolved));
    const surroundings = await lookAround(this.#folder, this.#outline?.stamp === stamp ? this.#outline.said : undefined);
    if (surroundings.outline !== undefined) this.#outline = { stamp, said: surroundings.outline };
    this.#around = { at, said: surroundings };
    return surroundings;
  }

  #tell(run: RunSummary, events: readonly RunEvent[], more: boolean): void {
    // Ages grow at every look; only what a reader would see as news is told.
    const news = JSON.stringify([run.state, run.reason, run.damage, run.name, run.pinned, run.created, more]);
    if (this.#disposed || (events.length === 0 && !this.#resetPending && news === this.#told)) return;
    const reset = this.#resetPending;
    this.#resetPending = false;
    this.#told = news;
    this.#callback({ run, events, reset, more });
  }
}

/** Changes when the file is written anew. */
function stampOf(file: string): Promise<string> {
  return new Promise((resolve) => {
    stat(file, (error, found) => { resolve(error === null ? `${found.size} ${found.mtimeMs} ${found.ino}` : ''); });
  });
}
