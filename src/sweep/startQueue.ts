/** Starts the queue of a sweep as a process of its own, which outlives whoever started it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { type LauncherName } from '../experiment/sweepSchema.ts';
import { diskError } from '../launch/disk.ts';
import { SWEEP_FILES } from './folder.ts';

export interface QueueStart {
  /** Of the sweep. */
  readonly folder: string;
  readonly cliPath: string;
  readonly node?: string | undefined;
  readonly atOnce?: number | undefined;
  readonly launcher?: LauncherName | undefined;
  /** Also runs that failed or were stopped by hand. */
  readonly retry?: boolean | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** What it says goes to `log.txt` of the sweep. @throws DistillError DL708 when it cannot be started, DL701 to DL703 for the log. */
export async function startQueue({ folder, cliPath, node = process.execPath, atOnce, launcher, retry = false, environment = process.env }: QueueStart): Promise<ChildProcess> {
  if (!existsSync(cliPath)) throw new DistillError('DL708', 'The program of the run is missing.', { where: { file: cliPath }, advice: 'Build it (`npm run build`) or install Distill Lab again.' });
  const logFile = path.join(folder, SWEEP_FILES.log);
  const log = await open(logFile, 'a').catch((cause: unknown) => { throw diskError(logFile, cause); });
  try {
    const options = [...(atOnce === undefined ? [] : ['--runs-at-once', String(atOnce)]), ...(launcher === undefined ? [] : ['--launcher', launcher]), ...(retry ? ['--retry'] : [])];
    const child = spawn(node, [cliPath, 'sweep-child', folder, ...options], {
      cwd: folder, detached: true, windowsHide: true, stdio: ['ignore', log.fd, log.fd],
      env: { ...environment, ...(process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }) },
    });
    await new Promise<void>((resolve, reject) => {
      child.once('error', (cause) => { reject(new DistillError('DL708', 'The queue of the sweep could not be started.', { got: `${node}: ${cause.message}`, advice: 'Check the path of Node in the settings, and that Node 20 or newer is there.', cause })); });
      child.once('spawn', resolve);
    });
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}
