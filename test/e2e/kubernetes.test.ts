/**
 * Runs as Jobs of Kubernetes. There is no cluster: a stand-in (`support/kubernetes.ts`) answers for the API server, over TLS with
 * a certificate and tokens of its own, and runs what the containers would run as real processes. So what is sent, what is read,
 * and the way through queue and run folders are tested; that a real cluster does the same is not.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { launchSchema } from '../../src/experiment/sweepSchema.ts';
import { KubernetesLauncher } from '../../src/launch/kubernetes/launcher.ts';
import { isProcessAlive, listRuns, type RunSummary } from '../../src/store/index.ts';
import { checkedPlan, launchOf, makeSweep } from '../../src/sweep/prepare.ts';
import { SweepQueue } from '../../src/sweep/queue.ts';
import { CLI, commandLine, eventsOfType, until, workspace } from './support/commandLine.ts';
import { jobTemplate, MISSING_IMAGE, NAMESPACE, StandIn } from './support/kubernetes.ts';
import { seedsExperiment } from './support/sweeps.ts';

let folder = '';
const cluster = new StandIn();
const LAUNCH = 'launch: { on: kubernetes, minutes: 60, kubernetes: { template: job.yaml } }\n';
/** Long enough to be interrupted, with checkpoints to go on from. */
const LONG = seedsExperiment('long', 200).replace('checkpoint: { every: 200 }', 'checkpoint: { every: 4 }').replace('evaluate: { every: 100 }', 'evaluate: { every: 200 }');

beforeAll(async () => {
  folder = workspace({ 'seeds.distill.yaml': seedsExperiment('seeds', 4) + LAUNCH, 'long.distill.yaml': LONG + LAUNCH });
  writeFileSync(path.join(folder, 'job.yaml'), jobTemplate(folder));
  await cluster.listen();
  vi.stubEnv('KUBECONFIG', cluster.kubeconfig());
});
beforeEach(() => { cluster.quota = { jobs: 100, pods: 100 }; });
afterAll(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});
const runsOf = async (root: string): Promise<readonly RunSummary[]> => (await listRuns([path.join(folder, root)])).toSorted((a, b) => (a.sweep?.seed ?? 0) - (b.sweep?.seed ?? 0));
const launcher = (config: unknown, name = 'a'): KubernetesLauncher => new KubernetesLauncher({ config: launchSchema.parse({ kubernetes: config }).kubernetes, name, poll: 0 });
const template = (name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
};

describe('a sweep', () => {
  it('goes through: a Job a run, in words while a quota holds one back, and none is left', async () => {
    cluster.quota.pods = 1;
    const going = commandLine(['sweep', 'seeds.distill.yaml', '--runs', 'whole', '--json'], { cwd: folder });
    const held = await until('a run to wait for the quota', async () => (await runsOf('whole')).find(({ job }) => job?.reason?.includes('exceeded quota')), 200);
    expect(held).toMatchObject({ state: 'preparing', job: { launcher: 'kubernetes', state: 'waiting', reason: expect.stringMatching(/^waits in Kubernetes \(distill-.*exceeded quota: pods/) as string } });
    cluster.quota.pods = 100;
    const { code, stdout, stderr } = await going;
    expect(code, stdout + stderr).toBe(0);
    expect(stderr).toContain('never on a real cluster');
    const runs = await runsOf('whole');
    expect(runs.map(({ state, job, sweep }) => [state, job?.launcher, sweep?.seed])).toEqual([['finished', 'kubernetes', 0], ['finished', 'kubernetes', 1]]);
    for (const { folder: run, process: child } of runs) {
      expect(eventsOfType(run, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4]);
      expect(isProcessAlive(child?.pid ?? 0, child?.start ?? '')).toBe(false);
    }
    expect([...cluster.jobs.keys()]).toEqual([]);
  });

  it('was tried before it was made, is held strictly to what the cluster knows, and lacks nothing of the template', () => {
    const made = cluster.asked.filter(({ method }) => method === 'POST');
    expect(made.map(({ query }) => [query.dryRun, query.fieldValidation])).toEqual([['All', 'Strict'], [undefined, 'Strict'], [undefined, 'Strict']]);
    for (const { body } of made) expect(body).toMatchObject({ metadata: { namespace: NAMESPACE, labels: { team: 'vision' } }, spec: { backoffLimit: 0, template: { spec: { laterThanTheClient: 'kept', restartPolicy: 'Never' } } } });
    expect(made[1]?.body).toMatchObject({ spec: { template: { spec: { activeDeadlineSeconds: 3540 } } } });
  });

  it('waits while the cluster takes no more Jobs; one that is evicted goes on from its checkpoint, one that is deleted saves and is left', async () => {
    const file = path.join(folder, 'long.distill.yaml');
    const plan = checkedPlan(LONG + LAUNCH, file);
    const sweep = await makeSweep({ plan, text: LONG + LAUNCH, file, runsRoot: path.join(folder, 'long'), version: '1', launch: launchOf(plan, { defaults: [], file }) });
    cluster.quota.jobs = 1;
    const words = new Set<string>();
    const queue = await SweepQueue.open({
      folder: sweep, runsRoot: path.join(folder, 'long'), cliPath: CLI, interval: 200, later: 1000, launcher: launcher({ template: path.join(folder, 'job.yaml') }, path.basename(sweep)),
      onLook: (entries) => { for (const { reason } of entries) if (reason !== undefined) words.add(reason); },
    });
    const work = queue.work();
    const first = await until('the first run to come to a checkpoint', async () => (await runsOf('long')).find(({ folder: run }) => eventsOfType(run, 'checkpoint').length > 0), 200);
    expect([...words]).toEqual([expect.stringMatching(/^Kubernetes takes no job now \(exceeded quota: jobs, requested/)]);
    const before = cluster.jobOf(first.folder);
    cluster.evict(before?.metadata.name ?? '');
    cluster.quota.jobs = 100;
    const other = await until('the other run to take steps', async () => (await runsOf('long')).find(({ folder: run }) => run !== first.folder && eventsOfType(run, 'step').length > 2), 200);
    cluster.remove(cluster.jobOf(other.folder)?.metadata.name ?? '');
    expect(await work).toBe('finished');
    const [evicted, deleted] = [first, other].map(({ folder: run }) => queue.entries.find((entry) => entry.folder === run));
    expect([evicted?.state, deleted?.state, deleted?.run?.state]).toEqual(['finished', 'stopped', 'stopped']);
    const starts = eventsOfType(first.folder, 'started');
    expect(starts.at(-1)?.from.student).toBeGreaterThan(0);
    expect(new Set(eventsOfType(first.folder, 'step').map(({ step }) => step)).size).toBe(200);
    // A failed one stays to be looked at.
    expect([...cluster.jobs.keys()]).toEqual([before?.metadata.name]);
  });
});

describe('a run', () => {
  it('whose image is not there fails with its name and does not try for ever; one that waits is taken back', async () => {
    const kubernetes = launcher({ template: template('missing.yaml', jobTemplate(folder, MISSING_IMAGE)) });
    const jobs = [{ folder: path.join(folder, 'x'), argv: [process.execPath, CLI], resources: { grace: 5 } }];
    const [started] = await kubernetes.start(jobs);
    const id = started !== undefined && 'id' in started ? started.id : '';
    await kubernetes.states([id]);
    expect((await kubernetes.states([id])).get(id)).toMatchObject({ state: 'ended', error: { code: 'DL766', message: `The image ${MISSING_IMAGE} cannot be pulled (node-1).` } });
    expect(cluster.jobs.has(id)).toBe(false);

    cluster.quota.pods = 0;
    const [waiting] = await kubernetes.start(jobs);
    const other = waiting !== undefined && 'id' in waiting ? waiting.id : '';
    expect((await kubernetes.states([other])).get(other)?.state).toBe('waiting');
    await kubernetes.stop(other);
    expect((await kubernetes.states([other])).get(other)).toMatchObject({ state: 'ended', isCancelled: true });
    expect(await launcher({ template: path.join(folder, 'job.yaml') }).states(['distill-never-was'])).toEqual(new Map());
  });

  it('that the pod does not see says so', async () => {
    const kubernetes = launcher({ template: path.join(folder, 'job.yaml') });
    const [started] = await kubernetes.start([{ folder: path.join(folder, 'not there'), argv: [process.execPath, CLI], resources: { grace: 5 } }]);
    const id = started !== undefined && 'id' in started ? started.id : '';
    const state = await until('the end of the job', async () => {
      const found = (await kubernetes.states([id])).get(id);
      return found?.state === 'ended' ? found : undefined;
    });
    expect(state.error).toMatchObject({ code: 'DL762', message: 'The node does not see the run folder (node-1).' });
    expect(cluster.jobs.has(id)).toBe(true);
  });
});

describe('before anything is written', () => {
  const own = (): string => path.join(folder, 'job.yaml');

  it.each<[string, () => unknown, string, RegExp]>([
    ['no template', () => ({}), 'DL764', /needs a template/], ['a template that is not there', () => ({ template: path.join(folder, 'no.yaml') }), 'DL764', /cannot be read/],
    ['a template of something else', () => ({ template: template('pod.yaml', 'apiVersion: v1\nkind: Pod\n') }), 'DL764', /apiVersion/],
    ['a volume elsewhere', () => ({ template: template('elsewhere.yaml', jobTemplate('/elsewhere')) }), 'DL764', /nothing is mounted/],
    ['what the cluster does not take', () => ({ template: template('odd.yaml', jobTemplate(folder).replace(/volumes: .*/, '')) }), 'DL761', /does not take/],
    ['a context that is not there', () => ({ template: own(), context: 'moon' }), 'DL768', /no context moon/], ['a token that is not known', () => ({ template: own(), context: 'forger' }), 'DL765', /does not know you/],
    ['too few rights', () => ({ template: own(), context: 'stranger' }), 'DL765', /does not let you/], ['a namespace that is not there', () => ({ template: own(), namespace: 'moon' }), 'DL767', /no namespace moon/],
    ['no answer', () => ({ template: own(), context: 'elsewhere' }), 'DL760', /Nothing answers at https:\/\/127\.0\.0\.1:9\./],
  ])('is told: %s', async (_, config, code, message) => {
    await expect(launcher(config()).check(folder)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string, details: { advice: expect.any(String) as string } });
  });

  it('a kubeconfig that cannot be read, one whose login fails, and none at all', async () => {
    const config = template('broken', '{ not: [yaml');
    await expect(commandLine(['sweep', 'seeds.distill.yaml', '--dry-run'], { cwd: folder, env: { KUBECONFIG: config } })).resolves.toMatchObject({ code: 2, stderr: expect.stringContaining('[DL768]') as string });
    const login = template('login', JSON.stringify({ 'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'a', 'clusters': [{ name: 'a', cluster: { server: 'https://127.0.0.1:9' } }], 'contexts': [{ name: 'a', context: { cluster: 'a', user: 'a' } }], 'users': [{ name: 'a', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'a-login-that-is-not-there' } } }] }));
    await expect(commandLine(['sweep', 'seeds.distill.yaml', '--dry-run'], { cwd: folder, env: { KUBECONFIG: login } })).resolves.toMatchObject({ code: 2, stderr: expect.stringMatching(/does not lead to the cluster\. \[DL768\]\n.*a-login-that-is-not-there/) as string });
    await expect(commandLine(['sweep', 'seeds.distill.yaml', '--runs', 'none'], { cwd: folder, env: { KUBECONFIG: '', HOME: folder } })).resolves.toMatchObject({ code: 2, stderr: expect.stringContaining('There is no kubeconfig. [DL768]') as string });
    expect(await runsOf('none')).toEqual([]);
  });

  it('and a quota is no reason not to begin', async () => {
    cluster.quota.jobs = 0;
    await launcher({ template: own() }).check(folder);
  });
});
