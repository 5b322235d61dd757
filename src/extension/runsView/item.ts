/** Rows of the runs view: icons, words and tooltips. All that comes from a run folder is text, never markdown. */
import * as vscode from 'vscode';
import { type RunState } from '../../experiment/record.ts';
import { type RunGroup } from '../../store/arrange.ts';
import { isLengthenable, isLive, isResumable, type Run } from '../run.ts';
import { withRelativePaths } from '../settings.ts';
import { escapeMarkdown, groupDescription, plain, rowDescription, rowLabel, rowSpoken, tooltipOf } from './texts.ts';

/** One row a run, the same object as long as the run is known. */
export class RunNode {
  readonly kind = 'run';
  run: Run;
  /** Under its experiment; undefined in a flat list. */
  group: GroupNode | undefined;

  constructor(run: Run) {
    this.run = run;
  }
}

export class GroupNode {
  readonly kind = 'group';
  group: RunGroup;
  children: readonly RunNode[] = [];

  constructor(group: RunGroup) {
    this.group = group;
  }

  /** What a command that is called on it is about. */
  get runs(): readonly Run[] {
    return this.group.runs;
  }
}

export type Node = RunNode | GroupNode;

const ICONS: Readonly<Record<RunState, readonly [icon: string, colour: string]>> = {
  preparing: ['loading~spin', 'charts.blue'],
  running: ['sync~spin', 'charts.blue'],
  stopping: ['loading~spin', 'charts.yellow'],
  stopped: ['debug-pause', 'charts.yellow'],
  finished: ['pass', 'charts.green'],
  failed: ['error', 'charts.red'],
  killed: ['circle-slash', 'charts.red'],
  lost: ['question', 'charts.yellow'],
};

export function toItem(node: Node): vscode.TreeItem {
  return node.kind === 'run' ? runItem(node) : groupItem(node);
}

function runItem({ run, group }: RunNode): vscode.TreeItem {
  const label = rowLabel(run, group !== undefined, vscode.env.language);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  item.id = `run ${run.folder}`;
  item.description = rowDescription(vscode.l10n.t, run);
  const [icon, colour] = run.damage === undefined ? ICONS[run.state] : ['warning', 'list.warningForeground'];
  item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor(colour));
  item.contextValue = ['run', isLive(run) ? 'live' : 'over', isResumable(run) ? 'resumable' : 'final', ...(isLengthenable(run) ? ['lengthenable'] : []), run.pinned ? 'pinned' : 'loose'].join(' ');
  item.accessibilityInformation = { label: rowSpoken(vscode.l10n.t, run, label, item.description) };
  item.command = { command: 'distillLab.openFromView', title: vscode.l10n.t('Open Run Panel'), arguments: [run.id] };
  return item;
}

function groupItem({ group }: GroupNode): vscode.TreeItem {
  const item = new vscode.TreeItem(plain(group.name), vscode.TreeItemCollapsibleState.Expanded);
  item.id = `group ${group.key}`;
  item.description = groupDescription(vscode.l10n.t, group.runs);
  item.iconPath = new vscode.ThemeIcon('beaker');
  item.contextValue = ['group', ...(group.sourceFile === undefined ? [] : ['file'])].join(' ');
  // Without it the tooltip would be read, which is a path.
  item.accessibilityInformation = { label: `${plain(group.name)}, ${item.description}` };
  item.tooltip = group.sourceFile === undefined ? plain(group.name) : vscode.workspace.asRelativePath(group.sourceFile);
  return item;
}

/** Made when somebody rests on a row. Untrusted: no command, no HTML, no icon; every piece is escaped. */
export function tooltip({ run }: RunNode): vscode.MarkdownString {
  const { heading, sentences, table, facts, warnings } = tooltipOf(vscode.l10n.t, run, { folder: vscode.workspace.asRelativePath(run.folder), language: vscode.env.language });
  const markdown = new vscode.MarkdownString('', false);
  markdown.isTrusted = false;
  markdown.supportHtml = false;
  const lines = [`**${escapeMarkdown(heading)}**`, '', ...sentences.flatMap((sentence) => [escapeMarkdown(withRelativePaths(sentence)), ''])];
  for (const [at, row] of table.entries()) lines.push(`|${row.map(escapeMarkdown).join('|')}|`, ...(at === 0 ? ['|:--|--:|--:|--:|'] : []));
  lines.push('', ...facts.map(([name, value]) => `${escapeMarkdown(`${name}: ${value}`)}  `), ...warnings.flatMap((warning) => ['', `⚠ ${escapeMarkdown(warning)}`]));
  return markdown.appendMarkdown(lines.join('\n'));
}
