/** Runs a program to its end, with its whole process group ended when the caller gives up. */
import { spawn } from 'node:child_process';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Each line of either output, as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface CommandResult {
  /** Undefined if there is no such program. */
  readonly code: number | undefined;
  /** The last lines of both outputs, at most some 16 kB. */
  readonly output: string;
}

const kept = 16_384;

/** Rejects only when `signal` aborts (with its reason). */
export async function runCommand(program: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { cwd, env, signal, onLine } = options;
  signal?.throwIfAborted();
  // A group of its own, so that what the program starts is ended with it.
  const group = process.platform !== 'win32';
  const child = spawn(program, args, { ...(cwd === undefined ? {} : { cwd }), env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: group });
  let output = '';
  let partial = '';
  const take = (chunk: string): void => {
    output = (output + chunk).slice(-kept);
    const lines = (partial + chunk).split(/\r?\n|\r/);
    partial = lines.pop() ?? '';
    for (const line of lines) onLine?.(line);
  };
  child.stdout.setEncoding('utf8').on('data', take);
  child.stderr.setEncoding('utf8').on('data', take);
  const stop = (): void => {
    endGroup(child.pid, group);
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<number | undefined>((resolve) => {
      child.once('error', () => {
        resolve(undefined);
      });
      child.once('close', (exit) => {
        resolve(exit ?? 1);
      });
    });
    signal?.throwIfAborted();
    return { code, output: output.trim() };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function endGroup(pid: number | undefined, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, 'SIGKILL');
  } catch {
    // Ended by itself meanwhile.
  }
}
