/** Slurm as a launcher: runs as one array job, asked after by squeue. Client and nodes share the file system. */
import { execFile, spawn } from 'node:child_process';
import { DistillError } from '../errors.ts';
import { type LaunchConfig } from '../experiment/sweepSchema.ts';
import { type Job, type JobState, type Launcher, type Started } from './launcher.ts';
import { nodeTrouble } from './onNode.ts';
import { slurmScript } from './slurmScript.ts';
import { type Answer, asksAgain, isForgotten, isLimit, isSilent, never, reasonOf, waiting } from './slurmWords.ts';

export interface SlurmOptions {
  readonly config: LaunchConfig['slurm'];
  /** Tasks of an array at the same time; default: as many as the cluster gives. */
  readonly atOnce?: number | undefined;
  /** What its jobs are called. */
  readonly name: string;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Least milliseconds between two questions to the scheduler, which all its users share. */
  readonly poll?: number | undefined;
}

export class SlurmLauncher implements Launcher {
  readonly name = 'slurm';
  readonly #options: SlurmOptions;
  #asked = 0;
  #known: ReadonlyMap<string, JobState> = new Map();

  constructor(options: SlurmOptions) {
    this.#options = options;
  }

  async start(jobs: readonly Job[]): Promise<readonly Started[]> {
    const { config, atOnce, name } = this.#options;
    const answer = await this.#submit(slurmScript(jobs, { config, atOnce, name }));
    const id = /^(\d+)/.exec(answer.stdout.trim())?.[1];
    if (id !== undefined) {
      this.#asked = 0;
      return jobs.map((_, index) => ({ id: jobs.length === 1 ? id : `${id}_${index}` }));
    }
    const why = reasonOf(answer);
    if (isSilent(why)) return jobs.map(() => ({ later: `Slurm does not answer (${why}); tried again every minute.` }));
    // A limit on jobs may leave room for some of them.
    if (isLimit(why)) {
      const later = { later: `Slurm takes no more jobs now (${why}); tried again every minute.` };
      if (jobs.length === 1) return [later];
      const half = Math.ceil(jobs.length / 2);
      const first = await this.start(jobs.slice(0, half));
      return [...first, ...(first.some((each) => 'later' in each) ? jobs.slice(half).map(() => later) : await this.start(jobs.slice(half)))];
    }
    const error = refusal(why);
    return jobs.map(() => ({ error }));
  }

  async states(ids: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    const { poll = 5000 } = this.#options;
    if (ids.length === 0 || (Date.now() - this.#asked < poll && ids.every((id) => this.#known.has(id)))) return this.#known;
    const arrays = [...new Set(ids.map((id) => id.split('_')[0] ?? id))];
    const { code, stdout, stderr } = await this.#ask('squeue', ['--noheader', '--array', '--states=all', `--jobs=${arrays.join(',')}`, '--format=%i|%T|%r']);
    // A scheduler that does not answer has not forgotten its jobs.
    if (code !== 0 && !isForgotten(stderr)) return new Map(ids.map((id) => [id, this.#known.get(id) ?? { state: 'waiting', reason: 'Slurm does not answer.' }]));
    const known = new Map<string, JobState>();
    for (const row of stdout.split('\n')) {
      const [id = '', state = '', reason = ''] = row.trim().split('|');
      if (ids.includes(id)) known.set(id, await this.#stateOf(id, state, reason));
    }
    this.#asked = Date.now();
    this.#known = known;
    return known;
  }

  async stop(id: string): Promise<void> {
    // One that runs reads the stop file in its folder, and saves; the signal would only come in between.
    const { stdout } = await this.#ask('squeue', ['--noheader', '--array', `--jobs=${id}`, '--format=%T']);
    if (/PENDING|REQUEUE/.test(stdout)) await this.#ask('scancel', [id]);
    this.#asked = 0;
  }

  async #stateOf(id: string, state: string, reason: string): Promise<JobState> {
    switch (state) {
      case 'PENDING': {
        const why = never(reason);
        if (why === undefined) return { state: 'waiting', reason: `waits in Slurm's queue (job ${id}: ${waiting(reason)})` };
        await this.#ask('scancel', [id]);
        return { state: 'ended', error: refusal(`job ${id} would wait for ever: ${why}`) };
      }
      case 'REQUEUED': case 'REQUEUE_HOLD': case 'REQUEUE_FED': case 'SPECIAL_EXIT': return { state: 'waiting', reason: `waits in Slurm's queue (job ${id}: ${waiting(reason)})` };
      case 'CONFIGURING': case 'RUNNING': case 'COMPLETING': case 'SUSPENDED': case 'STOPPED': case 'SIGNALING': case 'STAGE_OUT': case 'RESIZING': return { state: 'running', reason: state === 'SUSPENDED' ? `suspended by Slurm (job ${id})` : undefined };
      case 'COMPLETED': return { state: 'ended' };
      case 'CANCELLED': return { state: 'ended', isCancelled: true, reason: `cancelled in Slurm (job ${id})` };
      case 'FAILED': case 'BOOT_FAIL': case 'LAUNCH_FAILED': return this.#failed(id, reason);
      default: return { state: 'ended', reason: `ended by Slurm (job ${id}: ${state.toLowerCase().replaceAll('_', ' ')})` };
    }
  }

  /** Jobs that could not even begin say so by their exit code. */
  async #failed(id: string, reason: string): Promise<JobState> {
    const { stdout } = await this.#ask('scontrol', ['show', 'job', '--oneliner', id]);
    const [, exit = '', signal = ''] = /\bExitCode=(\d+):(\d+)/.exec(stdout) ?? [];
    const node = /\bBatchHost=(\S+)/.exec(stdout)?.[1] ?? 'the node';
    // 0:53: slurmd could not open the output or change to the folder of the job.
    const error = nodeTrouble(signal === '53' ? 66 : Number(exit), node, `Slurm job ${id}`);
    const why = signal !== '' && signal !== '0' ? `ended by signal ${signal}` : reason === 'None' || reason === 'NonZeroExitCode' ? `exit code ${exit}` : reason;
    return error === undefined ? { state: 'ended', reason: `its job failed (job ${id}: ${why})` } : { state: 'ended', error };
  }

  #submit(script: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = spawn('sbatch', ['--parsable'], { env: this.#options.environment ?? process.env });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
        // It sleeps now, and the queue hears nothing while it does: the queue asks again by itself.
        if (asksAgain(stderr)) child.kill();
      });
      child.on('error', (cause) => { reject(notThere(cause)); });
      child.on('close', (code) => { resolve({ code: code ?? 1, stdout, stderr }); });
      child.stdin.on('error', () => undefined);
      child.stdin.end(script);
    });
  }

  #ask(program: string, args: readonly string[]): Promise<Answer> {
    return new Promise((resolve) => {
      execFile(program, args, { env: this.#options.environment ?? process.env, timeout: 60_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, stdout, stderr });
      });
    });
  }
}

function notThere(cause: Error): DistillError {
  return new DistillError('DL760', 'Slurm is not to be found: there is no sbatch on the path.', { got: cause.message, advice: 'Start the sweep on a machine of the cluster, or choose another launcher (`--launcher local`).', cause });
}

function refusal(why: string): DistillError {
  return new DistillError('DL761', 'Slurm does not take this job.', { got: why, advice: 'Mend `launch` in the experiment or in your own settings (`sinfo` lists partitions, `scontrol show partition` their limits), then start the sweep anew.' });
}
