/** Above the first line of an experiment: Run or Stop, Resume, the last result, Compare. */
import * as vscode from 'vscode';
import { LANGUAGE } from './context.ts';
import type * as Lenses from './lenses.ts';
import { type Lens } from './lenses.ts';
import { type Runs } from './runs.ts';
import { isOn } from './settings.ts';
import { makesSweep } from './sweep.ts';
import { type Sweeps } from './sweeps.ts';

export function codeLens(runs: Runs, sweeps: Sweeps): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const isSweep = new Map<string, boolean>();
  let made: typeof Lenses | undefined;
  const lenses = ({ lensesOf, lensesOfSweep }: typeof Lenses, file: string): readonly Lens[] => isSweep.get(file) === true
    ? lensesOfSweep(vscode.l10n.t, runs.allOf(file), sweeps.allOf(file), vscode.workspace.isTrusted)
    : lensesOf(vscode.l10n.t, runs.allOf(file), vscode.workspace.isTrusted);
  // By file, as told to the editor last. Asking it to look again at every step would make it twitch; so what it would
  // see is compared, all of it: a lens that depends on something else cannot be forgotten here.
  const told = new Map<string, string>();
  const provider: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses: async (document) => {
      made ??= await import('./lenses.ts');
      isSweep.set(document.uri.fsPath, makesSweep(document.getText()));
      const list = lenses(made, document.uri.fsPath);
      told.set(document.uri.fsPath, JSON.stringify(list));
      return isOn('codeLens', document.uri) ? list.map(toCodeLens) : [];
    },
  };
  const update = (): void => {
    if (made === undefined) return;
    let isNew = false;
    for (const [file, before] of told) {
      const now = JSON.stringify(lenses(made, file));
      if (now !== before) isNew = true;
      told.set(file, now);
    }
    if (isNew) changed.fire();
  };
  return vscode.Disposable.from(
    changed,
    vscode.languages.registerCodeLensProvider({ language: LANGUAGE }, provider),
    runs.onDidChange(update),
    sweeps.onDidChange(update),
    vscode.workspace.onDidChangeConfiguration((event) => { if (event.affectsConfiguration('distillLab.codeLens')) changed.fire(); }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      told.delete(document.uri.fsPath);
      isSweep.delete(document.uri.fsPath);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => { changed.fire(); }),
  );
}

function toCodeLens({ title, command, run, runs, sweep }: Lens): vscode.CodeLens {
  const about = runs ?? run ?? sweep;
  return new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command: `distillLab.${command}`, arguments: about === undefined ? [] : [about] });
}
