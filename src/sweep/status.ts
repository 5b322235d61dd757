/** Sweeps as lists and editors show them: plan, journal and queue from the sweep's folder, and the runs that a list has read anyway. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { type RunState } from '../experiment/record.ts';
import { type LauncherName } from '../experiment/sweepSchema.ts';
import { type RunSummary } from '../store/run.ts';
import { isLive, isWaiting } from '../store/state.ts';
import { isAsked, type JournalLine, listSweeps, queueProcess, readJournal, readPlan, SWEEP_FILES, sweepFolder, type SweepPlan } from './folder.ts';
import { bestRow, meanOf, sweepRows } from './results.ts';

/** `killed`: its queue ended without a word; runs that go are not hurt by that. */
export type SweepState = 'preparing' | 'running' | 'pausing' | 'stopping' | 'paused' | 'stopped' | 'finished' | 'killed';

/** Of one run in its sweep. `waiting`: not started, or to go on; `skipped`: ended early, or never begun because it would not be worth its time. */
export type PlaceState = RunState | 'waiting' | 'skipped';

type Planned = Omit<SweepPlan['runs'][number], 'overrides'>;

/** What a sweep's own folder tells. */
export interface SweepRecord {
  readonly id: string;
  readonly folder: string;
  /** Where its run folders lie. */
  readonly root: string;
  readonly name: string;
  /** Absolute path of the experiment file. */
  readonly file: string;
  readonly created: number;
  readonly on: LauncherName;
  readonly planned: readonly Planned[];
  readonly journal: readonly JournalLine[];
  /** Whether a queue works it now. */
  readonly isWorked: boolean;
  readonly asked: 'pause' | 'stop' | undefined;
}

export interface Place {
  readonly planned: Planned;
  readonly state: PlaceState;
  readonly run: RunSummary | undefined;
  readonly reason?: string | undefined;
}

export interface SweepStatus extends Pick<SweepRecord, 'id' | 'folder' | 'root' | 'name' | 'file' | 'created' | 'on'> {
  readonly state: SweepState;
  /** In the order of the queue. */
  readonly places: readonly Place[];
  /** Finished, or ended early by intention. */
  readonly done: number;
  readonly failed: number;
  /** Runs that have a folder, in the order of the queue. */
  readonly runs: readonly RunSummary[];
  /** The combination with the best mean AP so far. */
  readonly best?: { readonly label: string; readonly AP: number } | undefined;
}

/** A queue that has not opened its sweep after this time never will. */
const OPENING_MS = 20_000;

/** Reads the sweeps of a folder of runs again and again: a plan never changes, and a journal is read when it has grown. */
export class SweepReader {
  readonly #plans = new Map<string, SweepPlan>();
  readonly #journals = new Map<string, { readonly stamp: string; readonly lines: readonly JournalLine[] }>();

  /** Folders that are no sweeps are passed over. */
  async read(root: string): Promise<readonly SweepRecord[]> {
    const records = await Promise.all((await listSweeps(root)).map((id) => this.#one(path.resolve(root), id)));
    return records.flatMap((record) => record ?? []);
  }

  async #one(root: string, id: string): Promise<SweepRecord | undefined> {
    const folder = sweepFolder(root, id);
    const plan = this.#plans.get(folder) ?? await readPlan(folder).catch(() => undefined);
    if (plan === undefined) return undefined;
    this.#plans.set(folder, plan);
    const [journal, queue] = await Promise.all([this.#journal(folder), queueProcess(folder)]);
    return {
      id, folder, root, name: plan.name, file: plan.file, created: plan.created, on: plan.launch.on ?? 'local', planned: plan.runs, journal,
      isWorked: queue !== undefined, asked: isAsked(folder, 'stop') ? 'stop' : isAsked(folder, 'pause') ? 'pause' : undefined,
    };
  }

  async #journal(folder: string): Promise<readonly JournalLine[]> {
    const stamp = await stat(path.join(folder, SWEEP_FILES.journal)).then(({ size, mtimeMs }) => `${size} ${mtimeMs}`, () => '');
    const known = this.#journals.get(folder);
    if (known?.stamp === stamp) return known.lines;
    const lines = await readJournal(folder);
    this.#journals.set(folder, { stamp, lines });
    return lines;
  }
}

/** @param runs of any sweeps and none, newest first. */
export function sweepStatus(record: SweepRecord, runs: readonly RunSummary[], now = Date.now()): SweepStatus {
  const state = stateOf(record, now);
  const ofKey = new Map<string, RunSummary>();
  // Newest first: an older folder of the same run is one that was given up.
  for (const run of runs) if (run.sweep?.id === record.id && !ofKey.has(run.sweep.key) && path.dirname(run.folder) === record.root) ofKey.set(run.sweep.key, run);
  const facts = factsOf(record.journal);
  const places = record.planned.map((planned) => placeOf(planned, ofKey.get(planned.key), facts.get(planned.key), state));
  const count = (...states: readonly PlaceState[]): number => places.filter((place) => states.includes(place.state)).length;
  const rows = sweepRows(places.map(({ planned, run }) => ({ note: planned, run })));
  const best = bestRow(rows, 'AP');
  const AP = best === undefined ? undefined : meanOf(best, 'AP');
  const { id, folder, root, name, file, created, on } = record;
  return {
    id, folder, root, name, file, created, on, state, places, done: count('finished', 'skipped'), failed: count('failed', 'killed', 'lost'),
    runs: places.flatMap(({ run }) => run ?? []), best: best === undefined || AP === undefined ? undefined : { label: best.label, AP },
  };
}

function stateOf({ journal, isWorked, asked, created }: SweepRecord, now: number): SweepState {
  const opened = journal.findLastIndex(({ type }) => type === 'opened');
  const closed = journal.findLast((line, at) => line.type === 'closed' && at > opened);
  if (closed?.type === 'closed') return closed.state;
  if (isWorked) return asked === 'stop' ? 'stopping' : asked === 'pause' ? 'pausing' : opened < 0 ? 'preparing' : 'running';
  return opened < 0 && now - created < OPENING_MS ? 'preparing' : 'killed';
}

interface Fact {
  readonly asked: boolean;
  readonly skipped?: string | undefined;
  readonly failed: boolean;
}

/** What the journal tells of each run that its folder does not. */
function factsOf(journal: readonly JournalLine[]): ReadonlyMap<string, Fact> {
  const facts = new Map<string, Fact>();
  for (const line of journal) {
    if (!('key' in line)) continue;
    const before = facts.get(line.key) ?? { asked: false, failed: false };
    if (line.type === 'started') facts.set(line.key, { ...before, asked: false, failed: false });
    else if (line.type === 'skipped') facts.set(line.key, { ...before, skipped: line.reason });
    else if (line.type === 'ended') facts.set(line.key, { ...before, asked: line.asked === true, failed: line.state === 'failed' });
  }
  return facts;
}

function placeOf(planned: Planned, run: RunSummary | undefined, fact: Fact | undefined, sweep: SweepState): Place {
  const place = (state: PlaceState, reason = run?.reason): Place => ({ planned, run, state, reason });
  if (run === undefined) {
    if (fact?.skipped !== undefined) return place('skipped', fact.skipped);
    return place(fact?.failed === true || sweep === 'finished' ? 'failed' : 'waiting');
  }
  if (run.state === 'finished') return place('finished');
  if (isLive(run.state)) return place(isWaiting(run) ? 'waiting' : run.state);
  if (fact?.skipped !== undefined) return place('skipped', fact.skipped);
  // Preempted, or put aside by a pause that is over: the queue goes on with it.
  return place(run.state === 'stopped' && fact?.asked !== true && isGoing(sweep) ? 'waiting' : run.state);
}

export function isGoing(state: SweepState): boolean {
  return state === 'preparing' || state === 'running' || state === 'pausing' || state === 'stopping';
}
