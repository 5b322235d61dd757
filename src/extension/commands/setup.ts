/** Setup Engine: fetches and builds native TensorFlow into a folder of its own. Can be cancelled. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { runWithProgress } from '../toolProgress.ts';
import { isTrusted } from './targets.ts';

export const setup: CommandFactory = (context) => async () => {
  if (!await isTrusted()) return;
  const code = await runWithProgress(context, ['setup'], vscode.l10n.t('Setting up the engine'));
  if (code === undefined) return;
  const log = vscode.l10n.t('Show Log');
  const answer = code === 0
    ? await vscode.window.showInformationMessage(vscode.l10n.t('The engine is set up. The next run uses it.'), log)
    : await vscode.window.showErrorMessage(vscode.l10n.t('The engine could not be set up. Runs use a slower engine until then.'), log);
  if (answer === log) context.log.show(true);
};
