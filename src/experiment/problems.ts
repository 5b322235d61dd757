/** What is wrong with an experiment file: as data, for editors and terminals alike. */
import { DistillError, formatPlace, type Place } from '../errors.ts';
import { type KeyPath } from './keyPath.ts';
import { nearestEntry, type Positions, type Span } from './positions.ts';

export type ProblemCode = `DL${number}`;

/** A change to the file by key; `src/language/fixes.ts` finds the place in the text and keeps what stands around it. */
export type Change =
  /** Writes a value: in the place of what is there, or with its key (and those above it) where it is missing. */
  | { readonly kind: 'set'; readonly path: KeyPath; readonly value: unknown }
  /** @param offset where the key begins, if it stands twice */
  | { readonly kind: 'remove'; readonly path: KeyPath; readonly offset?: number | undefined }
  | { readonly kind: 'rename'; readonly path: KeyPath; readonly key: string }
  /** Replaces the end of a text, such as the name of a file behind folders and variables that stay as they are written. */
  | { readonly kind: 'amend'; readonly path: KeyPath; readonly from: string; readonly to: string }
  | { readonly kind: 'move'; readonly path: KeyPath; readonly to: KeyPath }
  /** Takes the tag off a value. */
  | { readonly kind: 'untag'; readonly path: KeyPath }
  /** Puts spaces in the place of the tabs that lines begin with. */
  | { readonly kind: 'untab' }
  /** Writes a whole experiment below what is there. */
  | { readonly kind: 'fill'; readonly template: string };

/** One way to mend a problem. */
export interface Repair {
  /** Made one after the other. */
  readonly changes: readonly Change[];
  /** Whether it says what the writer surely meant: then it may be made together with others, unasked for one by one. */
  readonly safe?: true | undefined;
}

/** Another place that has to do with the problem. */
export interface Related {
  readonly path: KeyPath;
  readonly message: string;
  readonly range: Span;
}

export interface Problem {
  readonly code: ProblemCode;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly path: KeyPath;
  readonly file: string;
  /** Absent when it does not stand in the file (an override). */
  readonly range?: Span | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  readonly advice?: string | undefined;
  /** The likeliest first. */
  readonly repairs?: readonly Repair[] | undefined;
  /** E.g. the teacher's value that the student's does not agree with. */
  readonly related?: readonly Related[] | undefined;
  /** Whether what is underlined could as well not be there. */
  readonly idle?: true | undefined;
}

export interface Finding extends Omit<Problem, 'file' | 'range' | 'severity' | 'related'> {
  readonly related?: readonly Pick<Related, 'path' | 'message'>[] | undefined;
  readonly severity?: 'warning' | undefined;
  /** Which end of `key: value` is at fault; missing keys are shown at the nearest key above. */
  readonly at?: 'key' | 'value' | undefined;
}

/** Puts a finding at its place in the file. */
export function place(finding: Finding, positions: Positions): Problem {
  const { at = 'value', severity = 'error', related, ...others } = finding;
  const rest = related === undefined ? others : { ...others, related: related.flatMap((each) => placeRelated(each, positions)) };
  const found = nearestEntry(positions, finding.path);
  if (found?.entry.override !== undefined) return { ...rest, severity, file: `--set ${found.entry.override}` };
  const { entry, exact } = found ?? { entry: undefined, exact: false };
  // A mapping's value may span the whole file: its key is what one wants underlined.
  const range = entry === undefined ? undefined : at === 'key' || !exact ? (entry.key ?? firstLine(entry.value)) : entry.value;
  return { ...rest, severity, file: positions.file, range };
}

/** At the key, or at the nearest key above it; nowhere if that came from the command line. */
function placeRelated(related: Pick<Related, 'path' | 'message'>, positions: Positions): readonly Related[] {
  const entry = nearestEntry(positions, related.path)?.entry;
  if (entry === undefined || entry.override !== undefined) return [];
  return [{ ...related, range: entry.key ?? firstLine(entry.value) }];
}

function firstLine(span: Span): Span {
  return span.line === span.endLine ? span : { ...span, end: span.offset, endLine: span.line, endColumn: span.column };
}

export function toPlace(problem: Problem): Place {
  const { file, range } = problem;
  return range === undefined ? { file } : { file, line: range.line, column: range.column };
}

export function toError(problem: Problem): DistillError {
  const { code, message, expected, got, advice, path } = problem;
  return new DistillError(code, message, { where: toPlace(problem), key: path, expected, got, advice });
}

/** `file:line:column: warning: message [DL102]`, then expected, got and what to do, a line each. */
export function formatProblem(problem: Problem): string {
  const lines = [`${formatPlace(toPlace(problem))}: ${problem.severity}: ${problem.message} [${problem.code}]`];
  if (problem.expected !== undefined) lines.push(`  expected: ${problem.expected}`);
  if (problem.got !== undefined) lines.push(`  got:      ${problem.got}`);
  if (problem.advice !== undefined) lines.push(`  to do:    ${problem.advice}`);
  return lines.join('\n');
}

/** A value as it would be written, cut to a length that fits a line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The candidate that a slip of the keyboard would have turned into `word`, if there is one near enough. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let bestDistance = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  // File content may be of any length; far beyond any key's length the exact figure is of no use.
  if (Math.abs(a.length - b.length) > 20 || a.length > 100) return Math.max(a.length, b.length);
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, at(i - 2, j - 2) + 1);
      row.push(least);
    }
  }
  return at(a.length, b.length);
}
