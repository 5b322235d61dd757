/**
 * The sweeps of this window's workspace folders, as their folders tell. A queue is a process of its own: it may have been
 * started here, from a terminal or in another window, and goes on when this one is closed.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import { type SweepReader, type SweepRecord, type SweepStatus } from '../sweep/status.ts';
import { inBackground } from './context.ts';
import { isLive } from './run.ts';
import { type Runs } from './runs.ts';
import { allRunsRoots, touchesRuns } from './settings.ts';
import { goes } from './sweep.ts';

/** Ids of sweeps that this window's user started and whose end was not told yet: they survive a reload. */
const UNTOLD = 'untoldSweeps';
/** A queue that is killed says nothing; only its process can be looked at. */
const LOOK_MS = 3000;
/** A sweep of hundreds of runs is not reckoned anew with every step of one of them. */
const PAUSE_MS = 500;

export class Sweeps implements vscode.Disposable {
  /** Settled when the folders were read for the first time. */
  readonly loaded: Promise<void>;
  readonly onDidChange: vscode.Event<void>;
  /** A sweep that the user started or resumed here has come to its end. */
  readonly onDidEnd: vscode.Event<SweepStatus>;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly ended = new vscode.EventEmitter<SweepStatus>();
  private readonly runs: Runs;
  private readonly log: vscode.LogOutputChannel;
  private readonly memory: vscode.Memento;
  private readonly subscriptions: vscode.Disposable;
  private watchers = vscode.Disposable.from();
  private reader: SweepReader | undefined;
  private records: readonly SweepRecord[] = [];
  private list: readonly SweepStatus[] = [];
  private looking: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private pending: NodeJS.Timeout | undefined;
  private timer: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(runs: Runs, log: vscode.LogOutputChannel, memory: vscode.Memento) {
    this.runs = runs;
    this.log = log;
    this.memory = memory;
    this.onDidChange = this.changed.event;
    this.onDidEnd = this.ended.event;
    this.subscriptions = vscode.Disposable.from(
      this.changed, this.ended,
      runs.onDidChange(() => { this.reckonSoon(); }),
      vscode.workspace.onDidChangeWorkspaceFolders(() => { void this.begin(); }),
      vscode.workspace.onDidChangeConfiguration((event) => { if (touchesRuns(event)) void this.begin(); }),
    );
    this.loaded = this.begin();
  }

  /** Newest first. */
  all(): readonly SweepStatus[] {
    return this.list;
  }

  byId(id: string): SweepStatus | undefined {
    return this.list.find((sweep) => sweep.id === id);
  }

  /** Those made of an experiment file, newest first. */
  allOf(file: string): readonly SweepStatus[] {
    return this.list.filter((sweep) => sweep.file === file);
  }

  /** Its queue was just started here: its end will be told. */
  async started(folder: string): Promise<void> {
    const id = path.basename(folder);
    await this.memory.update(UNTOLD, [...this.untold().filter((other) => other !== id), id]);
    await this.look();
  }

  /** Reads all folders now. One reading at a time: what is asked for meanwhile is read after it. */
  async look(): Promise<void> {
    if (this.looking === undefined) {
      this.looking = this.lookOnce().finally(() => { this.looking = undefined; });
      return this.looking;
    }
    this.next ??= this.looking.catch(() => undefined).then(() => {
      this.next = undefined;
      return this.look();
    });
    return this.next;
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.pending);
    clearTimeout(this.timer);
    vscode.Disposable.from(this.watchers, this.subscriptions).dispose();
  }

  private begin(): Promise<void> {
    // A sweep is told from its runs; until they are read there is nothing to watch for.
    const first = this.runs.loaded.then(() => {
      if (this.disposed) return undefined;
      this.watch();
      return this.look();
    });
    inBackground(this.log, first);
    return first;
  }

  private watch(): void {
    this.watchers.dispose();
    this.watchers = vscode.Disposable.from(...allRunsRoots().map((root) => {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(root), 'sweeps/*/{plan.json,journal.jsonl,queue.json,pause,stop}'));
      const look = (): void => { inBackground(this.log, this.look()); };
      return vscode.Disposable.from(watcher, watcher.onDidCreate(look), watcher.onDidChange(look), watcher.onDidDelete(look));
    }));
  }

  private async lookOnce(): Promise<void> {
    const { SweepReader: Reader } = await import('../sweep/status.ts');
    this.reader ??= new Reader();
    const { reader } = this;
    this.records = (await Promise.all(allRunsRoots().map((root) => reader.read(root)))).flat();
    await this.reckon();
  }

  private reckonSoon(): void {
    if (this.records.length === 0) return;
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      inBackground(this.log, this.reckon());
    }, PAUSE_MS);
  }

  private async reckon(): Promise<void> {
    const { sweepStatus } = await import('../sweep/status.ts');
    if (this.disposed) return;
    const runs = this.runs.all();
    this.list = this.records.map((record) => sweepStatus(record, runs)).sort((a, b) => b.created - a.created);
    this.changed.fire();
    clearTimeout(this.timer);
    if (this.list.some(goes)) this.timer = setTimeout(() => { inBackground(this.log, this.look()); }, LOOK_MS);
    for (const sweep of this.list) if (!goes(sweep)) await this.tellEnd(sweep);
  }

  private async tellEnd(sweep: SweepStatus): Promise<void> {
    const untold = this.untold();
    if (!untold.includes(sweep.id)) return;
    await this.memory.update(UNTOLD, untold.filter((id) => id !== sweep.id));
    // Its journal may be read before the last of its runs.
    for (const run of sweep.runs) if (isLive(run)) await this.runs.refresh(run.folder);
    const { sweepStatus } = await import('../sweep/status.ts');
    const record = this.records.find(({ id }) => id === sweep.id);
    this.ended.fire(record === undefined ? sweep : sweepStatus(record, this.runs.all()));
  }

  private untold(): readonly string[] {
    return this.memory.get<readonly string[]>(UNTOLD, []);
  }
}
