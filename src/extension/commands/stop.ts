/** Stop: save and end soon. Asked a second time, it means now. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { isLive } from '../run.ts';
import { chooseRun } from './targets.ts';

export const stop: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, isLive, { none: vscode.l10n.t('No run is going.'), ask: vscode.l10n.t('Run to stop') });
  if (run === undefined || !isLive(run)) return;
  if (run.state === 'stopping') {
    await vscode.commands.executeCommand('distillLab.kill', run.id);
    return;
  }
  const { requestStop } = await import('../../launch/index.ts');
  await requestStop(run.folder);
  await context.runs.refresh(run.folder);
};
