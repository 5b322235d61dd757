/** The view of runs in the activity bar: rows, a badge with the number of live runs, and what its buttons act on. */
import * as vscode from 'vscode';
import { inBackground } from '../context.ts';
import { isWaiting, type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { type Sweeps } from '../sweeps.ts';
import { type SweepStatus } from '../../sweep/status.ts';
import { stateWord } from '../words.ts';
import { arrange, type Arrangement, arrangementIn } from './arrangement.ts';
import { type Node } from './item.ts';
import { type RunsProvider } from './provider.ts';

export const VIEW = 'distillLab.runs';
/** No watcher tells what another machine does in a shared folder, so that it is looked at while somebody sees the view. */
const LOOK_MS = 10_000;

export class RunsView implements vscode.Disposable {
  private readonly runs: Runs;
  private readonly sweeps: Sweeps;
  private readonly log: vscode.LogOutputChannel;
  private readonly memory: vscode.Memento;
  /** The rows, from the moment when somebody looks at them. */
  private rows: Promise<RunsProvider> | undefined;
  private readonly changed = new vscode.EventEmitter<Node | Node[] | undefined>();
  private readonly view: vscode.TreeView<Node>;
  private readonly subscriptions: vscode.Disposable;
  private timer: NodeJS.Timeout | undefined;
  /** A row that is selected by a key and not meant to be opened by it. */
  private unopened: string | undefined;

  constructor(runs: Runs, sweeps: Sweeps, { log, memory }: { readonly log: vscode.LogOutputChannel; readonly memory: vscode.Memento }) {
    this.runs = runs;
    this.log = log;
    this.memory = memory;
    this.sweeps = sweeps;
    this.view = vscode.window.createTreeView(VIEW, {
      treeDataProvider: {
        onDidChangeTreeData: this.changed.event,
        getChildren: async (node?: Node) => (await this.provider()).getChildren(node),
        getTreeItem: async (node) => (await this.provider()).getTreeItem(node),
        getParent: async (node) => (await this.provider()).getParent(node),
        resolveTreeItem: async (item, node) => (await this.provider()).resolveTreeItem(item, node),
      },
      canSelectMany: true, showCollapseAll: true,
    });
    this.subscriptions = vscode.Disposable.from(
      this.changed, this.view,
      this.view.onDidChangeVisibility(({ visible }) => { this.watch(visible); }),
      runs.onDidChange(() => { this.count(); }),
    );
    this.watch(this.view.visible);
    this.count();
    // Before that, an empty view does not mean that there is nothing.
    inBackground(log, runs.loaded.finally(() => {
      void vscode.commands.executeCommand('setContext', 'distillLab.runsLoaded', true);
      this.tellMenus();
    }));
  }

  get arrangement(): Arrangement {
    return arrangementIn(this.memory);
  }

  async arrange(change: Partial<Arrangement>): Promise<void> {
    await arrange(this.memory, change);
    await (await this.provider()).refresh();
  }

  /** Looks at the folders now, and draws every row anew. */
  async refresh(): Promise<void> {
    await Promise.all([this.runs.look(), this.sweeps.look()]);
    await (await this.provider()).refresh();
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

  /** Where the view is seen; it does not come up for it. */
  async revealSweep(sweep: SweepStatus): Promise<void> {
    if (!this.view.visible) return;
    const provider = await this.provider();
    await provider.refresh();
    const node = provider.nodeOfSweep(sweep);
    if (node !== undefined) await this.view.reveal(node, { select: true, focus: false, expand: true });
  }

  dispose(): void {
    clearInterval(this.timer);
    this.subscriptions.dispose();
    void this.rows?.then((provider) => { provider.dispose(); });
  }

  private async provider(): Promise<RunsProvider> {
    this.rows ??= import('./provider.ts').then(({ RunsProvider: Rows }) => {
      const provider = new Rows(this.runs, this.sweeps, { log: this.log, memory: this.memory });
      provider.onDidChangeTreeData((nodes) => { this.changed.fire(nodes); });
      provider.onDidArrange((counts) => { this.describe(counts); });
      return provider;
    });
    return this.rows;
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

  /** @returns whether some runs are left out. */
  private tellMenus(): boolean {
    const { text, states, isGrouped } = this.arrangement;
    const isFiltered = text !== '' || states.length > 0;
    void vscode.commands.executeCommand('setContext', 'distillLab.runsFiltered', isFiltered);
    void vscode.commands.executeCommand('setContext', 'distillLab.runsGrouped', isGrouped);
    return isFiltered;
  }

  private describe({ shown, all }: { readonly shown: number; readonly all: number }): void {
    const { text, states, sort } = this.arrangement;
    const isFiltered = this.tellMenus();
    const orders: Readonly<Record<Arrangement['sort'], string>> = { newest: '', ap: vscode.l10n.t('by AP'), gain: vscode.l10n.t('by gain'), name: vscode.l10n.t('by name'), size: vscode.l10n.t('by size') };
    this.view.description = orders[sort];
    const what = [...(text === '' ? [] : [`“${text}”`]), ...states.map((state) => stateWord(vscode.l10n.t, state))].join(', ');
    const message = isFiltered && all > 0 ? vscode.l10n.t('{0} of {1} runs: {2}', shown, all, what) : '';
    if ((this.view.message ?? '') !== message) this.view.message = message;
  }
}
