/** The paper behind a mask or a loss. */
import * as vscode from 'vscode';
import { METHOD_CARDS } from '../experiment/methods/index.ts';

/** Asks before it leaves the editor, as VS Code does for every address. */
export async function openMethodPage(method: string): Promise<void> {
  const paper = Object.values(METHOD_CARDS).find(({ id }) => id === method)?.url;
  if (paper !== undefined) await vscode.env.openExternal(vscode.Uri.parse(paper));
}
