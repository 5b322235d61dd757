/** What a method does and where it comes from: its page, which lies beside the extension; else the paper. */
import * as vscode from 'vscode';

/** @param method its id, letters and digits: it is looked up, never followed as a path */
export async function openMethodPage(extension: vscode.Uri, method: string): Promise<void> {
  // Options come with the cards, and a schema with them: nothing for the editor's start.
  const { METHOD_CARDS } = await import('../experiment/methods/index.ts');
  const card = Object.values(METHOD_CARDS).find(({ id }) => id === method);
  if (card === undefined) return;
  const page = vscode.Uri.joinPath(extension, 'docs', 'methods', `${card.id}.md`);
  const isThere = await vscode.workspace.fs.stat(page).then(() => true, () => false);
  if (isThere) await vscode.commands.executeCommand('markdown.showPreviewToSide', page);
  // Asks before it leaves the editor, as VS Code does for every address.
  else if (card.url !== undefined) await vscode.env.openExternal(vscode.Uri.parse(card.url));
}
