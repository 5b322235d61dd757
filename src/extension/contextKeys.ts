/** What menus and the palette know of runs: `distillLab.running`, `.resumable`, `.hasRuns`. */
import * as vscode from 'vscode';
import { isResumable } from './run.ts';
import { type Runs } from './runs.ts';

export function contextKeys(runs: Runs): vscode.Disposable {
  const known = new Map<string, boolean>();
  const set = (key: string, value: boolean): void => {
    if (known.get(key) === value) return;
    known.set(key, value);
    void vscode.commands.executeCommand('setContext', `distillLab.${key}`, value);
  };
  const update = (): void => {
    const all = runs.all();
    set('hasRuns', all.length > 0);
    set('running', runs.live().length > 0);
    set('resumable', all.some(isResumable));
  };
  update();
  return runs.onDidChange(update);
}
