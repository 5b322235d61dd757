/** Create Experiment: for data that lies in the workspace, or from a commented template; under a free name, opened for editing. */
import path from 'node:path';
import * as vscode from 'vscode';
import { type FoundData } from '../../firstSteps/findData.ts';
import { type Purpose } from '../../firstSteps/ownExperiment.ts';
import { LANGUAGE, type CommandFactory } from '../context.ts';
import { exists, freeUri } from '../files.ts';

interface Draft {
  readonly file: string;
  readonly text: string;
}

interface Item extends vscode.QuickPickItem {
  readonly draft?: (folder: vscode.WorkspaceFolder) => Promise<Draft>;
  /** Data lies in one of the open folders: the file does too. */
  readonly folder?: vscode.WorkspaceFolder;
}

/** A search that takes longer ends with what it has found. */
const PATIENCE = 5000;

export const create: CommandFactory = ({ extension }) => async () => {
  const items = choices();
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('What to start from'), matchOnDetail: true, matchOnDescription: true });
  if (chosen?.draft === undefined) return;
  const folder = chosen.folder ?? await chooseFolder();
  if (folder === undefined) {
    if (vscode.workspace.workspaceFolders !== undefined) return;
    // No folder is open: saving asks where to.
    const { text } = await chosen.draft({ uri: vscode.Uri.file(path.resolve()), name: '', index: 0 });
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: LANGUAGE, content: text }));
    return;
  }
  const { file, text } = await chosen.draft(folder);
  const uri = await freeUri(folder.uri, (suffix) => file.replace(/(?=\.distill\.ya?ml$)/, suffix));
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  for (const [, teacher] of text.matchAll(/^\s+weights: (teachers\/[\w.-]+)/gm)) {
    if (teacher !== undefined) await bringTeacher(extension.extensionUri, folder.uri, teacher);
  }
  await vscode.window.showTextDocument(uri, { preview: false });
};

async function choices(): Promise<Item[]> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  const found = (await Promise.all(folders.map(itemsFor))).flat();
  const { TEMPLATES } = await import('../../experiment/templates.ts');
  const templates = TEMPLATES.map(({ title, file, description, text }): Item =>
    ({ label: title, description: file, detail: description, draft: () => Promise.resolve({ file, text }) }));
  if (found.length === 0) return templates;
  return [separator(vscode.l10n.t('Data in this workspace')), ...found, separator(vscode.l10n.t('Templates')), ...templates];
}

function separator(label: string): Item {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

/** Two for each data set: the teacher that is trained first, and the student. */
async function itemsFor(folder: vscode.WorkspaceFolder): Promise<Item[]> {
  const { findData } = await import('../../firstSteps/findData.ts');
  const { nameOf } = await import('../../firstSteps/ownExperiment.ts');
  const found = await findData(folder.uri.fsPath, AbortSignal.timeout(PATIENCE));
  return found.flatMap((data) => (['student', 'teacher'] as const).map((purpose): Item => ({
    label: purpose === 'teacher' ? vscode.l10n.t('{0}: train a teacher', nameOf(data)) : vscode.l10n.t('{0}: distil a student', nameOf(data)),
    description: `${data.format.toUpperCase()} · ${vscode.workspace.asRelativePath(data.root)}`,
    detail: classesLine(data),
    folder,
    draft: () => draftFor(data, purpose, folder),
  })));
}

function classesLine({ classes }: FoundData): string {
  if (classes.length === 0) return vscode.l10n.t('classes unknown');
  const names = classes.length > 8 ? `${classes.slice(0, 8).join(', ')} …` : classes.join(', ');
  return classes.length === 1 ? vscode.l10n.t('1 class: {0}', names) : vscode.l10n.t('{0} classes: {1}', classes.length, names);
}

/** A weight file in the workspace may be the teacher; the first run tells when it is not. */
async function draftFor(data: FoundData, purpose: Purpose, folder: vscode.WorkspaceFolder): Promise<Draft> {
  const { ownExperiment, teacherAmong } = await import('../../firstSteps/ownExperiment.ts');
  const { findWeights } = await import('../../firstSteps/findData.ts');
  const files = purpose === 'teacher' ? [] : await findWeights(folder.uri.fsPath, AbortSignal.timeout(PATIENCE));
  return ownExperiment({ data, purpose, folder: folder.uri.fsPath, weights: teacherAmong(files, data) });
}

/** The teacher of the drawn scenes comes with the extension, so that the first experiment runs as it is. */
async function bringTeacher(extension: vscode.Uri, folder: vscode.Uri, file: string): Promise<void> {
  const shipped = vscode.Uri.joinPath(extension, 'examples', file);
  const wanted = vscode.Uri.joinPath(folder, file);
  if (await exists(shipped) && !await exists(wanted)) await vscode.workspace.fs.copy(shipped, wanted);
}

async function chooseFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.length > 1 ? vscode.window.showWorkspaceFolderPick() : folders[0];
}
