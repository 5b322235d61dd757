/** Format: blanks, indentation and quotes, nothing else. Comments that stood in a column stand in one afterwards. */
import { Lexer } from 'yaml';
import { parseYaml } from '../experiment/yamlTree.ts';
import { yamlService } from './service.ts';
import { type OpenText, type TextEdit } from './types.ts';

/** Long enough that a data split in braces keeps its line. */
const PRINT_WIDTH = 120;

/** @returns nothing for a text that is not YAML, or that would mean something else afterwards */
export async function format(text: OpenText): Promise<readonly TextEdit[]> {
  const before = parseYaml(text.text, text.file);
  if (before.data === undefined) return [];
  const { service, document } = await yamlService();
  const [edit] = await service.doFormat(document(text), { singleQuote: true, bracketSpacing: true, printWidth: PRINT_WIDTH, proseWrap: 'preserve' });
  if (edit === undefined) return [];
  const formatted = aligned(text.text, edit.newText);
  const after = parseYaml(formatted, text.file);
  if (JSON.stringify(after.data) !== JSON.stringify(before.data)) return [];
  return formatted === text.text ? [] : [{ range: { start: 0, end: text.text.length }, text: formatted }];
}

/**
 * The formatter leaves one blank before a comment that ends a line. One that was set off by more keeps its column; those that shared a
 * column share one again: the same, or as far to the right as their longest line needs.
 */
function aligned(before: string, after: string): string {
  const was = commentsOf(before);
  const is = commentsOf(after);
  if (was.length !== is.length || was.some(({ text }, index) => text !== is[index]?.text)) return after;
  const columns = new Map<number, Comment[]>();
  for (const [index, comment] of is.entries()) {
    const former = was[index];
    if (former?.follows === true && comment.follows) columns.set(former.column, [...columns.get(former.column) ?? [], { ...comment, apart: former.apart }]);
  }
  const lines = after.split('\n');
  for (const [column, comments] of columns) {
    if (comments.length < 2 && !comments.some(({ apart }) => apart)) continue;
    const code = (line: number, end: number): string => (lines[line] ?? '').slice(0, end).trimEnd();
    const to = Math.max(column, ...comments.map((comment) => code(comment.line, comment.column).length + 1));
    for (const comment of comments) lines[comment.line] = `${code(comment.line, comment.column).padEnd(to)}${comment.text}`;
  }
  return lines.join('\n');
}

interface Comment {
  readonly text: string;
  /** Both 0-based. */
  readonly line: number;
  readonly column: number;
  /** Whether something stands before it on its line. */
  readonly follows: boolean;
  /** By more than one blank. */
  readonly apart: boolean;
}

const SCALAR = '\u001f';
const MARKS = new Set(['\u0002', '\u0018', SCALAR]);

function commentsOf(text: string): readonly Comment[] {
  const comments: Comment[] = [];
  let offset = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    // Marks of the lexer's own take no room; the one before a scalar says that a `#` in it is text.
    if (MARKS.has(token)) {
      scalar = token === SCALAR;
      continue;
    }
    if (!scalar && token.startsWith('#')) {
      const start = text.lastIndexOf('\n', offset - 1) + 1;
      comments.push({ text: token.trimEnd(), line: text.slice(0, offset).split('\n').length - 1, column: offset - start, follows: text.slice(start, offset).trim() !== '', apart: text.slice(start, offset).endsWith('  ') });
    }
    scalar = false;
    offset += token.length;
  }
  return comments;
}
