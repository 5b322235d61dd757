/** The settings, typed. Defaults stand in `package.json` and are repeated nowhere else. */
import path from 'node:path';
import * as vscode from 'vscode';

const SECTION = 'distillLab';

/** The folder that holds the run folders of one workspace folder. */
export function runsRoot(folder: vscode.WorkspaceFolder): string {
  const configured = vscode.workspace.getConfiguration(SECTION, folder.uri).get<string>('runsFolder') ?? '';
  return path.resolve(folder.uri.fsPath, configured === '' ? 'runs' : configured);
}

/** Where runs of this experiment file go: its workspace folder's, or beside the file when it belongs to none. */
export function runsRootFor(file: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(file);
  return folder === undefined ? path.join(path.dirname(file.fsPath), 'runs') : runsRoot(folder);
}

/** All roots of this window; folders that are not on a disk have none. */
export function allRunsRoots(): string[] {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
  return [...new Set(folders.map(runsRoot))];
}

/** Node.js for children: the chosen one, or the editor's own runtime. */
export function nodePath(): string {
  const chosen = vscode.workspace.getConfiguration(SECTION).get<string>('nodePath') ?? '';
  return chosen === '' ? process.execPath : chosen;
}

export function isOn(setting: 'confirmKill' | 'notifyAtEnd' | 'codeLens' | 'inlayHints' | 'inlineCharts.ap' | 'inlineCharts.losses' | 'gutterMarks', scope?: vscode.Uri): boolean {
  return vscode.workspace.getConfiguration(SECTION, scope).get<boolean>(setting) ?? true;
}

export function touchesRuns(event: vscode.ConfigurationChangeEvent): boolean {
  return event.affectsConfiguration(`${SECTION}.runsFolder`);
}

/** The same text with the paths in it relative to their workspace folder. */
export function withRelativePaths(text: string): string {
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => `${uri.fsPath}${path.sep}`);
  return folders.reduce((shortened, folder) => shortened.replaceAll(folder, ''), text);
}

/** How the user's runs are launched where the file says nothing; as written, so unchecked. */
export function userLaunch(scope: vscode.Uri): unknown {
  return vscode.workspace.getConfiguration(SECTION, scope).get<unknown>('launch') ?? {};
}
