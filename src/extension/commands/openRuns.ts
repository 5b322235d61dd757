/** What a run left behind, opened where it belongs: panel, log, folder, experiment, student. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { type Run } from '../run.ts';
import { CONFIG_SCHEME } from '../runConfigs.ts';
import { GroupNode } from '../runsView/item.ts';
import { plain } from '../runsView/texts.ts';
import { runWithProgress } from '../toolProgress.ts';
import { chooseRun } from './targets.ts';

const texts = (ask: string): { readonly none: string; readonly ask: string } => ({ none: vscode.l10n.t('There is no run yet.'), ask });

/** A click or Enter on a row: the list keeps the focus, as in the Explorer. */
export const openFromView: CommandFactory = (context) => async (target) => {
  const run = typeof target === 'string' ? context.runs.byId(target) : undefined;
  if (run !== undefined && context.runsView.isMeant(run.id)) await context.panels.show(run, { preserveFocus: true });
};

export const openLog: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, () => true, texts(vscode.l10n.t('Run whose log to open')));
  if (run !== undefined) await vscode.commands.executeCommand('distillLab.showLog', run.id);
};

export const openConfig: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, () => true, texts(vscode.l10n.t('Run whose experiment to open')));
  if (run === undefined) return;
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(configUri(run)), { preview: true });
};

/** The file that a group of runs was made of, as it is now. */
export const openExperiment: CommandFactory = () => async (target) => {
  if (!(target instanceof GroupNode) || target.group.sourceFile === undefined) return;
  await vscode.window.showTextDocument(vscode.Uri.file(target.group.sourceFile));
};

export const revealFolder: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, () => true, texts(vscode.l10n.t('Run whose folder to show')));
  if (run === undefined) return;
  const uri = vscode.Uri.file(run.folder);
  const isHere = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  await vscode.commands.executeCommand(isHere ? 'revealFileInOS' : 'revealInExplorer', uri);
};

export const exportStudent: CommandFactory = (context) => async (target) => {
  const run = await chooseRun(context, target, () => true, texts(vscode.l10n.t('Run whose student to export')));
  if (run === undefined) return;
  const { slugOf } = await import('../../launch/index.ts');
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(run.folder))?.uri.fsPath ?? path.dirname(run.folder);
  const file = await vscode.window.showSaveDialog({
    title: vscode.l10n.t('Export Student'), defaultUri: vscode.Uri.file(path.join(folder, `${slugOf(run.name)}.safetensors`)), filters: { safetensors: ['safetensors'] },
  });
  if (file === undefined) return;
  const code = await runWithProgress(context, ['export', run.folder, '--output', file.fsPath], vscode.l10n.t('Exporting the student of {0}', run.name));
  if (code === undefined) return;
  if (code === 0) {
    await vscode.window.showInformationMessage(vscode.l10n.t('Student exported: {0}', vscode.workspace.asRelativePath(file)));
    return;
  }
  const log = vscode.l10n.t('Show Log');
  if (await vscode.window.showErrorMessage(vscode.l10n.t('The student could not be exported.'), log) === log) context.log.show(true);
};

function configUri(run: Run): vscode.Uri {
  return vscode.Uri.from({ scheme: CONFIG_SCHEME, path: `/${plain(run.name).replaceAll(/[\\/]/g, '-')}/experiment.yaml`, query: run.id });
}
