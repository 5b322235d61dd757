/** What menus and the palette know of runs and sweeps: `distillLab.running`, `.resumable`, `.hasRuns`, `.sweepFiles`, … */
import * as vscode from 'vscode';
import { isExperiment } from './context.ts';
import { isResumable } from './run.ts';
import { type Runs } from './runs.ts';
import { type Sweeps } from './sweeps.ts';
import { goes, isResumable as canResume, makesSweep } from './sweep.ts';

export function contextKeys(runs: Runs, sweeps: Sweeps): vscode.Disposable {
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean): void => {
    // What was never set counts as false.
    if ((known.get(key) ?? false) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', `distillLab.${key}`, value);
  };
  const update = (): void => {
    const all = runs.all();
    set('hasRuns', all.length > 0);
    set('running', runs.live().length > 0);
    set('resumable', all.some(isResumable));
  };
  const updateSweeps = (): void => {
    const all = sweeps.all();
    set('hasSweeps', all.length > 0);
    set('sweepGoing', all.some(goes));
    set('sweepResumable', all.some(canResume));
  };
  let told = '[]';
  const updateFiles = (): void => {
    const files = vscode.workspace.textDocuments.filter((document) => isExperiment(document) && makesSweep(document.getText())).map(({ uri }) => uri.fsPath);
    if (JSON.stringify(files) === told) return;
    told = JSON.stringify(files);
    void vscode.commands.executeCommand('setContext', 'distillLab.sweepFiles', files);
  };
  update();
  updateSweeps();
  updateFiles();
  return vscode.Disposable.from(
    runs.onDidChange(update), sweeps.onDidChange(updateSweeps),
    vscode.workspace.onDidOpenTextDocument(updateFiles), vscode.workspace.onDidCloseTextDocument(updateFiles),
    vscode.workspace.onDidChangeTextDocument(({ document }) => { if (isExperiment(document)) updateFiles(); }),
  );
}
