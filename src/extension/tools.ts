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
}

/** @returns the exit code; `undefined` when it was cancelled. */
export function runTool(tool: Tool): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const group = process.platform !== 'win32';
    const child = spawn(tool.node, [tool.cliPath, ...tool.args], {
      cwd: tool.cwd,
      // The editor's runtime is Electron: this makes it behave as plain Node.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: group,
    });
    const stop = (): void => {
      if (child.pid === undefined || child.exitCode !== null) return;
      // A group of its own, so that a download or compiler that it started ends too.
      if (group) process.kill(-child.pid, 'SIGTERM');
      else child.kill();
    };
    tool.signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', tool.onLine);
    child.once('error', reject);
    child.once('close', (code) => {
      tool.signal.removeEventListener('abort', stop);
      resolve(tool.signal.aborted ? undefined : code ?? 1);
    });
    if (tool.signal.aborted) stop();
  });
}
