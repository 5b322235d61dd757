/** Completion of keys, values and whole blocks. */
import * as vscode from 'vscode';
import type { Completion, CompletionKind, KeyFacts } from '../../language/index.ts';
import { type Runs } from '../runs.ts';
import { formatAp } from '../words.ts';
import { factsLine } from './factsText.ts';
import { factsDocument } from './hover.ts';
import { openText, room, SELECTOR, toRange } from './room.ts';

const KINDS: Readonly<Record<CompletionKind, vscode.CompletionItemKind>> = {
  key: vscode.CompletionItemKind.Property,
  value: vscode.CompletionItemKind.Value,
  block: vscode.CompletionItemKind.Snippet,
  file: vscode.CompletionItemKind.File,
  folder: vscode.CompletionItemKind.Folder,
  class: vscode.CompletionItemKind.EnumMember,
  checkpoint: vscode.CompletionItemKind.Reference,
  device: vscode.CompletionItemKind.Unit,
};

class Item extends vscode.CompletionItem {
  facts: KeyFacts | undefined;
}

export function completion(runs: Runs, extensionUri: vscode.Uri): vscode.Disposable {
  return vscode.languages.registerCompletionItemProvider(SELECTOR, {
    provideCompletionItems: async (document, position, token) => {
      const { complete, surroundings } = await room();
      // Only where the user trusts the folder are its paths followed.
      const around = vscode.workspace.isTrusted && document.uri.scheme === 'file' ? surroundings(() => runs.all().map((run) => ({ ...run, note: noteOf(run.metrics.student?.AP) }))) : undefined;
      const found = await complete(openText(document), document.offsetAt(position), around);
      if (token.isCancellationRequested) return undefined;
      return found.map((item, index) => toItem(document, item, index));
    },
    // Documentation is made for the one that is looked at.
    resolveCompletionItem: (item) => {
      if (item instanceof Item && item.facts !== undefined) item.documentation = factsDocument(item.facts, extensionUri);
      return item;
    },
  }, ' ', '/', ':', '\n', '[', ',', '-');
}

function noteOf(ap: number | undefined): string {
  return ap === undefined ? '' : `AP ${formatAp(ap)}`;
}

function toItem(document: vscode.TextDocument, completed: Completion, index: number): vscode.CompletionItem {
  const { label, kind, detail, facts, insert, range, filter, askAgain, isDefault } = completed;
  const beside = isDefault ? vscode.l10n.t('default') : kind === 'key' ? undefined : detail;
  const item = new Item(beside === undefined ? label : { label, description: beside }, KINDS[kind]);
  item.facts = facts;
  item.insertText = new vscode.SnippetString(insert);
  item.range = toRange(document, range);
  item.filterText = filter ?? label;
  item.sortText = String(index).padStart(4, '0');
  item.preselect = isDefault;
  if (kind === 'key' && facts !== undefined) item.detail = factsLine(vscode.l10n.t, facts);
  if (askAgain) item.command = { command: 'editor.action.triggerSuggest', title: '' };
  return item;
}
