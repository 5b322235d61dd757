/** The outline and what can be folded. */
import { type DocumentSymbol } from 'yaml-language-server';
import { yamlService } from './service.ts';
import { type OpenText, type TextRange } from './types.ts';

export interface OutlineEntry {
  readonly name: string;
  readonly detail: string;
  readonly kind: 'section' | 'list' | 'item' | 'value';
  readonly range: TextRange;
  /** The name in the text. */
  readonly selection: TextRange;
  readonly children: readonly OutlineEntry[];
}

const LIST_KIND = 18;
const SECTION_KIND = 2;

export async function outline(text: OpenText): Promise<readonly OutlineEntry[]> {
  const { service, document } = await yamlService();
  const asked = document(text);
  const range = ({ start, end }: DocumentSymbol['range']): TextRange => ({ start: asked.offsetAt(start), end: asked.offsetAt(end) });
  const convert = (symbol: DocumentSymbol): OutlineEntry => {
    const children = (symbol.children ?? []).map(convert);
    const common = { range: range(symbol.range), selection: range(symbol.selectionRange) };
    if (symbol.kind === LIST_KIND) return list(symbol.name, children, common, text.text);
    return { name: symbol.name, detail: symbol.detail ?? '', kind: symbol.kind === SECTION_KIND ? 'section' : 'value', children, ...common };
  };
  return service.findDocumentSymbols2(asked, { resultLimit: 5000 }).map(convert);
}

/** Items that are mappings are told by what they are; plain ones are shown beside the list's name. */
function list(name: string, children: readonly OutlineEntry[], ranges: Pick<OutlineEntry, 'range' | 'selection'>, text: string): OutlineEntry {
  if (children.every(({ kind }) => kind === 'value')) {
    const values = children.map(({ range }) => text.slice(range.start, range.end)).join(', ');
    return { name, detail: values.length > 60 ? `${values.slice(0, 59)}…` : values, kind: 'list', children: [], ...ranges };
  }
  return { name, detail: '', kind: 'list', children: children.map(item), ...ranges };
}

function item(entry: OutlineEntry, index: number): OutlineEntry {
  const named = ['method', 'detector'].map((key) => entry.children.find(({ name }) => name === key)).find((child) => child !== undefined);
  const name = named === undefined || named.detail === '' ? `${index + 1}` : named.detail;
  const more = entry.children.find((child) => child.name === 'backbone')?.detail ?? '';
  return { ...entry, name, detail: more, kind: 'item', selection: named?.selection ?? entry.selection };
}

/** 0-based lines, both inclusive. */
export interface Fold {
  readonly start: number;
  readonly end: number;
  readonly comment: boolean;
}

export async function folds(text: OpenText): Promise<readonly Fold[]> {
  const { service, document } = await yamlService();
  const blocks = service.getFoldingRanges(document(text), {}) ?? [];
  const found = new Map<number, Fold>();
  for (const { startLine, endLine } of blocks) {
    // A list's item begins where its first key does: the longer one folds.
    if (endLine > startLine && endLine > (found.get(startLine)?.end ?? 0)) found.set(startLine, { start: startLine, end: endLine, comment: false });
  }
  return [...found.values(), ...commentFolds(text.text)].sort((a, b) => a.start - b.start);
}

function commentFolds(text: string): readonly Fold[] {
  const folded: Fold[] = [];
  let start: number | undefined;
  const lines = text.split('\n');
  for (const [index, line] of [...lines, ''].entries()) {
    if (/^\s*#/.test(line)) start ??= index;
    else {
      if (start !== undefined && index - start > 1) folded.push({ start, end: index - 1, comment: true });
      start = undefined;
    }
  }
  return folded;
}
