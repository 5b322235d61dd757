/** `FGD 38 % · AP 41.2 · 3 min left` while a run goes; a click opens its panel. */
import * as vscode from 'vscode';
import { isWaiting, progressOf } from './run.ts';
import { type Runs } from './runs.ts';
import { statusLine } from './words.ts';

/** A sweep may have hundreds. */
const MOST_NAMED = 12;

export function statusBar(runs: Runs): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('distillLab.run', vscode.StatusBarAlignment.Left, 10);
  item.name = vscode.l10n.t('Distillation Run');
  const update = (): void => {
    const live = runs.live();
    // What only waits for its cluster comes last.
    const [first, ...others] = [...live.filter((run) => !isWaiting(run)), ...live.filter(isWaiting)];
    if (first === undefined) {
      item.hide();
      return;
    }
    const line = statusLine(vscode.l10n.t, progressOf(first));
    item.text = others.length === 0 ? `$(graph-line) ${line}` : `$(graph-line) ${line} · ${vscode.l10n.t('{0} more', others.length)}`;
    const rest = others.length - MOST_NAMED;
    item.tooltip = [first.name, ...others.slice(0, MOST_NAMED).map((run) => `${run.name}: ${statusLine(vscode.l10n.t, progressOf(run))}`), ...(rest > 0 ? [vscode.l10n.t('{0} more', rest)] : [])].join('\n');
    item.accessibilityInformation = { label: `${first.name}, ${line}`, role: 'button' };
    item.command = { command: 'distillLab.openPanel', title: vscode.l10n.t('Open Run Panel'), arguments: [first.id] };
    item.show();
  };
  update();
  return vscode.Disposable.from(item, runs.onDidChange(update));
}
