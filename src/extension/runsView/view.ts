/** The view of runs in the activity bar: rows, a badge with the number of live runs, and what its buttons act on. */
import * as vscode from 'vscode';
import { inBackground } from '../context.ts';
import { isWaiting, type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { type Sweeps } from '../sweeps.ts';
import { type SweepStatus } from '../../sweep/status.ts';
import { stateWord } from '../words.ts';
import { type Node, RunNode } from './item.ts';
import { type Arrangement, RunsProvider } from './provider.ts';

export const VIEW = 'distillLab.runs';
/** No watcher tells what another machine does in a shared folder, so that it is looked at while somebody sees the view. */
const LOOK_MS = 10_000;

export class RunsView implements vscode.Disposable {
  private readonly runs: Runs;
  private readonly sweeps: Sweeps;
  private readonly log: vscode.LogOutputChannel;
  private readonly provider: RunsProvider;
  private readonly view: vscode.TreeView<Node>;
  private readonly subscriptions: vscode.Disposable;
  private timer: NodeJS.Timeout | undefined;
  /** A row that is selected by a key and not meant to be opened by it. */
  private unopened: string | undefined;

  constructor(runs: Runs, sweeps: Sweeps, parts: { readonly log: vscode.LogOutputChannel; readonly memory: vscode.Memento }) {
    this.runs = runs;
    this.log = parts.log;
    this.sweeps = sweeps;
    this.provider = new RunsProvider(runs, sweeps, parts);
    this.view = vscode.window.createTreeView(VIEW, { treeDataProvider: this.provider, canSelectMany: true, showCollapseAll: true });
    this.subscriptions = vscode.Disposable.from(
      this.provider, this.view,
      this.view.onDidChangeVisibility(({ visible }) => { this.watch(visible); }),
      this.provider.onDidArrange((counts) => { this.describe(counts); }),
      runs.onDidChange(() => { this.count(); }),
    );
    this.watch(this.view.visible);
    this.count();
    // Before that, an empty view does not mean that there is nothing.
    inBackground(parts.log, runs.loaded.finally(() => vscode.commands.executeCommand('setContext', 'distillLab.runsLoaded', true)));
  }

  get arrangement(): Arrangement {
    return this.provider.arrangement;
  }

  async arrange(change: Partial<Arrangement>): Promise<void> {
    await this.provider.arrange(change);
  }

  /** Looks at the folders now, and draws every row anew. */
  async refresh(): Promise<void> {
    await Promise.all([this.runs.look(), this.sweeps.look()]);
    await this.provider.refresh();
  }

  selected(): readonly Run[] {
    return this.view.selection.flatMap((node) => (node.kind === 'run' ? [node.run] : []));
  }

  /**
   * What a key means: the rows that are selected, or the one that the arrows have come to. The editor tells of the latter only
   * when it is selected; that opens it as well, which is not meant here.
   */
  async underKeys(): Promise<readonly Run[]> {
    if (this.view.selection.length > 1) return this.selected();
    this.unopened = 'any';
    try {
      await vscode.commands.executeCommand('list.selectAndPreserveFocus');
      const chosen = this.selected();
      this.unopened = chosen[0]?.id;
      return chosen;
    } finally {
      // The opening comes as a message of its own, a moment later or never.
      setTimeout(() => { this.unopened = undefined; }, 500);
    }
  }

  /** Whether a row that says it was opened really was. */
  isMeant(runId: unknown): boolean {
    const isMeant = this.unopened !== 'any' && this.unopened !== runId;
    if (!isMeant) this.unopened = undefined;
    return isMeant;
  }

  async reveal(run: Run): Promise<void> {
    const node = this.provider.nodeOf(run);
    if (node !== undefined && this.view.visible) await this.view.reveal(node, { select: true, focus: false });
  }

  /** Where the view is seen; it does not come up for it. */
  async revealSweep(sweep: SweepStatus): Promise<void> {
    if (!this.view.visible) return;
    await this.provider.refresh();
    const node = this.provider.nodeOfSweep(sweep);
    if (node !== undefined) await this.view.reveal(node, { select: true, focus: false, expand: true });
  }

  dispose(): void {
    clearInterval(this.timer);
    this.subscriptions.dispose();
  }

  private watch(isVisible: boolean): void {
    clearInterval(this.timer);
    if (!isVisible) return;
    inBackground(this.log, this.refresh());
    this.timer = setInterval(() => { inBackground(this.log, this.refresh()); }, LOOK_MS);
  }

  private count(): void {
    // What only waits for its cluster does not go yet.
    const live = this.runs.live().filter((run) => !isWaiting(run)).length;
    this.view.badge = live === 0 ? undefined : { value: live, tooltip: live === 1 ? vscode.l10n.t('1 run is going') : vscode.l10n.t('{0} runs are going', live) };
  }

  private describe({ shown, all }: { readonly shown: number; readonly all: number }): void {
    const { text, states, sort } = this.arrangement;
    const isFiltered = text !== '' || states.length > 0;
    void vscode.commands.executeCommand('setContext', 'distillLab.runsFiltered', isFiltered);
    void vscode.commands.executeCommand('setContext', 'distillLab.runsGrouped', this.arrangement.isGrouped);
    const orders: Readonly<Record<Arrangement['sort'], string>> = { newest: '', ap: vscode.l10n.t('by AP'), gain: vscode.l10n.t('by gain'), name: vscode.l10n.t('by name'), size: vscode.l10n.t('by size') };
    this.view.description = orders[sort];
    const what = [...(text === '' ? [] : [`“${text}”`]), ...states.map((state) => stateWord(vscode.l10n.t, state))].join(', ');
    const message = isFiltered && all > 0 ? vscode.l10n.t('{0} of {1} runs: {2}', shown, all, what) : '';
    if ((this.view.message ?? '') !== message) this.view.message = message;
  }
}

/** Menus of the view hand over the row clicked on and all that are selected; other places a run's id, or nothing. */
export function rowsGiven(target: unknown, selection: unknown): readonly Run[] {
  const rows = Array.isArray(selection) ? selection.filter((node) => node instanceof RunNode) : [];
  if (target instanceof RunNode) return rows.includes(target) ? rows.map(({ run }) => run) : [target.run];
  return [];
}

/** What key bindings hand over in `package.json`. */
export function isFromKeys(target: unknown): boolean {
  return typeof target === 'object' && target !== null && 'from' in target && target.from === 'keys';
}
