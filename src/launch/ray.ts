/** Ray as a launcher, through its Jobs interface: a job a run. Client and nodes share the file system. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { DistillError } from '../errors.ts';
import { type LaunchConfig } from '../experiment/sweepSchema.ts';
import { type Job, type JobState, type Launcher, type Started } from './launcher.ts';
import { nodeScript, nodeTrouble } from './onNode.ts';
import { type Reply, RestClient } from './rest.ts';

export interface RayOptions {
  readonly config: LaunchConfig['ray'];
  /** Jobs at the same time; default: as many as the cluster has room for. */
  readonly atOnce?: number | undefined;
  /** What its jobs are called. */
  readonly name: string;
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Least milliseconds between two questions to the cluster. */
  readonly poll?: number | undefined;
}

const DEFAULT_ADDRESS = 'http://127.0.0.1:8265';
/** Up to so many jobs, each is asked after by itself: the list holds all that the cluster ever ran. */
const FEW = 8;
const LATER = 'tried again every minute';

/** What is read of Ray's description of a job; the rest is its own. */
const detailsSchema = z.object({
  submission_id: z.string().nullish(), status: z.enum(['PENDING', 'RUNNING', 'STOPPED', 'SUCCEEDED', 'FAILED']), message: z.string().nullish(),
  error_type: z.string().nullish(), driver_exit_code: z.number().nullish(), driver_agent_http_address: z.string().nullish(),
});
type Details = z.output<typeof detailsSchema>;

export class RayLauncher implements Launcher {
  readonly name = 'ray';
  readonly atOnce: number | undefined;
  readonly address: string;
  readonly #options: RayOptions;
  readonly #rest: RestClient;
  readonly #givenUp = new Set<string>();
  #asked = 0;
  #known: ReadonlyMap<string, JobState> = new Map();

  constructor(options: RayOptions) {
    const { config, atOnce, environment = process.env } = options;
    this.#options = options;
    this.atOnce = atOnce;
    this.address = config.address ?? httpAddress(environment.RAY_API_SERVER_ADDRESS) ?? DEFAULT_ADDRESS;
    const token = environment[config.tokenFrom];
    this.#rest = new RestClient({ address: this.address, headers: token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` } });
  }

  async start(jobs: readonly Job[]): Promise<readonly Started[]> {
    const started: Started[] = [];
    // One after the other: a cluster that takes no more, or is gone, is not asked for the rest.
    for (const job of jobs) {
      const last = started.at(-1);
      started.push(last !== undefined && ('later' in last || ('error' in last && last.error.code === 'DL760')) ? last : await this.#submit(job));
    }
    this.#asked = 0;
    return started;
  }

  async states(ids: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    const { poll = 5000 } = this.#options;
    if (ids.length === 0 || (Date.now() - this.#asked < poll && ids.every((id) => this.#known.has(id)))) return this.#known;
    const known = new Map<string, JobState>();
    try {
      for (const [id, details] of await this.#details(ids)) known.set(id, await this.#stateOf(id, details));
    } catch (error) {
      if (!(error instanceof DistillError)) throw error;
      // A cluster that does not answer has not forgotten its jobs: their folders tell how they fare.
      for (const id of ids) known.set(id, this.#known.get(id) ?? { state: 'running', reason: error.message });
    }
    this.#asked = Date.now();
    this.#known = known;
    return known;
  }

  async stop(id: string): Promise<void> {
    // One that runs reads the stop file in its folder, and saves; the signal would only come in between.
    const [details] = [...(await this.#details([id]).catch(() => new Map<string, Details>())).values()];
    if (details?.status === 'PENDING') {
      // Ray keeps it pending until there is room, and only then ends it, before its first word.
      this.#givenUp.add(id);
      await this.#rest.post(`${pathOf(id)}/stop`).catch(() => undefined);
    }
    this.#asked = 0;
  }

  /** The last of what the job said to Ray; what its child says is in the run's own log. */
  async log(id: string): Promise<string> {
    const { status, body } = await this.#rest.get(`${pathOf(id)}/logs`);
    const parsed = z.object({ logs: z.string() }).safeParse(body);
    return status === 200 && parsed.success ? parsed.data.logs : '';
  }

  async #submit(job: Job): Promise<Started> {
    try {
      return await this.#post(job);
    } catch (error) {
      if (error instanceof DistillError) return { error };
      throw error;
    }
  }

  async #post(job: Job): Promise<Started> {
    const { config, name } = this.#options;
    const { cpus = 1, gpus, memory, grace } = job.resources;
    const id = `distill-${name.replaceAll(/[^\w.-]/g, '-').slice(0, 60)}-${randomBytes(6).toString('hex')}`;
    const reply = await this.#rest.post('/api/jobs/', {
      submission_id: id, entrypoint: nodeScript(job), metadata: { folder: job.folder },
      // Ray ends a job that is to stop after three seconds, unless told otherwise: too early to save.
      runtime_env: { env_vars: { RAY_JOB_STOP_WAIT_TIME_S: String(grace) } },
      entrypoint_num_cpus: cpus, ...(gpus === undefined ? {} : { entrypoint_num_gpus: gpus }),
      ...(memory === undefined ? {} : { entrypoint_memory: Math.ceil(memory * 2 ** 30) }),
      ...(config.resources === undefined ? {} : { entrypoint_resources: config.resources }),
    });
    if (reply.status === 200) return { id };
    const why = wordsOf(reply);
    // Sent twice over a poor line: the first one was taken.
    if (why.includes('already exists')) return { id };
    if (/No available agent|try again later/i.test(why)) return { later: `Ray takes no job now (${why}); ${LATER}.` };
    if (reply.status === 401 || reply.status === 403) return { error: new DistillError('DL760', 'Ray refuses the token.', { where: { file: this.address }, got: `${reply.status} ${why}`, advice: `Set ${config.tokenFrom} in the environment, or name another variable by \`launch.ray.tokenFrom\`.` }) };
    if (reply.status === 404) throw this.#notRay(`404 ${why}`);
    return { error: new DistillError('DL761', 'Ray does not take this job.', { got: `${reply.status} ${why}`, advice: 'Mend `launch` in the experiment, then `distill-lab sweep --resume NAME --retry`.' }) };
  }

  async #details(ids: readonly string[]): Promise<ReadonlyMap<string, Details>> {
    if (ids.length > FEW) {
      const { status, body } = await this.#rest.get('/api/jobs/');
      const parsed = z.array(z.unknown()).safeParse(body);
      if (status !== 200 || !parsed.success) throw this.#notRay(`status ${status}`);
      const all = parsed.data.flatMap((each) => detailsSchema.safeParse(each).data ?? []);
      return new Map(all.flatMap((each) => (typeof each.submission_id === 'string' && ids.includes(each.submission_id) ? [[each.submission_id, each] as const] : [])));
    }
    const found = await Promise.all(ids.map(async (id) => {
      const { status, body } = await this.#rest.get(pathOf(id));
      const parsed = detailsSchema.safeParse(body);
      if (status !== 404 && (status !== 200 || !parsed.success)) throw this.#notRay(`status ${status}`);
      return parsed.success ? [[id, parsed.data] as const] : [];
    }));
    return new Map(found.flat());
  }

  async #stateOf(id: string, { status, message, error_type: type, driver_exit_code: exit, driver_agent_http_address: agent }: Details): Promise<JobState> {
    switch (status) {
      case 'PENDING': return this.#givenUp.has(id) ? { state: 'ended', isCancelled: true, reason: `taken out of Ray's queue (job ${id})` } : { state: 'waiting', reason: `waits in Ray (job ${id}: ${message ?? 'just handed over'})` };
      case 'RUNNING': return { state: 'running' };
      case 'SUCCEEDED': return { state: 'ended' };
      case 'STOPPED': return { state: 'ended', isCancelled: true, reason: `stopped in Ray (job ${id})` };
      case 'FAILED': {
        // Waiting for room longer than Ray lets a job wait.
        if (type === 'JOB_SUPERVISOR_ACTOR_START_TIMEOUT') return { state: 'ended', neverBegan: true, reason: `waited in Ray too long and is handed over again (job ${id})` };
        const error = nodeTrouble(exit ?? 0, typeof agent !== 'string' || !URL.canParse(agent) ? 'a node of the cluster' : new URL(agent).hostname, `Ray job ${id}`);
        if (error !== undefined) return { state: 'ended', error };
        const said = (await this.log(id).catch(() => '')).trim().split('\n').at(-1) ?? '';
        return { state: 'ended', reason: `its job failed (job ${id}: ${typeof exit === 'number' ? `exit code ${exit}` : firstLine(message ?? type ?? 'no reason given')}${said === '' || said.startsWith('distill-lab:') ? '' : `; ${said.slice(0, 300)}`})` };
      }
    }
  }

  #notRay(got: string): DistillError {
    return new DistillError('DL760', `What answers at ${this.address} is not Ray's Jobs interface.`, { got, advice: 'Name the address of Ray\'s dashboard by `launch.ray.address` (port 8265 unless changed); Ray must be installed as `ray[default]` on the head node.' });
  }
}

function pathOf(id: string): string {
  return `/api/jobs/${encodeURIComponent(id)}`;
}

/** `auto` and `ray://…` are for Ray's own client. */
function httpAddress(address: string | undefined): string | undefined {
  return address !== undefined && /^https?:\/\//.test(address) ? address : undefined;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}

/** Ray answers a refusal with a traceback, whose last line says why. */
function wordsOf({ body, text }: Reply): string {
  const said = z.object({ msg: z.string() }).safeParse(body).data?.msg ?? text;
  return said.trim().split('\n').at(-1)?.trim().slice(0, 300) ?? '';
}
