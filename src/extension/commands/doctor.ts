/** Doctor: what engine there is, how fast, and what to do about what is missing; told in the log. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { runWithProgress } from '../toolProgress.ts';

export const doctor: CommandFactory = (context) => async () => {
  const code = await runWithProgress(context, ['doctor'], vscode.l10n.t('Looking at the engine'));
  if (code === undefined) return;
  context.log.show(true);
  if (code === 0) return;
  const setup = vscode.l10n.t('Setup Engine');
  const answer = await vscode.window.showWarningMessage(vscode.l10n.t('Something is missing for fast runs. The log tells what.'), setup);
  if (answer === setup) await vscode.commands.executeCommand('distillLab.setup');
};
