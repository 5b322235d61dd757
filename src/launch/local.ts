/** Starts, stops and kills a run's child process on this machine. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { FILES, type Launch } from '../experiment/record.ts';
import { processStart } from '../processStart.ts';
import { isLive, readRun, type RunSummary } from '../store/index.ts';
import { diskError } from './disk.ts';
import { engineEnvironment } from './environment.ts';
import { childCommand } from './launcher.ts';

export interface StartOptions {
  readonly folder: string;
  /** The bundled command line, which is also the child. */
  readonly cliPath: string;
  /** The Node that runs it. Default: the present one (VS Code's own included). */
  readonly node?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/**
 * Starts `node cliPath run-child folder` in a process group of its own: it outlives this process, its output goes to
 * `log.txt`. @throws DistillError DL708 when it cannot be started, DL701 to DL703 for the log.
 */
export async function startLocal({ folder, cliPath, node = process.execPath, environment = process.env }: StartOptions): Promise<{ readonly pid: number }> {
  if (!existsSync(cliPath)) throw new DistillError('DL708', 'The program of the run is missing.', { where: { file: cliPath }, advice: 'Build it (`npm run build`) or install Distill Lab again.' });
  return startProcess(folder, childCommand(folder, cliPath, node), environment);
}

/** Starts any command as the process of a run: detached, its output in the run's log. @throws as `startLocal`. */
export async function startProcess(folder: string, argv: readonly string[], environment: NodeJS.ProcessEnv): Promise<{ readonly pid: number }> {
  const [program = process.execPath, ...args] = argv;
  const logFile = path.join(folder, FILES.log);
  const log = await open(logFile, 'a').catch((cause: unknown) => { throw diskError(logFile, cause); });
  try {
    const child = spawn(program, args, {
      cwd: folder, detached: true, windowsHide: true, stdio: ['ignore', log.fd, log.fd],
      env: { ...environment, ...engineEnvironment({ env: environment }), ...(process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }) },
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => { reject(new DistillError('DL708', 'The process of the run could not be started.', { got: `${program}: ${cause.message}`, advice: 'Check the path of Node in the settings, and that Node 20 or newer is there.', cause })); });
      child.once('spawn', () => { resolve(child.pid ?? 0); });
    });
    child.unref();
    await noteLaunch(folder, pid);
    return { pid };
  } finally {
    await log.close();
  }
}

/** So that a child that dies before its first heartbeat is known to have lived. */
async function noteLaunch(folder: string, pid: number): Promise<void> {
  const file = path.join(folder, FILES.launch);
  const launch: Launch = { pid, host: hostname(), time: Date.now(), processStart: processStart(pid) };
  try {
    await writeFile(`${file}.new`, JSON.stringify(launch));
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw diskError(file, cause);
  }
}

/**
 * Asks a run to save and stop. The file reaches it on any machine, the signal only makes it faster.
 * @returns the run as it was; nothing is done when it does not go.
 */
export async function requestStop(folder: string): Promise<RunSummary> {
  const run = await readRun(folder);
  if (!isLive(run.state) && !isElsewhere(run)) return run;
  const file = path.join(folder, FILES.stopRequest);
  await writeFile(file, `${new Date().toISOString()}\n`).catch((cause: unknown) => { throw diskError(file, cause); });
  // Windows knows no signal that a process could answer.
  if (run.process !== undefined && !isElsewhere(run) && process.platform !== 'win32') signal(run.process.pid, 'SIGTERM');
  return run;
}

/**
 * Ends a run's process and all it started, now. `readRun` has checked that the process is the run's.
 * @throws DistillError DL709 when it does not go, DL710 when it goes on another machine.
 */
export async function kill(folder: string): Promise<void> {
  const run = await readRun(folder);
  if (isElsewhere(run)) throw new DistillError('DL710', `This run goes on ${run.process?.host ?? 'another machine'}.`, { where: { file: folder }, advice: 'Stop it (that works from here), or kill it there.' });
  if (!isLive(run.state) || run.process === undefined) throw new DistillError('DL709', 'There is no process to kill.', { where: { file: folder }, got: `the run is ${run.state}` });
  const { pid } = run.process;
  if (process.platform !== 'win32' && await leadsGroup(pid)) signal(-pid, 'SIGKILL');
  signal(pid, 'SIGKILL');
}

/** A run started by hand in a shell may share the shell's group, which is not ours to end. */
async function leadsGroup(pid: number): Promise<boolean> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[2] === String(pid);
  } catch {
    return process.platform !== 'linux';
  }
}

function isElsewhere(run: RunSummary): boolean {
  return run.process !== undefined && run.process.host !== hostname() && run.state !== 'finished' && run.state !== 'failed' && run.state !== 'stopped';
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended in between: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
