/** What a command was called on, and the choice among runs when it was called on nothing. */
import * as vscode from 'vscode';
import { type Context } from '../context.ts';
import { type Run } from '../run.ts';
import { stateWord } from '../words.ts';

/** Menus hand over a `Uri`. */
export function uriOf(target: unknown): vscode.Uri | undefined {
  return target instanceof vscode.Uri ? target : undefined;
}

/** CodeLenses, the status bar and the panel hand over a run's id. */
export function runOf(context: Context, target: unknown): Run | undefined {
  return typeof target === 'string' ? context.runs.byId(target) : undefined;
}

/** The run called on; else the only one that fits; else the user's choice. Says so when none fits. */
export async function chooseRun(context: Context, target: unknown, fits: (run: Run) => boolean, texts: { readonly none: string; readonly ask: string }): Promise<Run | undefined> {
  const given = runOf(context, target);
  if (given !== undefined) return given;
  const runs = context.runs.all().filter(fits);
  if (runs.length === 0) {
    await vscode.window.showInformationMessage(texts.none);
    return undefined;
  }
  if (runs.length === 1) return runs[0];
  const items = runs.map((run) => ({ label: run.name, description: stateWord(vscode.l10n.t, run.state), detail: vscode.workspace.asRelativePath(run.folder), run }));
  return (await vscode.window.showQuickPick(items, { placeHolder: texts.ask, matchOnDetail: true }))?.run;
}

/** Running reads files that the experiment names and writes a folder: only in a trusted workspace. */
export async function isTrusted(): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = vscode.l10n.t('Manage Workspace Trust');
  const answer = await vscode.window.showWarningMessage(vscode.l10n.t('Runs are off in Restricted Mode: a run reads the data and weights that the experiment names. Trust this folder to run it.'), manage);
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}
