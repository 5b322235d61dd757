/** Open Run Panel: the run asked for, the open file's last one, the one that is going, or a choice. */
import * as vscode from 'vscode';
import { isExperiment, type CommandFactory } from '../context.ts';
import { isLive } from '../run.ts';
import { chooseRun, runOf, uriOf } from './targets.ts';

export const openPanel: CommandFactory = (context) => async (target) => {
  const active = vscode.window.activeTextEditor?.document;
  const file = uriOf(target) ?? (active !== undefined && isExperiment(active) ? active.uri : undefined);
  const live = context.runs.live();
  const run = runOf(context, target)
    ?? (file === undefined ? undefined : context.runs.latestOf(file.fsPath))
    ?? (live.length === 1 ? live.find(isLive) : undefined)
    ?? await chooseRun(context, undefined, () => true, { none: vscode.l10n.t('There is no run yet.'), ask: vscode.l10n.t('Run to open') });
  if (run !== undefined) await context.panels.show(run, { preserveFocus: false });
};
