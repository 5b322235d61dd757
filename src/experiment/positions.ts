/** Where each key of an experiment stands in its file, and how errors that know only a key get their line. */
import { type DistillError, type Place } from '../errors.ts';
import { formatKey, type KeyPath } from './keyPath.ts';

export interface Span {
  /** Characters from the start of the text; `end` is exclusive. */
  readonly offset: number;
  readonly end: number;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly endLine: number;
  /** Exclusive. */
  readonly endColumn: number;
}

export interface Entry {
  /** Absent for list items and the file itself. */
  readonly key?: Span | undefined;
  readonly value: Span;
  /** The words of the command line that set it, when it does not stand in the file. */
  readonly override?: string | undefined;
}

/** The part that a run folder keeps: enough to name a line. */
export interface SourceLines {
  readonly file: string;
  /** 1-based line by formatted key, e.g. `distill[0].alpha`. */
  readonly lines: Readonly<Record<string, number>>;
}

export interface Positions extends SourceLines {
  /** By formatted key; `''` is the whole file. */
  readonly entries: ReadonlyMap<string, Entry>;
}

/** The entry of a key, or of the nearest key above it that stands in the file. */
export function nearestEntry(positions: Positions, path: KeyPath): { readonly entry: Entry; readonly exact: boolean } | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const entry = positions.entries.get(formatKey(path.slice(0, length)));
    if (entry !== undefined) return { entry, exact: length === path.length };
  }
  return undefined;
}

/** The line of a key, or of the nearest key above it. */
export function lineOf(source: SourceLines, path: KeyPath): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const line = source.lines[formatKey(path.slice(0, length))];
    if (line !== undefined) return line;
  }
  return undefined;
}

export function placeOf(source: SourceLines, path: KeyPath): Place {
  return { file: source.file, line: lineOf(source, path) };
}

/** Gives an error that names a key (`details.key`) the line of that key; other errors pass unchanged. */
export function locate<E>(error: E, source: SourceLines): E | DistillError {
  if (!isLocatable(error)) return error;
  return error.at(placeOf(source, error.details.key ?? []));
}

function isLocatable(error: unknown): error is DistillError {
  // By shape, not by class: the error may come from another bundle of the same code.
  if (!(error instanceof Error) || error.name !== 'DistillError') return false;
  const { details } = error as DistillError;
  return details.key !== undefined && details.where === undefined;
}
