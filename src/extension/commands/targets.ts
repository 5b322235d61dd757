/** What a command was called on, and the choice among runs when it was called on nothing. */
import * as vscode from 'vscode';
import { type Context } from '../context.ts';
import { type Run } from '../run.ts';
import { RunNode } from '../runsView/item.ts';
import { plain } from '../runsView/texts.ts';
import { stateWord } from '../words.ts';

/** Menus hand over a `Uri`. */
export function uriOf(target: unknown): vscode.Uri | undefined {
  return target instanceof vscode.Uri ? target : undefined;
}

/** CodeLenses, the status bar and the panel hand over a run's id, the runs view a row. */
export function runOf(context: Context, target: unknown): Run | undefined {
  if (target instanceof RunNode) return target.run;
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
  const items = runs.map((run) => ({ label: asLabel(run.name), description: stateWord(vscode.l10n.t, run.state), detail: vscode.workspace.asRelativePath(run.folder), run }));
  return (await vscode.window.showQuickPick(items, { placeHolder: texts.ask, matchOnDetail: true }))?.run;
}

/** Menus of the view hand over the row clicked on and all that are selected; other places a run's id, or nothing. */
function rowsGiven(target: unknown, selection: unknown): readonly Run[] {
  const rows = Array.isArray(selection) ? selection.filter((node) => node instanceof RunNode) : [];
  if (target instanceof RunNode) return rows.includes(target) ? rows.map(({ run }) => run) : [target.run];
  return [];
}

/** What key bindings hand over in `package.json`. */
function isFromKeys(target: unknown): boolean {
  return typeof target === 'object' && target !== null && 'from' in target && target.from === 'keys';
}

/** All rows that a command of the runs view was called on, by menu or by key; called from elsewhere it asks for one. */
export async function chooseRuns(context: Context, [target, selection]: readonly unknown[], texts: { readonly none: string; readonly ask: string }): Promise<readonly Run[]> {
  const rows = rowsGiven(target, selection);
  if (rows.length > 0) return rows;
  if (isFromKeys(target)) return context.runsView.underKeys();
  const run = await chooseRun(context, target, () => true, texts);
  return run === undefined ? [] : [run];
}

/** Names as a list for people. A quick pick would draw an icon for `$(…)`. */
export function asLabel(text: string): string {
  return plain(text).replaceAll('$(', '$ (');
}

/** Running reads files that the experiment names and writes a folder: only in a trusted workspace. */
export async function isTrusted(): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = vscode.l10n.t('Manage Workspace Trust');
  const answer = await vscode.window.showWarningMessage(vscode.l10n.t('Runs are off in Restricted Mode: a run reads the data and weights that the experiment names. Trust this folder to run it.'), manage);
  if (answer === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}
