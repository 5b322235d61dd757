/** Rows of the runs view: icons, words and tooltips. All that comes from a run folder is text, never markdown. */
import * as vscode from 'vscode';
import { escapeMarkdown } from '../../markup.ts';
import { type RunState } from '../../experiment/record.ts';
import { type RunGroup } from '../../store/arrange.ts';
import { type Place, type SweepState, type SweepStatus } from '../../sweep/status.ts';
import { isLengthenable, isLive, isResumable, isWaiting, type Run } from '../run.ts';
import { withRelativePaths } from '../settings.ts';
import { goes, isResumable as canResume } from '../sweep.ts';
import { labelOf, placeStateWord, sweepDescription, sweepStateWord, waitingWords } from '../sweepWords.ts';
import { stateWord } from '../words.ts';
import { groupDescription, moment, plain, rowDescription, rowLabel, rowSpoken, tooltipOf } from './texts.ts';

/** Where a run stands in its sweep; `position` among those that wait, from 1. */
export interface InSweep {
  readonly place: Place;
  readonly position?: number | undefined;
}

/** One row a run, the same object as long as the run is known. */
export class RunNode {
  readonly kind = 'run';
  run: Run;
  /** Under its experiment or its sweep; undefined in a flat list. */
  parent: GroupNode | SweepNode | undefined;
  inSweep: InSweep | undefined;

  constructor(run: Run) {
    this.run = run;
  }
}

export class GroupNode {
  readonly kind = 'group';
  group: RunGroup;
  children: readonly (RunNode | SweepNode)[] = [];

  constructor(group: RunGroup) {
    this.group = group;
  }

  /** What a command that is called on it is about. */
  get runs(): readonly Run[] {
    return this.group.runs;
  }
}

export class SweepNode {
  readonly kind = 'sweep';
  sweep: SweepStatus;
  parent: GroupNode | undefined;
  children: readonly (RunNode | WaitingNode)[] = [];

  constructor(sweep: SweepStatus) {
    this.sweep = sweep;
  }

  get runs(): readonly Run[] {
    return this.sweep.runs;
  }
}

/** A run of a sweep that has no folder yet, or, with `more`, those that are not shown one by one. */
export class WaitingNode {
  readonly kind = 'waiting';
  readonly parent: SweepNode;
  readonly waits: InSweep | { readonly more: number };

  constructor(parent: SweepNode, waits: WaitingNode['waits']) {
    this.parent = parent;
    this.waits = waits;
  }
}

export type Node = RunNode | GroupNode | SweepNode | WaitingNode;

type Look = readonly [icon: string, colour: string];
const ICONS: Readonly<Record<RunState, Look>> = {
  preparing: ['loading~spin', 'charts.blue'],
  running: ['sync~spin', 'charts.blue'],
  stopping: ['loading~spin', 'charts.yellow'],
  stopped: ['debug-pause', 'charts.yellow'],
  finished: ['pass', 'charts.green'],
  failed: ['error', 'charts.red'],
  killed: ['circle-slash', 'charts.red'],
  lost: ['question', 'charts.yellow'],
};
const DAMAGED: Look = ['warning', 'list.warningForeground'];
const WAITING: Look = ['clock', 'disabledForeground'];
const SKIPPED: Look = ['debug-step-over', 'disabledForeground'];
const SWEEP_COLOURS: Readonly<Record<SweepState, string>> = {
  preparing: 'charts.blue', running: 'charts.blue', pausing: 'charts.yellow', stopping: 'charts.yellow', paused: 'charts.yellow', stopped: 'charts.yellow', finished: 'charts.green', killed: 'charts.red',
};

export function toItem(node: Node): vscode.TreeItem {
  switch (node.kind) {
    case 'run': return runItem(node);
    case 'group': return groupItem(node);
    case 'sweep': return sweepItem(node);
    case 'waiting': return waitingItem(node);
  }
}

function runItem({ run, parent, inSweep }: RunNode): vscode.TreeItem {
  const label = inSweep === undefined || run.name !== run.experimentName ? rowLabel(run, parent !== undefined, vscode.env.language) : placeLabel(inSweep.place);
  const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState.None);
  item.id = `run ${run.folder}`;
  item.description = descriptionOf(run, inSweep);
  const [icon, colour] = lookOf(run, inSweep);
  item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor(colour));
  item.contextValue = ['run', isLive(run) ? 'live' : 'over', isResumable(run) ? 'resumable' : 'final', ...(isLengthenable(run) ? ['lengthenable'] : []), run.pinned ? 'pinned' : 'loose'].join(' ');
  const state = inSweep === undefined ? stateWord(vscode.l10n.t, run.state) : placeStateWord(vscode.l10n.t, inSweep.place.state);
  item.accessibilityInformation = { label: rowSpoken(vscode.l10n.t, run, label, item.description, state) };
  item.command = { command: 'distillLab.openFromView', title: vscode.l10n.t('Open Run Panel'), arguments: [run.id] };
  return item;
}

function descriptionOf(run: Run, inSweep: InSweep | undefined): string {
  const { place, position } = inSweep ?? {};
  if (place?.state === 'waiting' && position !== undefined) return waitingWords(vscode.l10n.t, place, position);
  const words = rowDescription(vscode.l10n.t, run);
  return place?.state === 'skipped' ? `${vscode.l10n.t('ended early')} · ${words}` : words;
}

function lookOf(run: Run, inSweep: InSweep | undefined): Look {
  if (run.damage !== undefined) return DAMAGED;
  if (isWaiting(run) || inSweep?.place.state === 'waiting') return WAITING;
  return inSweep?.place.state === 'skipped' ? SKIPPED : ICONS[run.state];
}

/** `FGD, alpha 0.001, seed 2`. */
function placeLabel({ planned }: Place): string {
  return vscode.l10n.t('{0}, seed {1}', labelOf(vscode.l10n.t, planned), planned.seed);
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

function sweepItem({ sweep }: SweepNode): vscode.TreeItem {
  const label = vscode.l10n.t('Sweep, {0}', moment(sweep.created, vscode.env.language) ?? sweep.id);
  const item = new vscode.TreeItem(label, goes(sweep) ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed);
  item.id = `sweep ${sweep.folder}`;
  item.description = sweepDescription(vscode.l10n.t, sweep);
  item.iconPath = new vscode.ThemeIcon('layers', new vscode.ThemeColor(sweep.failed > 0 && sweep.state === 'finished' ? 'charts.red' : SWEEP_COLOURS[sweep.state]));
  const pausable = sweep.state === 'running' || sweep.state === 'preparing';
  item.contextValue = ['sweep', goes(sweep) ? 'going' : 'over', ...(pausable ? ['pausable'] : []), ...(canResume(sweep) ? ['continuable'] : []), ...(sweep.best === undefined ? [] : ['best'])].join(' ');
  item.accessibilityInformation = { label: [label, plain(sweep.name), sweepStateWord(vscode.l10n.t, sweep.state), item.description].join(', ') };
  const best = sweep.best === undefined ? [] : [vscode.l10n.t('Best: {0}', labelOf(vscode.l10n.t, { role: 'student', label: sweep.best.label }))];
  const killed = sweep.state === 'killed' ? [vscode.l10n.t('Its queue has ended without a word. Runs that go are not hurt by that; Resume goes on with the others.')] : [];
  item.tooltip = [plain(sweep.name), `${sweepStateWord(vscode.l10n.t, sweep.state)} · ${sweepDescription(vscode.l10n.t, sweep)}`, ...killed, ...best, vscode.l10n.t('Launcher: {0}', sweep.on), vscode.workspace.asRelativePath(sweep.folder)].join('\n');
  return item;
}

function waitingItem({ parent, waits }: WaitingNode): vscode.TreeItem {
  const isMore = 'more' in waits;
  const item = new vscode.TreeItem(isMore ? vscode.l10n.t('{0} more', waits.more) : placeLabel(waits.place), vscode.TreeItemCollapsibleState.None);
  item.id = `waiting ${parent.sweep.folder} ${isMore ? 'more' : waits.place.planned.key}`;
  const { state } = isMore ? { state: 'waiting' as const } : waits.place;
  item.description = isMore ? vscode.l10n.t('waiting') : waits.position === undefined ? [placeStateWord(vscode.l10n.t, state), ...(waits.place.reason === undefined ? [] : [plain(waits.place.reason)])].join(' · ') : waitingWords(vscode.l10n.t, waits.place, waits.position);
  const [icon, colour] = state === 'failed' ? ICONS.failed : state === 'skipped' ? SKIPPED : WAITING;
  item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor(colour));
  item.contextValue = 'waiting';
  item.tooltip = item.description;
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
