/** Open Sample: a small workspace under a free name in a folder that the user chooses, opened at its experiment. */
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { freeUri } from '../files.ts';
import { uriOf } from './targets.ts';

export const sample: CommandFactory = ({ extension }) => async (target) => {
  const parent = uriOf(target) ?? await chooseParent();
  if (parent === undefined) return;
  const { SAMPLE_FOLDER } = await import('../../firstSteps/sample.ts');
  const folder = await freeUri(parent, (suffix) => `${SAMPLE_FOLDER}${suffix}`);
  await write(extension.extensionUri, folder);
  await open(folder);
};

async function chooseParent(): Promise<vscode.Uri | undefined> {
  const open = vscode.workspace.workspaceFolders?.[0]?.uri;
  const defaultUri = open === undefined ? vscode.Uri.file(homedir()) : vscode.Uri.joinPath(open, '..');
  const chosen = await vscode.window.showOpenDialog({
    canSelectFiles: false, canSelectFolders: true, canSelectMany: false, defaultUri,
    title: vscode.l10n.t('Folder to make the sample in'), openLabel: vscode.l10n.t('Make Sample Here'),
  });
  return chosen?.[0];
}

/** The folder is new: when something fails, it goes again. */
async function write(extension: vscode.Uri, folder: vscode.Uri): Promise<void> {
  const { SAMPLE_FILES, SAMPLE_TEACHER } = await import('../../firstSteps/sample.ts');
  const { fs } = vscode.workspace;
  try {
    await fs.createDirectory(folder);
    await fs.copy(vscode.Uri.joinPath(extension, 'examples', SAMPLE_TEACHER), vscode.Uri.joinPath(folder, SAMPLE_TEACHER));
    for (const { path, text } of SAMPLE_FILES) await fs.writeFile(vscode.Uri.joinPath(folder, path), Buffer.from(text));
  } catch (error) {
    await fs.delete(folder, { recursive: true });
    throw error;
  }
}

/** An empty window becomes the sample's; from another workspace nobody is taken away unasked. */
async function open(folder: vscode.Uri): Promise<void> {
  if (vscode.workspace.workspaceFolders === undefined) {
    await vscode.commands.executeCommand('vscode.openFolder', folder);
    return;
  }
  const [here, there] = [vscode.l10n.t('Open'), vscode.l10n.t('Open in New Window')];
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('The sample is made: {0}', vscode.workspace.asRelativePath(folder)), here, there);
  if (answer !== undefined) await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow: answer === there, forceReuseWindow: answer === here });
}
