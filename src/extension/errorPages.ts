/** What an error code means, a page a code: the section of docs/errors.md that comes with the extension. Needs no network. */
import * as vscode from 'vscode';
import { errorSection } from './errorSection.ts';

const SCHEME = 'distill-lab-errors';

/** Where a diagnostic's code leads. The manifest has pages of this scheme shown as Markdown is read, not as it is written. */
export function errorPage(code: string): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${code}.md` });
}

export function errorPages(extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: async (uri) => {
      const whole = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(extensionUri, 'docs', 'errors.md'));
      return errorSection(new TextDecoder().decode(whole), uri.path.slice(1).replace(/\.md$/, ''));
    },
  });
}
