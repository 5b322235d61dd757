/** The runs of a comparison, followed: what the page is told of each, and when. */
import { type ComparedRun } from '../comparison/run.ts';
import { type RunChange, type Watch } from '../store/index.ts';
import { type ToPage } from '../../webview/compare/contract.ts';
import { type Run } from './run.ts';
import { type Runs } from './runs.ts';

/** So many events a message: the page paints the first part while the rest is on its way. */
const EVENTS_A_MESSAGE = 5000;
/** Milliseconds. Figures in a table need not dance with every step. */
const TELL_EVERY = 500;
/** So many are told event by event, for their curves; of the others the figures alone. */
const MOST_FOLLOWED = 24;

export class Followed {
  readonly #runs: Runs;
  readonly #post: (message: ToPage) => void;
  readonly #watches = new Map<string, Watch>();
  readonly #experiments = new Map<string, unknown>();
  readonly #latest = new Map<string, ComparedRun>();
  readonly #untold = new Set<string>();
  #ids: readonly string[] = [];
  #sweep: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Counts the beginnings: what was on its way for an earlier one is dropped. */
  #generation = 0;

  constructor(runs: Runs, post: (message: ToPage) => void) {
    this.#runs = runs;
    this.#post = post;
  }

  /** Tells everything of these runs from the first event on, then what comes. */
  async begin(ids: readonly string[], sweep: string | undefined): Promise<void> {
    this.end();
    this.#ids = ids;
    this.#sweep = sweep;
    for (const known of this.#latest.keys()) if (!ids.includes(known)) this.#latest.delete(known);
    const generation = this.#generation;
    for (const id of ids) await this.#read(id);
    if (generation !== this.#generation) return;
    this.#tellSet();
    await this.look();
  }

  /** Others have joined; what is told of the rest goes on. */
  async change(ids: readonly string[]): Promise<void> {
    const generation = this.#generation;
    const news = ids.filter((id) => !this.#ids.includes(id));
    this.#ids = ids;
    for (const id of news) await this.#read(id);
    if (generation !== this.#generation) return;
    this.#tellSet();
    await this.look();
  }

  #tellSet(): void {
    this.#post({ type: 'set', runs: this.#ids.flatMap((id) => this.#latest.get(id) ?? []), sweep: this.#sweep });
  }

  end(): void {
    this.#generation += 1;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const watch of this.#watches.values()) watch.dispose();
    this.#watches.clear();
  }

  /** Something changed among the runs of the window: a folder may have gone, or come back. */
  async look(): Promise<void> {
    const generation = this.#generation;
    const { watchRun } = await import('../store/index.ts');
    if (generation !== this.#generation) return;
    for (const id of this.#ids) {
      const run = this.#runs.byId(id);
      if (run === undefined) this.#lose(id);
      else if (!this.#watches.has(id) && this.#watches.size >= MOST_FOLLOWED) this.#takeListed(run);
      else if (!this.#watches.has(id)) {
        this.#watches.set(id, watchRun(run.folder, (change) => { if (generation === this.#generation) this.#take(id, change); }));
      }
    }
  }

  #takeListed(run: Run): void {
    const next = this.#compared?.(run);
    if (next === undefined || JSON.stringify({ ...next, experiment: undefined }) === JSON.stringify({ ...this.#latest.get(run.id), experiment: undefined })) return;
    this.#latest.set(run.id, next);
    this.#tellSoon(run.id);
  }

  #lose(id: string): void {
    this.#watches.get(id)?.dispose();
    this.#watches.delete(id);
    const known = this.#latest.get(id);
    if (known === undefined || known.state === 'deleted') return;
    this.#latest.set(id, { ...known, state: 'deleted' });
    this.#tellSoon(id);
  }

  async #read(id: string): Promise<void> {
    const run = this.#runs.byId(id);
    if (run === undefined) return;
    const [{ readResolved }, { comparedRun }] = await Promise.all([import('../store/index.ts'), import('../comparison/read.ts')]);
    const resolved = await readResolved(run.folder).catch(() => undefined);
    this.#experiments.set(id, resolved?.experiment);
    // The list knows no figures by class; the first look at the events does.
    this.#latest.set(id, comparedRun(run, resolved));
    this.#compared = (summary) => ({ ...comparedRun(summary, undefined), experiment: this.#experiments.get(summary.id) });
  }

  #compared: ((run: Run) => ComparedRun) | undefined;

  #take(id: string, { run, events, reset }: RunChange): void {
    for (let from = 0; from === 0 || from < events.length; from += EVENTS_A_MESSAGE) {
      this.#post({ type: 'of', id, message: { type: 'events', events: events.slice(from, from + EVENTS_A_MESSAGE), reset: reset && from === 0 } });
    }
    const next = this.#compared?.(run);
    if (next === undefined) return;
    this.#latest.set(id, next);
    this.#tellSoon(id);
  }

  #tellSoon(id: string): void {
    this.#untold.add(id);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const one of this.#untold) {
        const run = this.#latest.get(one);
        if (run !== undefined) this.#post({ type: 'run', run });
      }
      this.#untold.clear();
    }, TELL_EVERY);
  }
}
