/**
 * The runs of this window's workspace folders. Everything known of a run comes from its folder, so a run that
 * was started before a reload, from a terminal or in another window is the same as one started here.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import { type ListMemory, type Watch } from '../store/index.ts';
import { inBackground } from './context.ts';
import { isLive, mayComeBack, type Run } from './run.ts';
import { allRunsRoots, touchesRuns } from './settings.ts';

/** Ids of runs that this window's user started and whose end was not told yet: they survive a reload. */
const UNTOLD = 'untold';

const SECOND_LOOKS_MS = [1000, 5000];

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
  private readonly listed: ListMemory = new Map();
  private looking: Promise<void> | undefined;
  private pending: NodeJS.Timeout | undefined;
  private later: readonly NodeJS.Timeout[] = [];
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
    const { isLink, readRun } = await import('../store/index.ts');
    // A watcher tells of what lies behind a link, too; a list knows to leave it alone.
    if (await isLink(folder)) {
      await this.look();
      return;
    }
    const run = await readRun(folder);
    // A watch that came up meanwhile knows more than this reading, which may be older.
    const since = this.watches.get(folder);
    await (since === undefined ? this.take(run) : since.refresh());
  }

  /** Looks at all folders: what came, went or changed without a notice, as it does when another machine writes them. */
  async look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => { this.looking = undefined; });
    return this.looking;
  }

  /** It was just deleted from here. */
  forget(folder: string): void {
    this.watches.get(folder)?.dispose();
    this.watches.delete(folder);
    if (this.byFolder.delete(folder)) this.fireSoon();
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.pending);
    for (const timer of this.later) clearTimeout(timer);
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
    const { listRuns, purgeAbandoned } = await import('../store/index.ts');
    for (const run of await listRuns(roots, this.listed)) await this.take(run);
    this.fireSoon();
    // What a window deleted that was closed before it could empty its trash.
    for (const root of roots) inBackground(this.log, purgeAbandoned(root));
  }

  private async lookOnce(): Promise<void> {
    await this.loaded;
    const before = [...this.byFolder.keys()];
    const { listRuns } = await import('../store/index.ts');
    const found = new Map((await listRuns(allRunsRoots(), this.listed)).map((run) => [run.folder, run]));
    for (const folder of before) if (!found.has(folder)) this.forget(folder);
    for (const [folder, run] of found) {
      const known = this.byFolder.get(folder);
      // A watch knows more of its run than a list does, but not its size.
      if (known !== undefined && this.watches.has(folder)) this.byFolder.set(folder, { ...known, bytes: run.bytes });
      else if (known === undefined || traitsOf(known) !== traitsOf(run)) await this.take(run);
    }
  }

  /** Keeps what is now known of a run; a living one is followed until it ends. */
  private async take(run: Run): Promise<void> {
    if (this.disposed) return;
    this.byFolder.set(run.folder, { bytes: this.byFolder.get(run.folder)?.bytes, ...run });
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
      // What is written into a folder in the moment of its making can escape the system's notice: its making is the surer word.
      const folders = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(root), '*'), false, true, true);
      return vscode.Disposable.from(folders, folders.onDidCreate(() => { this.lookLater(); }), watcher, watcher.onDidCreate(look), watcher.onDidChange(look), watcher.onDidDelete((uri) => { if (path.basename(uri.fsPath) === files.resolved) this.forget(path.dirname(uri.fsPath)); }));
    }));
  }

  /** A moment after a folder was made, and once more for a slow machine. */
  private lookLater(): void {
    for (const timer of this.later) clearTimeout(timer);
    this.later = SECOND_LOOKS_MS.map((delay) => setTimeout(() => { if (!this.disposed) inBackground(this.log, this.look()); }, delay));
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

/** What tells an old reading from a new one. */
function traitsOf({ state, reason, name, pinned, updated, bytes, damage, lastStep }: Run): string {
  return JSON.stringify([state, reason, name, pinned, updated, bytes, damage, lastStep?.step]);
}
