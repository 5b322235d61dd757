/** Above the first line of an experiment: Run or Stop, Resume, the last result, Compare. */
import * as vscode from 'vscode';
import { LANGUAGE } from './context.ts';
import { lensesOf, type Lens } from './lenses.ts';
import { type Runs } from './runs.ts';
import { isOn } from './settings.ts';

export function codeLens(runs: Runs): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const lenses = (file: string): readonly Lens[] => lensesOf(vscode.l10n.t, runs.allOf(file), vscode.workspace.isTrusted);
  // By file, as told to the editor last. Asking it to look again at every step would make it twitch; so what it would
  // see is compared, all of it: a lens that depends on something else cannot be forgotten here.
  const told = new Map<string, string>();
  const provider: vscode.CodeLensProvider = {
    onDidChangeCodeLenses: changed.event,
    provideCodeLenses: (document) => {
      const list = lenses(document.uri.fsPath);
      told.set(document.uri.fsPath, JSON.stringify(list));
      return isOn('codeLens', document.uri) ? list.map(toCodeLens) : [];
    },
  };
  const update = (): void => {
    let isNew = false;
    for (const [file, before] of told) {
      const now = JSON.stringify(lenses(file));
      if (now !== before) isNew = true;
      told.set(file, now);
    }
    if (isNew) changed.fire();
  };
  return vscode.Disposable.from(
    changed,
    vscode.languages.registerCodeLensProvider({ language: LANGUAGE }, provider),
    runs.onDidChange(update),
    vscode.workspace.onDidChangeConfiguration((event) => { if (event.affectsConfiguration('distillLab.codeLens')) changed.fire(); }),
    vscode.workspace.onDidCloseTextDocument((document) => { told.delete(document.uri.fsPath); }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => { changed.fire(); }),
  );
}

function toCodeLens({ title, command, run, runs }: Lens): vscode.CodeLens {
  const about = runs ?? run;
  return new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command: `distillLab.${command}`, arguments: about === undefined ? [] : [about] });
}
