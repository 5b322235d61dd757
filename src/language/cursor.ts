/**
 * Where in the experiment a cursor stands, in a text that is being written. The word at the cursor is replaced by a mark, the text is
 * read as far as it can be, and the mark's place in the tree is the answer: indentation, lists and braces are the YAML reader's work.
 */
import { isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import { type KeyPath } from '../experiment/keyPath.ts';
import { readNodes, readTree } from './tree.ts';
import { type TextRange } from './types.ts';

/** Nobody writes this. */
const MARK = '⁋cursor⁋';

export interface Cursor {
  /** `key`: a key of the mapping at `path`. `value`: the value at `path`. */
  readonly role: 'key' | 'value';
  readonly path: KeyPath;
  /** What a choice replaces: the whole word, on both sides of the cursor. */
  readonly word: TextRange;
  readonly typed: string;
  /** The rest of the file. */
  readonly data: unknown;
  /** Whether the mapping or value stands in braces or brackets. */
  readonly flow: boolean;
  /** The mark of the string that the cursor stands in. */
  readonly quote?: '"' | '\'' | undefined;
  /** A key that already has its colon. */
  readonly colon: boolean;
  /** Whether the value begins on a line of its own, below its key, where keys could stand too. */
  readonly ownLine: boolean;
  /** A line of its own beside the dashes of a list: an item of it needs a dash first. */
  readonly needsDash: boolean;
  /** Columns between the indentation of the line and the word: what a snippet's further lines need more. */
  readonly offsetInLine: number;
}

/** @returns undefined in a comment, or where nothing of an experiment can stand */
export function cursorAt(text: string, offset: number): Cursor | undefined {
  const found = wordAt(text, offset);
  if (found === undefined) return undefined;
  const { word, quote, colon, flow } = found;
  const before = text.slice(0, word.start);
  const after = text.slice(quote === undefined ? word.end : word.end + 1);
  const opened = quote === undefined ? before : before.slice(0, -1);
  const place = placeOf(opened, after, flow, colon);
  if (place === undefined) return undefined;
  const lineStart = before.lastIndexOf('\n') + 1;
  const indent = /^ */.exec(text.slice(lineStart))?.[0].length ?? 0;
  return { ...place, word, quote, colon, flow, typed: text.slice(word.start, offset), offsetInLine: Math.max(0, word.start - lineStart - indent) };
}

type Place = Pick<Cursor, 'role' | 'path' | 'data' | 'ownLine' | 'needsDash'>;

function placeOf(before: string, after: string, flow: boolean, colon: boolean): Place | undefined {
  // On an empty line only a key tells the reader which mapping it belongs to; in other places it is a scalar.
  const line = before.slice(before.lastIndexOf('\n') + 1);
  const alone = !flow && !colon && /^ *(?:- +)*$/.test(line) && /^[ \t]*(?:#.*)?(?:\r?\n|$)/.test(after);
  const needsDash = alone && isBesideDashes(before);
  for (const mark of alone ? [`${needsDash ? '- ' : ''}${MARK}:`, MARK] : [MARK]) {
    const place = markedPlace(`${before}${mark}${after}`, alone && line.includes('-'));
    if (place !== undefined) return { ...place, ownLine: place.ownLine || (alone && mark === MARK), needsDash };
  }
  return undefined;
}

/** Whether the line before it that is indented no more is an item of a list, in the same column. */
function isBesideDashes(before: string): boolean {
  const lines = before.split('\n');
  const own = lines.pop() ?? '';
  if (own === '' || own.includes('-')) return false;
  const above = lines.reverse().find((line) => !/^\s*(?:#|$)/.test(line) && (/^ */.exec(line)?.[0].length ?? 0) <= own.length);
  return above?.startsWith(`${own}- `) === true;
}

function markedPlace(text: string, inItem: boolean): Omit<Place, 'needsDash'> | undefined {
  const contents = readNodes(text);
  const place = find(contents, []);
  if (place === undefined) return undefined;
  const { data } = readTree(text, contents);
  return { ...place, data: without(data), ownLine: place.ownLine || inItem };
}

function find(node: unknown, path: KeyPath): Omit<Place, 'data' | 'needsDash'> | undefined {
  if (!isNode(node)) return undefined;
  if (isScalar(node)) return node.value === MARK ? { role: 'value', path, ownLine: false } : undefined;
  if (isSeq(node)) return firstOf(node.items, (item, index) => find(item, [...path, index]));
  if (!isMap(node)) return undefined;
  return firstOf(node.items as Pair<Node, Node | null>[], ({ key, value }) => {
    if (!isScalar(key)) return undefined;
    if (key.value === MARK) return { role: 'key', path, ownLine: false };
    return find(value, [...path, String(key.value)]);
  });
}

function firstOf<T, R>(items: readonly T[], look: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = look(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The data as if the mark were not there. */
function without(data: unknown): unknown {
  if (data === MARK) return undefined;
  if (Array.isArray(data)) return data.map(without);
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => key !== MARK).map(([key, value]) => [key, without(value)]));
}

interface Word {
  readonly word: TextRange;
  readonly quote?: '"' | '\'' | undefined;
  readonly colon: boolean;
  readonly flow: boolean;
}

/** Reads the text up to the cursor the way YAML's lexer does, as far as quotes, comments and brackets go. */
function wordAt(text: string, offset: number): Word | undefined {
  const { comment, quote, depth } = lexUpTo(text, offset);
  if (comment) return undefined;
  const lineEnd = endOfLine(text, offset);
  if (quote !== undefined) {
    const close = text.indexOf(quote.mark, offset);
    // A string without its end runs into what follows: nothing can be said of it.
    if (close < 0 || close > lineEnd) return undefined;
    return { word: { start: quote.start + 1, end: close }, quote: quote.mark, colon: /^ *:(?:\s|$)/.test(text.slice(close + 1, lineEnd + 1)), flow: depth > 0 };
  }
  const flow = depth > 0;
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  let start = offset;
  while (start > lineStart && !isBoundary(text, start - 1, flow)) start -= 1;
  const rest = text.slice(offset, lineEnd);
  const tail = (flow ? /^(?:\$\{[^}\n]*\}|:(?=\S)|[^\s,[\]{}:#])*/ : /^(?:[^\s:#]|:(?=\S)|(?<=\S)#| +(?=[^\s#]))*/).exec(rest)?.[0] ?? '';
  // What stands after blanks belongs to the word only where the cursor touches it.
  const end = offset + (start === offset && /^\s/.test(tail) ? 0 : tail.trimEnd().length);
  return { word: { start, end }, colon: /^ *:(?:\s|$)/.test(text.slice(end, lineEnd)), flow };
}

function isBoundary(text: string, index: number, flow: boolean): boolean {
  const char = text[index] ?? '';
  const next = text[index + 1];
  if (flow && /[,[\]{}\s]/.test(char)) return !insideVariable(text, index);
  if (/[ \t]/.test(char)) {
    // Blanks are part of a plain scalar, but not before it: after a colon, a dash, or the line's start.
    const before = text.slice(text.lastIndexOf('\n', index) + 1, index + 1);
    return /^\s*(?:- +)*$/.test(before) || /(?:^|[^\s]):\s+$/.test(before);
  }
  return char === ':' && (next === undefined || /\s/.test(next));
}

/** In `${env:NAME}`. */
function insideVariable(text: string, index: number): boolean {
  const open = text.lastIndexOf('${', index);
  return open >= 0 && index - open < 80 && /^\$\{[^}\s,]*\}?$/.test(text.slice(open, index + 1));
}

interface Lexed {
  readonly comment: boolean;
  readonly quote?: { readonly mark: '"' | '\''; readonly start: number } | undefined;
  readonly depth: number;
}

function lexUpTo(text: string, offset: number): Lexed {
  let depth = 0;
  let index = 0;
  /** Whether a scalar may begin here: there quotes and brackets count. */
  let fresh = true;
  while (index < offset) {
    const char = text[index] ?? '';
    if (char === '#' && (index === 0 || /\s/.test(text[index - 1] ?? ''))) {
      const end = endOfLine(text, index);
      if (offset <= end) return { comment: true, depth };
      index = end;
      continue;
    }
    if (fresh && (char === '"' || char === '\'')) {
      const end = closing(text, index, char);
      if (end === undefined || end >= offset) return { comment: false, quote: { mark: char, start: index }, depth };
      index = end + 1;
      fresh = false;
      continue;
    }
    if ((fresh || depth > 0) && /[[{]/.test(char) && text[index - 1] !== '$') {
      depth += 1;
      fresh = true;
    } else if (depth > 0 && /[\]}]/.test(char) && !insideVariable(text, index)) {
      depth -= 1;
      fresh = false;
    } else if (char === '\n') {
      // Braces that were never closed end where a key begins at the left: else the rest of the file would be inside them.
      if (depth > 0 && /^[A-Za-z_]\w*:/.test(text.slice(index + 1, index + 41))) depth = 0;
      fresh = true;
    } else if (depth > 0 && char === ',') fresh = true;
    else if (/[:-]/.test(char) && /\s/.test(text[index + 1] ?? '\n')) fresh = true;
    else if (!/\s/.test(char)) fresh = false;
    index += 1;
  }
  return { comment: false, depth };
}

function closing(text: string, start: number, mark: '"' | '\''): number | undefined {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '\n') return undefined;
    if (mark === '"' && text[index] === '\\') index += 1;
    else if (text[index] === mark) {
      if (mark === '\'' && text[index + 1] === '\'') index += 1;
      else return index;
    }
  }
  return undefined;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : text[end - 1] === '\r' && end > offset ? end - 1 : end;
}
