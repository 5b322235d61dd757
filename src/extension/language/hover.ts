/** Hovers: what a word of the experiment means. */
import * as vscode from 'vscode';
import type { KeyFacts } from '../../language/index.ts';
import { factsMarkdown } from './factsText.ts';
import { openText, room, SELECTOR, toRange } from './room.ts';

export function hover(extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.languages.registerHoverProvider(SELECTOR, {
    provideHover: async (document, position) => {
      const { hover: look } = await room();
      const found = look(openText(document), document.offsetAt(position));
      return found === undefined ? undefined : new vscode.Hover(factsDocument(found.facts, extensionUri), toRange(document, found.range));
    },
  });
}

export function factsDocument(facts: KeyFacts, extensionUri: vscode.Uri): vscode.MarkdownString {
  const page = (method: string): string => vscode.Uri.joinPath(extensionUri, 'docs', 'methods', `${method}.md`).toString();
  // Not trusted: a command in it would do nothing.
  return new vscode.MarkdownString(factsMarkdown(vscode.l10n.t, facts, page));
}
