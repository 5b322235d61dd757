/** This machine as a launcher: a child process a run, spread over the GPUs. */
import { execFile } from 'node:child_process';
import { DistillError } from '../errors.ts';
import { processStart } from '../processStart.ts';
import { isProcessAlive } from '../store/index.ts';
import { type Job, type JobState, type Launcher, type Started } from './launcher.ts';
import { startProcess } from './local.ts';

export interface LocalOptions {
  /** Runs at the same time: on each GPU, or on the machine where there is none. */
  readonly atOnce?: number | undefined;
  /** Names for CUDA_VISIBLE_DEVICES; default: those of this machine. */
  readonly gpus?: readonly string[] | undefined;
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/** A job's id: `pid:start of the process:GPU`, so that a queue that was started again knows what goes where. */
export class LocalLauncher implements Launcher {
  readonly name = 'local';
  readonly atOnce: number;
  readonly #gpus: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #going = new Set<string>();

  constructor({ atOnce = 1, gpus = [], environment = process.env }: LocalOptions) {
    this.#gpus = gpus;
    this.#environment = environment;
    this.atOnce = atOnce * Math.max(1, gpus.length);
  }

  async start(jobs: readonly Job[]): Promise<readonly Started[]> {
    const started: Started[] = [];
    for (const { folder, argv } of jobs) {
      const gpu = this.#freest();
      try {
        const { pid } = await startProcess(folder, argv, { ...this.#environment, ...(gpu === '' ? {} : { CUDA_VISIBLE_DEVICES: gpu }) });
        const id = `${pid}:${processStart(pid)}:${gpu}`;
        this.#going.add(id);
        started.push({ id });
      } catch (error) {
        if (!(error instanceof DistillError)) throw error;
        started.push({ error });
      }
    }
    return started;
  }

  states(ids: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    const states = new Map<string, JobState>();
    for (const id of ids) {
      const [pid = '', start = ''] = id.split(':');
      const alive = isProcessAlive(Number(pid), start);
      if (alive) this.#going.add(id);
      else this.#going.delete(id);
      states.set(id, { state: alive ? 'running' : 'ended' });
    }
    return Promise.resolve(states);
  }

  /** The stop file in the run folder says all; the signal makes it faster. */
  stop(id: string): Promise<void> {
    const [pid = '', start = ''] = id.split(':');
    // Windows knows no signal that a process could answer.
    if (process.platform !== 'win32' && isProcessAlive(Number(pid), start)) {
      try {
        process.kill(Number(pid), 'SIGTERM');
      } catch {
        // It ended in between: that is what was wanted.
      }
    }
    return Promise.resolve();
  }

  /** The GPU with the fewest runs; empty where there is none to choose. */
  #freest(): string {
    const load = (gpu: string): number => [...this.#going].filter((id) => id.split(':')[2] === gpu).length;
    return this.#gpus.reduce((best, gpu) => (load(gpu) < load(best) ? gpu : best), this.#gpus[0] ?? '');
  }
}

/** The GPUs that runs may use: those that CUDA_VISIBLE_DEVICES leaves, else all that the driver lists. */
export async function visibleGpus(environment: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  const chosen = environment.CUDA_VISIBLE_DEVICES;
  if (chosen !== undefined) return chosen.split(',').map((name) => name.trim()).filter((name) => name !== '' && name !== '-1');
  const listed = await new Promise<string>((resolve) => { execFile('nvidia-smi', ['-L'], { timeout: 10_000 }, (error, stdout) => { resolve(error === null ? stdout : ''); }); });
  return listed.split('\n').flatMap((line) => /^GPU (\d+):/.exec(line)?.[1] ?? []);
}
