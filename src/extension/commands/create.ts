/** Create Experiment: a commented template under a free name in the workspace, opened for editing. */
import * as vscode from 'vscode';
import { LANGUAGE, type CommandFactory } from '../context.ts';

export const create: CommandFactory = ({ extension }) => async () => {
  const { TEMPLATES } = await import('../../experiment/templates.ts');
  const items = TEMPLATES.map((template) => ({ label: template.title, description: template.file, detail: template.description, template }));
  const chosen = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('What to start from'), matchOnDetail: true });
  if (chosen === undefined) return;
  const { text, file } = chosen.template;
  const folder = await chooseFolder();
  if (folder === undefined) {
    // No folder is open: saving asks where to.
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ language: LANGUAGE, content: text }));
    return;
  }
  const uri = await freeName(folder.uri, file);
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  for (const [, teacher] of text.matchAll(/^\s+weights: (teachers\/[\w.-]+)/gm)) {
    if (teacher !== undefined) await bringTeacher(extension.extensionUri, folder.uri, teacher);
  }
  await vscode.window.showTextDocument(uri, { preview: false });
};

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

/** `scenes-fgd.distill.yaml`, or `scenes-fgd-2.distill.yaml` and so on: nothing is overwritten. */
async function freeName(folder: vscode.Uri, file: string): Promise<vscode.Uri> {
  const stem = file.replace(/\.distill\.ya?ml$/, '');
  for (let number = 1; ; number += 1) {
    const uri = vscode.Uri.joinPath(folder, `${stem}${number === 1 ? '' : `-${number}`}.distill.yaml`);
    if (!await exists(uri)) return uri;
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
