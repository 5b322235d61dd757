/** Outline, folding, format and definitions. */
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import type { OutlineEntry } from '../../language/index.ts';
import { openText, room, SELECTOR, toEdit, toRange } from './room.ts';

const KINDS: Readonly<Record<OutlineEntry['kind'], vscode.SymbolKind>> = {
  section: vscode.SymbolKind.Module,
  list: vscode.SymbolKind.Array,
  item: vscode.SymbolKind.Object,
  value: vscode.SymbolKind.Property,
};

export function outline(): vscode.Disposable {
  return vscode.languages.registerDocumentSymbolProvider(SELECTOR, {
    provideDocumentSymbols: async (document) => {
      const { outline: read } = await room();
      const convert = ({ name, detail, kind, range, selection, children }: OutlineEntry): vscode.DocumentSymbol => {
        const symbol = new vscode.DocumentSymbol(name, detail, KINDS[kind], toRange(document, range), toRange(document, selection));
        symbol.children = children.map(convert);
        return symbol;
      };
      return (await read(openText(document))).map(convert);
    },
  });
}

export function folding(): vscode.Disposable {
  return vscode.languages.registerFoldingRangeProvider(SELECTOR, {
    provideFoldingRanges: async (document) => {
      const { folds } = await room();
      return (await folds(openText(document))).map(({ start, end, comment }) => new vscode.FoldingRange(start, end, comment ? vscode.FoldingRangeKind.Comment : undefined));
    },
  });
}

export function formatting(): vscode.Disposable {
  return vscode.languages.registerDocumentFormattingEditProvider(SELECTOR, {
    provideDocumentFormattingEdits: async (document) => {
      const { format } = await room();
      return (await format(openText(document))).map((edit) => toEdit(document, edit));
    },
  });
}

export function definitions(): vscode.Disposable {
  return vscode.languages.registerDefinitionProvider(SELECTOR, {
    provideDefinition: async (document, position): Promise<vscode.DefinitionLink[]> => {
      const { definition } = await room();
      const found = definition(openText(document), document.offsetAt(position));
      if (found === undefined) return [];
      const originSelectionRange = toRange(document, found.origin);
      if (found.kind === 'here') return [{ originSelectionRange, targetUri: document.uri, targetRange: toRange(document, found.target) }];
      if (!vscode.workspace.isTrusted || document.uri.scheme !== 'file') return [];
      const file = found.files.find((candidate) => existsSync(candidate));
      return file === undefined ? [] : [{ originSelectionRange, targetUri: vscode.Uri.file(file), targetRange: new vscode.Range(0, 0, 0, 0) }];
    },
  });
}
