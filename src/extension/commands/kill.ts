/** Kill: end the run's process at once. What came after the last checkpoint is lost. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { isLive } from '../run.ts';
import { isOn } from '../settings.ts';
import { chooseRun } from './targets.ts';

export const kill: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, isLive, { none: vscode.l10n.t('No run is going.'), ask: vscode.l10n.t('Run to kill') });
  if (run === undefined || !isLive(run)) return;
  if (isOn('confirmKill')) {
    const now = vscode.l10n.t('Kill');
    const detail = vscode.l10n.t('What came after its last checkpoint is lost. Stop saves first.');
    if (await vscode.window.showWarningMessage(vscode.l10n.t('Kill {0}?', run.name), { modal: true, detail }, now) !== now) return;
  }
  const launch = await import('../../launch/index.ts');
  await launch.kill(run.folder);
  await context.runs.refresh(run.folder);
};
