/** Above the first line of an experiment: Run, or Stop and the run's progress, or Resume. */
import * as vscode from 'vscode';
import { LANGUAGE } from './context.ts';
import { isLive, isResumable, progressOf, type Run } from './run.ts';
import { type Runs } from './runs.ts';
import { isOn } from './settings.ts';
import { stateLine } from './words.ts';

export function codeLens(runs: Runs): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const provider: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses: (document) => isOn('codeLens', document.uri) ? lenses(runs.latestOf(document.uri.fsPath)) : [],
  };
  // What stands above the line changes with these alone; every step would make the editor twitch.
  let shown = '';
  const update = (): void => {
    const now = runs.all().map((run) => `${run.id} ${run.state} ${run.metrics.student?.AP ?? ''} ${run.gain?.value ?? ''}`).join();
    if (now === shown) return;
    shown = now;
    changed.fire();
  };
  return vscode.Disposable.from(
    changed,
    vscode.languages.registerCodeLensProvider({ language: LANGUAGE }, provider),
    runs.onDidChange(update),
    vscode.workspace.onDidGrantWorkspaceTrust(() => { changed.fire(); }),
  );
}

function lenses(run: Run | undefined): vscode.CodeLens[] {
  const range = new vscode.Range(0, 0, 0, 0);
  const lens = (title: string, command: string, ...args: unknown[]): vscode.CodeLens =>
    new vscode.CodeLens(range, { title, command: `distillLab.${command}`, arguments: args });
  const list: vscode.CodeLens[] = [];
  if (!vscode.workspace.isTrusted) list.push(lens(vscode.l10n.t('Runs are off in Restricted Mode'), 'run'));
  else if (run !== undefined && isLive(run)) list.push(lens(run.state === 'stopping' ? vscode.l10n.t('Kill') : vscode.l10n.t('◼ Stop'), 'stop', run.id));
  else {
    list.push(lens(vscode.l10n.t('▷ Run Distillation'), 'run'));
    if (run !== undefined && isResumable(run)) list.push(lens(vscode.l10n.t('Resume'), 'resume', run.id));
  }
  if (run !== undefined) list.push(lens(stateLine(vscode.l10n.t, progressOf(run)), 'openPanel', run.id));
  return list;
}
