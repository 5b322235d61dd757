/** Run Distillation: checks the open experiment, makes its run folder, starts the child, opens the panel. */
import path from 'node:path';
import * as vscode from 'vscode';
import { EXPERIMENT_GLOB, isExperiment, type CommandFactory, type Context } from '../context.ts';
import { type Run } from '../run.ts';
import { nodePath, runsRootFor } from '../settings.ts';
import { makesSweep } from '../sweep.ts';
import { isTrusted, uriOf } from './targets.ts';

export const run: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const document = await chooseExperiment(target);
  if (document === undefined || !await isSaved(document)) return;
  const file = document.uri.fsPath;
  if (makesSweep(document.getText())) {
    const { startSweep } = await import('./runSweep.ts');
    await startSweep(context, document);
    return;
  }
  if (!await mayRunAgain(context, file)) return;

  const errors = await context.diagnostics.check(document);
  const first = errors[0];
  if (first !== undefined) {
    await showFirstProblem(document, first.range, errors.length, first.message);
    return;
  }
  const { isSweep, readExperiment } = await import('../../experiment/load.ts');
  const { experiment, positions } = readExperiment(document.getText(), file);
  if (experiment === undefined) return;
  if (isSweep(experiment)) {
    const { startSweep } = await import('./runSweep.ts');
    await startSweep(context, document);
    return;
  }

  const { createRunFolder, startLocal } = await import('../../launch/index.ts');
  const folder = await createRunFolder({ experimentFile: file, text: document.getText(), experiment, positions, runsRoot: runsRootFor(document.uri), version: versionOf(context) });
  context.diagnostics.clearFailure(document.uri);
  await startLocal({ folder, cliPath: context.cliPath, node: nodePath() });
  context.log.info(`started ${folder}`);
  const started = await context.runs.started(folder);
  await context.panels.show(started, { preserveFocus: true });
};

export function versionOf(context: Context): string {
  const { version } = context.extension.extension.packageJSON as { readonly version?: string };
  return version ?? 'unknown';
}

/** The one clicked on, the one being edited, or a choice of those in the workspace. */
export async function chooseExperiment(target: unknown): Promise<vscode.TextDocument | undefined> {
  const uri = uriOf(target);
  if (uri !== undefined) return vscode.workspace.openTextDocument(uri);
  const active = vscode.window.activeTextEditor?.document;
  if (active !== undefined && isExperiment(active)) return active;
  const files = await vscode.workspace.findFiles(EXPERIMENT_GLOB, '**/node_modules/**', 500);
  if (files.length === 0) {
    const create = vscode.l10n.t('Create Experiment');
    const answer = await vscode.window.showInformationMessage(vscode.l10n.t('There is no *.distill.yaml file in this workspace.'), create);
    if (answer === create) await vscode.commands.executeCommand('distillLab.create');
    return undefined;
  }
  const items = files.map((file) => ({ label: path.basename(file.fsPath), description: path.dirname(vscode.workspace.asRelativePath(file)), file }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const chosen = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Experiment to run') });
  return chosen === undefined ? undefined : vscode.workspace.openTextDocument(chosen.file);
}

/** A run keeps the file as it is on disk, so that the two never differ. */
export async function isSaved(document: vscode.TextDocument): Promise<boolean> {
  if (document.isUntitled) {
    const save = vscode.l10n.t('Save');
    const answer = await vscode.window.showInformationMessage(vscode.l10n.t('Save the experiment before it is run.'), save);
    if (answer === save) await document.save();
    // Saving an untitled document opens another one under its new name: that one is to be run.
    return false;
  }
  return document.isDirty ? document.save() : true;
}

async function mayRunAgain(context: Context, file: string): Promise<boolean> {
  const going = (): Run | undefined => context.runs.live().find(({ sourceFile }) => sourceFile === file);
  const known = going();
  // Its panel may have said a moment ago that it is over.
  if (known !== undefined) await context.runs.refresh(known.folder);
  const live = going();
  if (live === undefined) return true;
  const again = vscode.l10n.t('Run Again');
  const answer = await vscode.window.showWarningMessage(vscode.l10n.t('{0} is still running. Two runs share the machine and each takes longer.', live.name), again);
  return answer === again;
}

export async function showFirstProblem(document: vscode.TextDocument, range: { line: number; column: number } | undefined, count: number, message: string): Promise<void> {
  const text = count === 1
    ? vscode.l10n.t('Not started: {0}', message)
    : vscode.l10n.t('Not started: {0} And {1} more.', message, count - 1);
  const go = vscode.l10n.t('Go to Line');
  if (await vscode.window.showErrorMessage(text, go) !== go) return;
  const place = new vscode.Position((range?.line ?? 1) - 1, (range?.column ?? 1) - 1);
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(place, place) });
}
