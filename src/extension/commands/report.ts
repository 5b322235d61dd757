/** Writes a run's report, one self-contained HTML file, and opens it where that is possible. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { runWithProgress } from '../toolProgress.ts';
import { chooseRun } from './targets.ts';

export const report: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, () => true, { none: vscode.l10n.t('There is no run yet.'), ask: vscode.l10n.t('Run to report') });
  if (run === undefined) return;
  const code = await runWithProgress(context, ['report', run.folder], vscode.l10n.t('Writing the report of {0}', run.name));
  if (code === undefined) return;
  if (code !== 0) {
    const log = vscode.l10n.t('Show Log');
    if (await vscode.window.showErrorMessage(vscode.l10n.t('The report could not be written.'), log) === log) context.log.show(true);
    return;
  }
  const { FILES } = await import('../../experiment/record.ts');
  const file = vscode.Uri.file(path.join(run.folder, FILES.report));
  if (vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop) {
    await vscode.env.openExternal(file);
    return;
  }
  // The file lies on another machine than the browser: the Explorer can download it.
  const reveal = vscode.l10n.t('Show in Explorer');
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('Report written: {0}', vscode.workspace.asRelativePath(file)), reveal);
  if (answer === reveal) await vscode.commands.executeCommand('revealInExplorer', file);
};
