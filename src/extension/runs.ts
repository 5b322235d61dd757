/**
 * The runs of this window's workspace folders. Everything known of a run comes from its folder, so a run that
 * was started before a reload, from a terminal or in another window is the same as one started here.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import { type Watch } from '../store/index.ts';
import { inBackground } from './context.ts';
import { isLive, mayComeBack, type Run } from './run.ts';
import { allRunsRoots, touchesRuns } from './settings.ts';

/** Ids of runs that this window's user started and whose end was not told yet: they survive a reload. */
const UNTOLD = 'untold';

export class Runs implements vscode.Disposable {
  /** Settled when the folders were read for the first time. */
  readonly loaded: Promise<void>;
  readonly onDidChange: vscode.Event<void>;
  /** A run that the user started or resumed here has ended. */
  readonly onDidEnd: vscode.Event<Run>;
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly ended = new vscode.EventEmitter<Run>();
  private readonly byFolder = new Map<string, Run>();
  /** One for each run that is live, or lost and perhaps not gone. */
  private readonly watches = new Map<string, Watch>();
  private readonly log: vscode.LogOutputChannel;
  private readonly memory: vscode.Memento;
  private readonly subscriptions: vscode.Disposable;
  private rootWatches = vscode.Disposable.from();
  private pending: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(log: vscode.LogOutputChannel, memory: vscode.Memento) {
    this.log = log;
    this.memory = memory;
    this.onDidChange = this.changed.event;
    this.onDidEnd = this.ended.event;
    this.subscriptions = vscode.Disposable.from(
      this.changed, this.ended,
      vscode.workspace.onDidChangeWorkspaceFolders(() => { inBackground(log, this.reload()); }),
      vscode.workspace.onDidChangeConfiguration((event) => { if (touchesRuns(event)) inBackground(log, this.reload()); }),
    );
    this.loaded = this.reload();
    inBackground(log, this.loaded);
  }

  /** Newest first. */
  all(): readonly Run[] {
    return [...this.byFolder.values()].sort((a, b) => b.created - a.created);
  }

  live(): readonly Run[] {
    return this.all().filter(isLive);
  }

  byId(id: string): Run | undefined {
    return this.all().find((run) => run.id === id);
  }

  /** The runs made of an experiment file, newest first. */
  allOf(file: string): readonly Run[] {
    return this.all().filter(({ sourceFile }) => sourceFile === file);
  }

  /** The last of them. */
  latestOf(file: string): Run | undefined {
    return this.allOf(file)[0];
  }

  /** A child was just started on this folder: its end will be told. */
  async started(folder: string): Promise<Run> {
    const id = path.basename(folder);
    await this.memory.update(UNTOLD, [...this.untold().filter((other) => other !== id), id]);
    await this.refresh(folder);
    const run = this.byFolder.get(folder);
    if (run === undefined) throw new Error(`${folder} is not a run folder.`);
    return run;
  }

  /** Looks at one run now, as its folder was just changed from here. */
  async refresh(folder: string): Promise<void> {
    const watch = this.watches.get(folder);
    if (watch !== undefined) {
      await watch.refresh();
      return;
    }
    const { readRun } = await import('../store/index.ts');
    const run = await readRun(folder);
    // A watch that came up meanwhile knows more than this reading, which may be older.
    const since = this.watches.get(folder);
    await (since === undefined ? this.take(run) : since.refresh());
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.pending);
    this.unwatch();
    vscode.Disposable.from(this.rootWatches, this.subscriptions).dispose();
  }

  /** Reads all roots anew and follows what goes. */
  private async reload(): Promise<void> {
    this.unwatch();
    this.byFolder.clear();
    const roots = allRunsRoots();
    const { FILES } = await import('../experiment/record.ts');
    this.watchRoots(roots, FILES);
    const { listRuns } = await import('../store/index.ts');
    for (const run of await listRuns(roots)) await this.take(run);
    this.fireSoon();
  }

  /** Keeps what is now known of a run; a living one is followed until it ends. */
  private async take(run: Run): Promise<void> {
    if (this.disposed) return;
    this.byFolder.set(run.folder, run);
    this.fireSoon();
    if (isLive(run) || mayComeBack(run)) await this.follow(run.folder);
    if (!isLive(run)) await this.tellEnd(run);
  }

  private async follow(folder: string): Promise<void> {
    if (this.watches.has(folder)) return;
    const { watchRun } = await import('../store/index.ts');
    if (this.disposed || this.watches.has(folder)) return;
    this.watches.set(folder, watchRun(folder, ({ run, more }) => {
      // A run is over when it is read to its end: an earlier part may lack its last steps, or show a former attempt.
      if (more) return;
      if (!isLive(run) && !mayComeBack(run)) {
        this.watches.get(folder)?.dispose();
        this.watches.delete(folder);
      }
      inBackground(this.log, this.take(run));
    }));
  }

  private async tellEnd(run: Run): Promise<void> {
    const untold = this.untold();
    if (!untold.includes(run.id)) return;
    await this.memory.update(UNTOLD, untold.filter((id) => id !== run.id));
    this.ended.fire(run);
  }

  /** New run folders, and resumes from elsewhere: both write a launch note. */
  private watchRoots(roots: readonly string[], files: { readonly launch: string; readonly resolved: string }): void {
    this.rootWatches.dispose();
    if (this.disposed) return;
    this.rootWatches = vscode.Disposable.from(...roots.map((root) => {
      const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(root), `*/{${files.launch},${files.resolved}}`), false, false, false);
      const look = (uri: vscode.Uri): void => { inBackground(this.log, this.refresh(path.dirname(uri.fsPath))); };
      return vscode.Disposable.from(watcher, watcher.onDidCreate(look), watcher.onDidChange(look), watcher.onDidDelete((uri) => { if (path.basename(uri.fsPath) === files.resolved) this.forget(path.dirname(uri.fsPath)); }));
    }));
  }

  private forget(folder: string): void {
    this.watches.get(folder)?.dispose();
    this.watches.delete(folder);
    if (this.byFolder.delete(folder)) this.fireSoon();
  }

  private unwatch(): void {
    for (const watch of this.watches.values()) watch.dispose();
    this.watches.clear();
  }

  private untold(): readonly string[] {
    return this.memory.get<readonly string[]>(UNTOLD, []);
  }

  /** A fast run writes fifty events a second; nobody reads a status bar that fast. */
  private fireSoon(): void {
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      if (!this.disposed) this.changed.fire();
    }, 200);
  }
}
