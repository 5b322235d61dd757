/** The paper behind a mask or a loss. */
import * as vscode from 'vscode';

const PAPERS: Readonly<Record<string, string>> = {
  fgd: 'https://arxiv.org/abs/2111.11837',
  rm: 'https://arxiv.org/abs/2112.04840',
  pfi: 'https://arxiv.org/abs/2112.04840',
};

/** Asks before it leaves the editor, as VS Code does for every address. */
export async function openMethodPage(method: string): Promise<void> {
  const paper = PAPERS[method];
  if (paper !== undefined) await vscode.env.openExternal(vscode.Uri.parse(paper));
}
