/** Kubernetes as a launcher: a Job a run, from a template that the user owns. Client and pods share the volume of the run folders. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type V1Job, type V1Pod } from '@kubernetes/client-node';
import { DistillError } from '../../errors.ts';
import { type LaunchConfig } from '../../experiment/sweepSchema.ts';
import { childCommand, type Job, type JobState, type Launcher, type Started } from '../launcher.ts';
import { Cluster, NotNow } from './cluster.ts';
import { jobManifest, jobName, LABELS, labelValue } from './manifest.ts';
import { isAtWork, stateOf } from './states.ts';
import { mountTrouble, readTemplate, type Template } from './template.ts';

export interface KubernetesOptions {
  readonly config: LaunchConfig['kubernetes'];
  /** Jobs at the same time; default: as many as the cluster has room for. */
  readonly atOnce?: number | undefined;
  /** Of the sweep. */
  readonly name: string;
  /** Least milliseconds between two questions to the cluster. */
  readonly poll?: number | undefined;
}

/** After these the cluster is not asked for the rest: it would say the same of each. */
const OF_ALL = new Set(['DL760', 'DL768', 'DL765', 'DL767']);
const MOST_TRIES = 10;
/** Of the time that passes, the part that asking may take: lists grow with the runs that go. */
const SHARE = 1 / 200;

export class KubernetesLauncher implements Launcher {
  readonly name = 'kubernetes';
  readonly caution = 'The Kubernetes launcher is experimental: it was checked against a stand-in for the API server, never on a real cluster.';
  readonly atOnce: number | undefined;
  readonly #options: KubernetesOptions;
  readonly #sweep: string;
  #open: { readonly cluster: Cluster; readonly template: Template } | undefined;
  #due = 0;
  #known: ReadonlyMap<string, JobState> = new Map();
  /** Jobs that were there once. */
  readonly #seen = new Set<string>();
  /** A Job never comes back from its end. */
  readonly #over = new Map<string, JobState>();

  constructor(options: KubernetesOptions) {
    this.#options = options;
    this.atOnce = options.atOnce;
    this.#sweep = labelValue(options.name);
  }

  /** Goes through all that a start needs, and makes nothing. @throws DistillError of what stands in the way. */
  async check(runsRoot: string): Promise<void> {
    const { cluster, template } = await this.#reach(true);
    const folder = path.resolve(runsRoot, 'a-run');
    const trouble = mountTrouble(template, folder);
    if (trouble !== undefined) throw trouble;
    try {
      await cluster.create(this.#manifest({ folder, argv: childCommand(folder, 'cli.js'), resources: { grace: 60 } }, 'check'), true);
      await cluster.jobs(this.#sweep, 1);
      await cluster.pods(`${LABELS.sweep}=${this.#sweep}`, 1);
    } catch (error) {
      // There may be room by the time that the first run begins.
      if (!(error instanceof NotNow)) throw error;
    }
  }

  async start(jobs: readonly Job[]): Promise<readonly Started[]> {
    const started: Started[] = [];
    // The template is read anew each time: somebody may have mended it.
    await this.#reach(true);
    await this.#clear().catch(forgiven);
    for (const job of jobs) {
      const last = started.at(-1);
      started.push(last !== undefined && ('later' in last || ('error' in last && OF_ALL.has(last.error.code))) ? last : await this.#submit(job));
    }
    this.#due = 0;
    return started;
  }

  async states(ids: readonly string[]): Promise<ReadonlyMap<string, JobState>> {
    const { poll = 5000 } = this.#options;
    if (ids.length === 0 || (Date.now() < this.#due && ids.every((id) => this.#known.has(id)))) return this.#known;
    const begin = process.cpuUsage();
    const known = new Map<string, JobState>();
    try {
      await this.#look(ids, known);
    } catch (error) {
      forgiven(error);
      // A cluster that does not answer has not forgotten its jobs: their folders tell how they fare.
      for (const id of ids) known.set(id, this.#over.get(id) ?? this.#known.get(id) ?? { state: 'running', reason: error instanceof Error ? error.message : String(error) });
    }
    const { user, system } = process.cpuUsage(begin);
    this.#due = Date.now() + (poll === 0 ? 0 : Math.max(poll, (user + system) / 1000 / SHARE));
    this.#known = known;
    return known;
  }

  async stop(id: string): Promise<void> {
    try {
      const { cluster } = await this.#reach();
      // One that runs reads the stop file in its folder, and saves; the signal would only come in between.
      if (!isAtWork(await cluster.pods(`job-name=${id}`), Date.now())) {
        await cluster.remove(id);
        this.#seen.add(id);
      }
    } catch (error) {
      forgiven(error);
    }
    this.#due = 0;
  }

  /** The last Jobs end a moment after what their runs said. */
  async close(): Promise<void> {
    const { poll = 1000 } = this.#options;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const left = await this.#clear().catch(forgiven) ?? 0;
      if (left === 0) return;
      await sleep(Math.max(poll, 200));
    }
  }

  /** Jobs that ended well: nothing is left to be read of them, and they count for a quota. @returns how many have not ended. */
  async #clear(): Promise<number> {
    const { cluster } = await this.#reach();
    const jobs = await cluster.jobs(this.#sweep);
    await Promise.all(jobs.filter((job) => hasCome(job, 'Complete')).map(async ({ metadata }) => {
      const name = metadata?.name ?? '';
      this.#over.set(name, { state: 'ended' });
      await cluster.remove(name);
    }));
    return jobs.filter((job) => !hasCome(job, 'Complete') && !hasCome(job, 'Failed')).length;
  }

  async #look(ids: readonly string[], known: Map<string, JobState>): Promise<void> {
    const { cluster, template } = await this.#reach();
    const { name: container = '' } = template.job.spec.template.spec.containers[template.trains] ?? {};
    const [jobs, pods] = [byName(await cluster.jobs(this.#sweep)), byJob(await cluster.pods(`${LABELS.sweep}=${this.#sweep}`))];
    const isPodless = ids.some((id) => !this.#over.has(id) && jobs.has(id) && !pods.has(id));
    const noPods = isPodless ? await cluster.whyNoPods() : new Map<string, string>();
    const now = Date.now();
    for (const id of ids) {
      const job = jobs.get(id);
      if (job !== undefined) this.#seen.add(id);
      const state = this.#over.get(id) ?? stateOf({ name: id, job, pods: pods.get(id) ?? [], noPod: noPods.get(id), container, now })
        ?? (this.#seen.has(id) ? { state: 'ended' as const, isCancelled: true, reason: `its job was deleted in Kubernetes (${id})` } : undefined);
      // Gone before this queue began: its folder tells.
      if (state === undefined) continue;
      known.set(id, state);
      if (state.state !== 'ended' || this.#over.has(id)) continue;
      this.#over.set(id, state);
      // It ended well, or it would try for ever what never will begin. Those that failed stay for `kubectl logs`.
      if (job !== undefined && !hasCome(job, 'Failed')) await cluster.remove(id);
    }
  }

  async #submit(job: Job): Promise<Started> {
    const { cluster, template } = await this.#reach();
    const trouble = mountTrouble(template, job.folder);
    if (trouble !== undefined) return { error: trouble };
    const id = jobName(this.#options.name, randomBytes(5).toString('hex'));
    try {
      await cluster.create(this.#manifest(job, id));
      this.#seen.add(id);
      return { id };
    } catch (error) {
      if (error instanceof NotNow) return { later: `Kubernetes takes no job now (${error.message}); tried again every minute.` };
      if (error instanceof DistillError) return { error };
      throw error;
    }
  }

  #manifest(job: Job, name: string): ReturnType<typeof jobManifest> {
    if (this.#open === undefined) throw new Error('the cluster was not reached yet');
    const { cluster: { namespace }, template } = this.#open;
    return jobManifest(template, job, { name, namespace, sweep: this.#sweep }, this.#options.config.cli);
  }

  async #reach(anew = false): Promise<{ readonly cluster: Cluster; readonly template: Template }> {
    if (this.#open !== undefined && !anew) return this.#open;
    const { config } = this.#options;
    const template = await readTemplate(config.template, config.container);
    this.#open = { template, cluster: await Cluster.open(config, template.job.metadata?.namespace ?? undefined) };
    return this.#open;
  }
}

function hasCome({ status }: V1Job, type: string): boolean {
  return status?.conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}

/** A cluster that does not answer now may later. */
function forgiven(error: unknown): undefined {
  if (!(error instanceof DistillError) && !(error instanceof NotNow)) throw error;
}

function byName(jobs: readonly V1Job[]): ReadonlyMap<string, V1Job> {
  // One that is being deleted with all it owns is as good as gone.
  return new Map(jobs.flatMap((job) => (job.metadata?.name === undefined || job.metadata.deletionTimestamp !== undefined ? [] : [[job.metadata.name, job] as const])));
}

function byJob(pods: readonly V1Pod[]): ReadonlyMap<string, readonly V1Pod[]> {
  const found = new Map<string, V1Pod[]>();
  for (const pod of pods) {
    const name = pod.metadata?.labels?.['job-name'] ?? pod.metadata?.labels?.['batch.kubernetes.io/job-name'];
    if (name === undefined) continue;
    const others = found.get(name);
    if (others === undefined) found.set(name, [pod]);
    else others.push(pod);
  }
  return found;
}
