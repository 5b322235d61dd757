/** Where the command line writes, and how. */
import { DistillError, explainError } from '../errors.ts';

export interface Output {
  /** A line of result, to stdout. */
  line(text: string): void;
  /** A line about the work, to stderr, so that stdout stays clean for pipes. */
  note(text: string): void;
  /** Redraws the last lines of a terminal; empty clears them. Does nothing elsewhere. */
  status(text: string): void;
  readonly terminal: boolean;
  readonly columns: number;
}

export const EXIT = { finished: 0, failed: 1, badInput: 2, stopped: 3, killed: 4 } as const;

export function processOutput(): Output {
  const { stdout, stderr } = process;
  // On a terminal the progress line is redrawn; a dumb one cannot.
  const terminal = stdout.isTTY && process.env.TERM !== 'dumb';
  let drawn = '';
  const clear = (): void => {
    if (drawn !== '') stdout.write(`\r\u001B[2K${'\u001B[1A\u001B[2K'.repeat(drawn.split('\n').length - 1)}`);
  };
  const around = (write: () => void): void => {
    clear();
    write();
    if (drawn !== '') stdout.write(drawn);
  };
  return {
    terminal,
    get columns() { return stdout.columns || 100; },
    line: (text) => { around(() => stdout.write(`${text}\n`)); },
    note: (text) => { around(() => stderr.write(`${text}\n`)); },
    status: (text) => {
      if (!terminal || text === drawn) return;
      clear();
      drawn = text;
      stdout.write(text);
    },
  };
}

/** Errors that are about what the user gave: the file, its data, weights, pairing, arguments. */
export function exitCodeOf(error: unknown): number {
  return error instanceof DistillError && /^DL[13457]/.test(error.code) ? EXIT.badInput : EXIT.failed;
}

export function reportError(output: Output, error: unknown): number {
  output.status('');
  output.note(explainError(error));
  return exitCodeOf(error);
}
