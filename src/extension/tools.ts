/** Runs the command line's short tools (`doctor`, `setup`, `report`) as children and hands on what they print. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Tool {
  readonly node: string;
  readonly cliPath: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly onLine: (line: string) => void;
  /** Aborting ends the child and, on POSIX systems, all that it started. */
  readonly signal: AbortSignal;
  /** Milliseconds that an aborted child has to clean up before it is killed. */
  readonly grace?: number;
}

/** @returns the exit code; `undefined` when it was cancelled: the child has ended by then. */
export function runTool({ node, cliPath, args, cwd, onLine, signal, grace = 15_000 }: Tool): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const group = process.platform !== 'win32';
    const child = spawn(node, [cliPath, ...args], {
      cwd,
      // The editor's runtime is Electron: this makes it behave as plain Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: group,
    });
    let force: NodeJS.Timeout | undefined;
    const send = (name: 'SIGTERM' | 'SIGKILL'): void => {
      if (child.pid === undefined || child.exitCode !== null) return;
      try {
        // A group of its own, so that a download or compiler that it started ends too.
        if (group) process.kill(-child.pid, name);
        else child.kill(name);
      } catch {
        // It has just ended by itself.
      }
    };
    const stop = (): void => {
      send('SIGTERM');
      force = setTimeout(() => { send('SIGKILL'); }, grace);
    };
    signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(force);
      signal.removeEventListener('abort', stop);
      resolve(signal.aborted ? undefined : code ?? 1);
    });
    if (signal.aborted) stop();
  });
}
