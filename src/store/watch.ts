/** Follows one run: new events as they come, and its state as time and its process tell it. */
import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { FILES, type RunEvent } from '../experiment/record.ts';
import { EventLog } from './eventLog.ts';
import { emptyHistory, fold } from './history.ts';
import { lookAround, type RunSummary, summarize, whyUnread, withLogTail } from './run.ts';

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
        if (file === FILES.events) this.#schedule(20);
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

  #schedule(delay: number): void {
    if (this.#disposed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { void this.#look(); }, delay);
  }

  async #look(): Promise<void> {
    this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
      this.#schedule(this.#interval);
    });
    return this.#looking;
  }

  async #lookOnce(): Promise<void> {
    for (let more = true; more && !this.#disposed;) {
      const surroundings = await lookAround(this.#folder);
      let damage: string | undefined;
      const part = await this.#log.read().catch((error: unknown) => {
        damage = whyUnread(error);
        return { events: [], reset: false, more: false };
      });
      if (part.reset) {
        this.#history = emptyHistory();
        this.#resetPending = true;
      }
      for (const event of part.events) fold(this.#history, event);
      ({ more } = part);
      const summary = summarize(this.#folder, this.#history, surroundings, this.#log.badLines);
      const run = await withLogTail(damage === undefined ? summary : { ...summary, damage });
      this.#tell(run, part.events, more);
    }
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
