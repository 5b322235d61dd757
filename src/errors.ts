/**
 * The one error class that users meet. Every room may import this file; it imports nothing.
 *
 * A message says what is wrong; the fields say where, what was expected, what came instead and what to do.
 * Codes (`DL` + three digits) have a section each in `docs/errors.md`.
 */
export interface Place {
  /** Path of the file as the user would type it. */
  readonly file: string;
  /** 1-based. */
  readonly line?: number | undefined;
  /** 1-based. */
  readonly column?: number | undefined;
}

export interface ErrorDetails {
  readonly where?: Place | undefined;
  /** Path of the guilty key in the experiment, e.g. `['train', 'batch']`: the reader of the file turns it into `where`. */
  readonly key?: readonly (string | number)[] | undefined;
  readonly expected?: string | undefined;
  readonly got?: string | undefined;
  /** What the user can do about it, as an instruction. */
  readonly advice?: string | undefined;
  readonly cause?: unknown;
}

export class DistillError extends Error {
  override readonly name = 'DistillError';
  readonly code: `DL${number}`;
  readonly details: ErrorDetails;

  constructor(code: `DL${number}`, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.details = details;
  }

  /** All that is known, a line each: the form for terminals, logs and the panel's header. */
  explain(): string {
    const { where, expected, got, advice } = this.details;
    const place = where === undefined ? '' : `${formatPlace(where)}: `;
    const lines = [`${place}${this.message} [${this.code}]`];
    if (expected !== undefined) lines.push(`  expected: ${expected}`);
    if (got !== undefined) lines.push(`  got:      ${got}`);
    if (advice !== undefined) lines.push(`  to do:    ${advice}`);
    return lines.join('\n');
  }

  /** The same error with its place filled in, when it was raised by code that knows the key but not the file. */
  at(where: Place): DistillError {
    return new DistillError(this.code, this.message, { ...this.details, where, cause: this.cause });
  }
}

export function formatPlace(where: Place): string {
  const line = where.line === undefined ? '' : `:${where.line}${where.column === undefined ? '' : `:${where.column}`}`;
  return `${where.file}${line}`;
}

/** Any thrown thing as text for a log or a terminal. */
export function explainError(error: unknown): string {
  if (error instanceof DistillError) return error.explain();
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}
