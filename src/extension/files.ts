/** Small questions about files, asked through the workspace so that they work on any file system. */
import * as vscode from 'vscode';

export async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

/** The first name that is free: with nothing added, else with -2, -3 and so on. Nothing is overwritten. */
export async function freeUri(folder: vscode.Uri, name: (suffix: string) => string): Promise<vscode.Uri> {
  for (let number = 1; ; number += 1) {
    const uri = vscode.Uri.joinPath(folder, name(number === 1 ? '' : `-${number}`));
    if (!await exists(uri)) return uri;
  }
}
