/** Show Log: a run's own log when called on a run, else the extension's; and the way to a failed run's line. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { wholeLine } from '../diagnostics.ts';
import { runOf } from './targets.ts';

export const showLog: CommandFactory = (context) => async (target) => {
  const run = runOf(context, target);
  if (run === undefined) {
    context.log.show(true);
    return;
  }
  const { FILES } = await import('../../experiment/record.ts');
  const file = path.join(run.folder, FILES.log);
  const { isOpenable } = await import('../../store/openFile.ts');
  if (!await isOpenable(file)) {
    await vscode.window.showInformationMessage(vscode.l10n.t('This run has no log.'));
    return;
  }
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
  // The end tells how it went.
  const end = document.lineAt(document.lineCount - 1).range.end;
  await vscode.window.showTextDocument(document, { preview: true, selection: new vscode.Range(end, end) });
};

export const goToFailure: CommandFactory = (context) => async (target) => {
  const run = runOf(context, target);
  if (run?.sourceFile === undefined || run.error?.line === undefined) return;
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(run.sourceFile));
  const open = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
  const column = open?.viewColumn === undefined ? {} : { viewColumn: open.viewColumn };
  await vscode.window.showTextDocument(document, { ...column, selection: document.validateRange(wholeLine(run.error.line)) });
};
