/** The paper behind a mask or a loss. */
import * as vscode from 'vscode';

/** Asks before it leaves the editor, as VS Code does for every address. */
export async function openMethodPage(method: string): Promise<void> {
  // Options come with the cards, and a schema with them: nothing for the editor's start.
  const { METHOD_CARDS } = await import('../experiment/methods/index.ts');
  const paper = Object.values(METHOD_CARDS).find(({ id }) => id === method)?.url;
  if (paper !== undefined) await vscode.env.openExternal(vscode.Uri.parse(paper));
}
