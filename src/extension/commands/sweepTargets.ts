/** Which sweep a command was called on, and the choice among sweeps when it was called on nothing. */
import * as vscode from 'vscode';
import { type SweepStatus } from '../../sweep/status.ts';
import { isExperiment, type Context } from '../context.ts';
import { SweepNode } from '../runsView/item.ts';
import { progressWords, sweepStateWord } from '../sweepWords.ts';
import { asLabel, uriOf } from './targets.ts';

/** CodeLenses and the comparison hand over a sweep's id, the runs view a row, menus a file. */
export function sweepOf({ sweeps }: Context, target: unknown): SweepStatus | undefined {
  if (target instanceof SweepNode) return target.sweep;
  if (typeof target === 'string') return sweeps.byId(target);
  const uri = uriOf(target);
  return uri === undefined ? undefined : sweeps.allOf(uri.fsPath)[0];
}

/** The sweep called on; else the newest of the open file that fits; else the user's choice. Says so when none fits. */
export async function chooseSweep(context: Context, target: unknown, fits: (sweep: SweepStatus) => boolean, texts: { readonly none: string; readonly ask: string }): Promise<SweepStatus | undefined> {
  await context.sweeps.loaded;
  const given = sweepOf(context, target);
  if (given !== undefined) return given;
  const active = vscode.window.activeTextEditor?.document;
  const own = active !== undefined && isExperiment(active) ? context.sweeps.allOf(active.uri.fsPath).find(fits) : undefined;
  if (own !== undefined) return own;
  const fitting = context.sweeps.all().filter(fits);
  if (fitting.length === 0) {
    await vscode.window.showInformationMessage(texts.none);
    return undefined;
  }
  if (fitting.length === 1) return fitting[0];
  const items = fitting.map((sweep) => ({ label: asLabel(sweep.name), description: `${sweepStateWord(vscode.l10n.t, sweep.state)} · ${progressWords(vscode.l10n.t, sweep)}`, detail: asLabel(vscode.workspace.asRelativePath(sweep.folder)), sweep }));
  return (await vscode.window.showQuickPick(items, { placeHolder: texts.ask, matchOnDetail: true }))?.sweep;
}
