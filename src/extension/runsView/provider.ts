/** The rows of the runs view, in the order, the groups and the choice that the user asked for. */
import * as vscode from 'vscode';
import { type RunGroup, type SortKey } from '../../store/arrange.ts';
import { type SweepStatus } from '../../sweep/status.ts';
import { inBackground } from '../context.ts';
import { type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { type Sweeps } from '../sweeps.ts';
import { arrangementIn } from './arrangement.ts';
import { rowsOfSweep } from './inSweep.ts';
import { GroupNode, type Node, RunNode, SweepNode, toItem, tooltip, WaitingNode } from './item.ts';

/** A row of a live run changes with every step; nobody reads it that often. */
const PAUSE_MS = 1000;

export class RunsProvider implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  readonly onDidChangeTreeData: vscode.Event<Node | Node[] | undefined>;
  /** Fires when rows came, went or changed, with how many of all are shown. */
  readonly onDidArrange: vscode.Event<{ readonly shown: number; readonly all: number }>;
  private readonly changed = new vscode.EventEmitter<Node | Node[] | undefined>();
  private readonly arranged = new vscode.EventEmitter<{ readonly shown: number; readonly all: number }>();
  private readonly runs: Runs;
  private readonly sweeps: Sweeps;
  private readonly log: vscode.LogOutputChannel;
  private readonly memory: vscode.Memento;
  private readonly subscription: vscode.Disposable;
  private readonly nodes = new Map<string, RunNode>();
  private readonly groups = new Map<string, GroupNode>();
  private readonly sweepNodes = new Map<string, SweepNode>();
  private roots: readonly Node[] = [];
  private outline = '';
  private readonly told = new Map<RunNode | SweepNode, string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(runs: Runs, sweeps: Sweeps, { log, memory }: { readonly log: vscode.LogOutputChannel; readonly memory: vscode.Memento }) {
    this.runs = runs;
    this.sweeps = sweeps;
    this.log = log;
    this.memory = memory;
    this.onDidChangeTreeData = this.changed.event;
    this.onDidArrange = this.arranged.event;
    const updateSoon = (): void => {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.update();
      }, PAUSE_MS);
    };
    this.subscription = vscode.Disposable.from(runs.onDidChange(updateSoon), sweeps.onDidChange(updateSoon));
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (node !== undefined) return node.kind === 'group' || node.kind === 'sweep' ? [...node.children] : [];
    await this.runs.loaded;
    await this.build();
    return [...this.roots];
  }

  getTreeItem(node: Node): vscode.TreeItem {
    return toItem(node);
  }

  getParent(node: Node): Node | undefined {
    return node.kind === 'group' ? undefined : node.parent;
  }

  resolveTreeItem(item: vscode.TreeItem, node: Node): vscode.TreeItem {
    if (node.kind === 'run') item.tooltip = tooltip(node);
    return item;
  }

  /** The row of a sweep, where it is shown. */
  nodeOfSweep({ folder }: Pick<SweepStatus, 'folder'>): SweepNode | undefined {
    const node = this.sweepNodes.get(folder);
    return node !== undefined && this.isShown(node) ? node : undefined;
  }

  private isShown(node: RunNode | SweepNode): boolean {
    const { parent } = node;
    if (parent === undefined) return this.roots.includes(node);
    if (parent.kind === 'sweep') return this.isShown(parent) && node.kind === 'run' && parent.children.includes(node);
    return this.roots.includes(parent) && parent.children.includes(node);
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
      if (rows.length > 0) this.changed.fire([...new Set(rows.flatMap((row) => [row, ...above(row)]))]);
    })());
  }

  private async build(): Promise<void> {
    const { chooseRuns, groupRuns, sortRuns } = await import('../../store/arrange.ts');
    const { sort, isGrouped, text, states } = arrangementIn(this.memory);
    const all = this.runs.all();
    const shown = sortRuns(chooseRuns(all, { text, states }), sort);
    const known = new Set(all.map(({ folder }) => folder));
    for (const [folder, node] of this.nodes) {
      if (known.has(folder)) continue;
      this.nodes.delete(folder);
      this.told.delete(node);
    }
    for (const [folder, node] of this.sweepNodes) {
      if (this.sweeps.byId(node.sweep.id) !== undefined) continue;
      this.sweepNodes.delete(folder);
      this.told.delete(node);
    }
    for (const node of this.sweepNodes.values()) node.children = [];
    if (!isGrouped) this.roots = shown.map((run) => this.rowFor(run, undefined));
    else {
      const isFiltered = text !== '' || states.length > 0;
      this.roots = this.withYoungSweeps(groupRuns(shown), isFiltered).map((group) => {
        const node = this.groups.get(group.key) ?? new GroupNode(group);
        this.groups.set(group.key, node);
        node.group = group;
        node.children = this.rowsOfGroup(node, { sort, isFiltered });
        return node;
      });
    }
    this.outline = JSON.stringify(this.roots.map(outlineOf));
    this.arranged.fire({ shown: shown.length, all: all.length });
  }

  /** A sweep whose first run is still to come stands in its experiment's group, which may be a new one. */
  private withYoungSweeps(groups: readonly RunGroup[], isFiltered: boolean): readonly RunGroup[] {
    if (isFiltered) return groups;
    const young = this.sweeps.all().filter((sweep) => sweep.runs.length === 0 && !groups.some(({ sourceFile }) => sourceFile === sweep.file));
    const files = new Map(young.map((sweep) => [sweep.file, sweep.name]));
    return [...[...files].map(([file, name]): RunGroup => ({ key: file, name, sourceFile: file, runs: [] })), ...groups];
  }

  /** Runs of a sweep stand under it, where the first of them would stand. */
  private rowsOfGroup(parent: GroupNode, order: { readonly sort: SortKey; readonly isFiltered: boolean }): readonly (RunNode | SweepNode)[] {
    const { runs, sourceFile } = parent.group;
    const young = order.isFiltered || sourceFile === undefined ? [] : this.sweeps.allOf(sourceFile).filter((sweep) => sweep.runs.length === 0);
    const rows: (RunNode | SweepNode)[] = young.map((sweep) => this.sweepFor(sweep, parent, [], order));
    const seen = new Set<string>();
    for (const run of runs) {
      const sweep = run.sweep === undefined ? undefined : this.sweeps.byId(run.sweep.id);
      // An older folder of the same place, or a run that only says that it belongs there, is a run like any other.
      if (sweep?.runs.some(({ folder }) => folder === run.folder) !== true) rows.push(this.rowFor(run, parent));
      else if (!seen.has(sweep.id)) {
        seen.add(sweep.id);
        rows.push(this.sweepFor(sweep, parent, runs, order));
      }
    }
    return rows;
  }

  private sweepFor(sweep: SweepStatus, parent: GroupNode, shown: readonly Run[], order: { readonly sort: SortKey; readonly isFiltered: boolean }): SweepNode {
    const node = this.sweepNodes.get(sweep.folder) ?? new SweepNode(sweep);
    this.sweepNodes.set(sweep.folder, node);
    node.sweep = sweep;
    node.parent = parent;
    const { rows, more } = rowsOfSweep(sweep, shown, order);
    const children = rows.map((row) => (row.place.run === undefined ? new WaitingNode(node, row) : this.rowFor(row.place.run, node, row)));
    node.children = more === undefined ? children : children.toSpliced(more.after, 0, new WaitingNode(node, { more: more.count }));
    if (!this.told.has(node)) this.told.set(node, rowOf(node));
    return node;
  }

  private rowFor(run: Run, parent: GroupNode | SweepNode | undefined, inSweep?: RunNode['inSweep']): RunNode {
    const node = this.nodes.get(run.folder) ?? new RunNode(run);
    node.run = run;
    node.parent = parent;
    node.inSweep = inSweep;
    this.nodes.set(run.folder, node);
    if (!this.told.has(node)) this.told.set(node, rowOf(node));
    return node;
  }
}

function above({ parent }: RunNode | SweepNode): readonly Node[] {
  return parent === undefined ? [] : parent.kind === 'sweep' ? [parent, ...above(parent)] : [parent];
}

/** Which rows there are, and in which order. */
function outlineOf(node: Node): unknown {
  switch (node.kind) {
    case 'run': return node.run.folder;
    case 'group': return [node.group.key, node.group.name, node.children.map(outlineOf)];
    case 'sweep': return [node.sweep.folder, node.children.map(outlineOf)];
    case 'waiting': return 'more' in node.waits ? node.waits.more : [node.waits.place.planned.key, node.waits.position];
  }
}

/** All of a row that anybody sees. */
function rowOf(node: RunNode | SweepNode): string {
  const { label, description, contextValue, iconPath } = toItem(node);
  return JSON.stringify([label, description, contextValue, iconPath]);
}
