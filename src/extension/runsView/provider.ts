/** The rows of the runs view, in the order, the groups and the choice that the user asked for. */
import * as vscode from 'vscode';
import { type RunState } from '../../experiment/record.ts';
import { type SortKey } from '../../store/arrange.ts';
import { inBackground } from '../context.ts';
import { type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { GroupNode, type Node, RunNode, toItem, tooltip } from './item.ts';

export interface Arrangement {
  readonly sort: SortKey;
  readonly isGrouped: boolean;
  readonly text: string;
  readonly states: readonly RunState[];
}

const USUAL: Arrangement = { sort: 'newest', isGrouped: true, text: '', states: [] };
const KEY = 'runsView';
/** A row of a live run changes with every step; nobody reads it that often. */
const PAUSE_MS = 1000;

export class RunsProvider implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<Node | Node[] | undefined>;
  /** Fires when rows came, went or changed, with how many of all are shown. */
  readonly onDidArrange: vscode.Event<{ readonly shown: number; readonly all: number }>;
  private readonly changed = new vscode.EventEmitter<Node | Node[] | undefined>();
  private readonly arranged = new vscode.EventEmitter<{ readonly shown: number; readonly all: number }>();
  private readonly runs: Runs;
  private readonly log: vscode.LogOutputChannel;
  private readonly memory: vscode.Memento;
  private readonly subscription: vscode.Disposable;
  private readonly nodes = new Map<string, RunNode>();
  private readonly groups = new Map<string, GroupNode>();
  private roots: readonly Node[] = [];
  private outline = '';
  private readonly told = new Map<RunNode, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(runs: Runs, { log, memory }: { readonly log: vscode.LogOutputChannel; readonly memory: vscode.Memento }) {
    this.runs = runs;
    this.log = log;
    this.memory = memory;
    this.onDidChangeTreeData = this.changed.event;
    this.onDidArrange = this.arranged.event;
    this.subscription = runs.onDidChange(() => {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.update();
      }, PAUSE_MS);
    });
  }

  get arrangement(): Arrangement {
    return { ...USUAL, ...this.memory.get<Partial<Arrangement>>(KEY, {}) };
  }

  async arrange(change: Partial<Arrangement>): Promise<void> {
    await this.memory.update(KEY, { ...this.arrangement, ...change });
    await this.refresh();
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node !== undefined) return node.kind === 'group' ? [...node.children] : [];
    await this.runs.loaded;
    await this.build();
    return [...this.roots];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return toItem(node);
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'run' ? node.group : undefined;
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node.kind === 'run') item.tooltip = tooltip(node);
    return item;
  }

  /** The row of a run, where it is shown. */
  nodeOf(run: Run): RunNode | undefined {
    const node = this.nodes.get(run.folder);
    return this.roots.some((root) => root === node || (root.kind === 'group' && node !== undefined && root.children.includes(node))) ? node : undefined;
  }

  /** Draws every row anew, as ages and orders change with time. */
  async refresh(): Promise<void> {
    await this.build();
    this.changed.fire(undefined);
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(this.changed, this.arranged, this.subscription).dispose();
  }

  /** Rows that stay where they are are drawn by themselves; a thousand others are left in peace. */
  private update(): void {
    inBackground(this.log, (async () => {
      const before = this.outline;
      await this.build();
      if (before !== this.outline) {
        this.changed.fire(undefined);
        return;
      }
      const rows = [...this.told].filter(([node, told]) => told !== rowOf(node)).map(([node]) => node);
      for (const node of rows) this.told.set(node, rowOf(node));
      if (rows.length > 0) this.changed.fire([...rows, ...new Set(rows.flatMap(({ group }) => (group === undefined ? [] : [group])))]);
    })());
  }

  private async build(): Promise<void> {
    const { chooseRuns, groupRuns, sortRuns } = await import('../../store/arrange.ts');
    const { sort, isGrouped, text, states } = this.arrangement;
    const all = this.runs.all();
    const shown = sortRuns(chooseRuns(all, { text, states }), sort);
    const known = new Set(all.map(({ folder }) => folder));
    for (const [folder, node] of this.nodes) {
      if (known.has(folder)) continue;
      this.nodes.delete(folder);
      this.told.delete(node);
    }
    const rowsOf = (runs: readonly Run[], group: GroupNode | undefined): readonly RunNode[] => runs.map((run) => this.rowFor(run, group));
    this.roots = !isGrouped ? rowsOf(shown, undefined) : groupRuns(shown).map((group) => {
      const node = this.groups.get(group.key) ?? new GroupNode(group);
      this.groups.set(group.key, node);
      node.group = group;
      node.children = rowsOf(group.runs, node);
      return node;
    });
    this.outline = JSON.stringify(this.roots.map((root) => (root.kind === 'run' ? root.run.folder : [root.group.key, root.group.name, root.children.map(({ run }) => run.folder)])));
    this.arranged.fire({ shown: shown.length, all: all.length });
  }

  private rowFor(run: Run, group: GroupNode | undefined): RunNode {
    const node = this.nodes.get(run.folder) ?? new RunNode(run);
    node.run = run;
    node.group = group;
    this.nodes.set(run.folder, node);
    if (!this.told.has(node)) this.told.set(node, rowOf(node));
    return node;
  }
}

/** All of a row that anybody sees. */
function rowOf(node: RunNode): string {
  const { label, description, contextValue, iconPath } = toItem(node);
  return JSON.stringify([label, description, contextValue, iconPath]);
}
