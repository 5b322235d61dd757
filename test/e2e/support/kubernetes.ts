/**
 * A stand-in for Kubernetes, since no cluster can be had in a test: an HTTPS server that speaks the few calls of the API that
 * are used, as its documentation has them, and does what controllers and a kubelet would do with a Job: a pod, whose container's
 * command runs as a real process of this machine, without image, isolation or scheduling.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Container { readonly name: string; readonly image: string; readonly command: readonly string[] }
export interface ShownJob {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly template: { readonly metadata: { readonly labels: Readonly<Record<string, string>> }; readonly spec: Readonly<Record<string, unknown>> & { readonly containers: readonly Container[]; readonly terminationGracePeriodSeconds: number } } };
  status: { conditions?: readonly { readonly type: string; readonly status: 'True'; readonly reason?: string }[] };
}
interface Pod {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly creationTimestamp: string; deletionTimestamp?: string };
  readonly spec: unknown;
  status: Readonly<Record<string, unknown>> & { readonly phase: string };
}

export const NAMESPACE = 'detection';
const TOKEN = 'a-token';
/** Of whom nothing is allowed. */
const STRANGER = 'a-strangers-token';
const UNPULLABLE = 'registry.example/missing:1';

export class StandIn {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'distill-kube-'));
  readonly jobs = new Map<string, ShownJob>();
  /** Queries of what was made, tried and deleted. */
  readonly asked: { readonly method: string; readonly query: Readonly<Record<string, string>>; readonly body: unknown }[] = [];
  /** Most Jobs, and most pods, that the namespace may hold. */
  quota = { jobs: 100, pods: 100 };
  readonly #pods = new Map<string, Pod>();
  /** By name of the pod. */
  readonly #children = new Map<string, ChildProcess>();
  readonly #events = new Map<string, string>();
  readonly #server;
  #port = 0;

  constructor() {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(this.folder, name));
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key ?? '', '-out', cert ?? ''], { stdio: 'ignore' });
    this.#server = createServer({ key: readFileSync(key ?? ''), cert: readFileSync(cert ?? '') }, (request, response) => { void this.#answer(request, response); });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve); });
    const address = this.#server.address();
    this.#port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Of the contexts `own`, `stranger`, `forger` and `elsewhere` (nothing answers there). */
  kubeconfig(): string {
    const file = path.join(this.folder, 'kubeconfig');
    const cluster = (name: string, port: number): unknown => ({ name, cluster: { 'server': `https://127.0.0.1:${port}`, 'certificate-authority': 'cert.pem' } });
    const context = (name: string, where = 'here'): unknown => ({ name, context: { cluster: where, user: name, namespace: NAMESPACE } });
    const user = (name: string, token: string): unknown => ({ name, user: { token } });
    writeFileSync(file, JSON.stringify({
      'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'own', 'clusters': [cluster('here', this.#port), cluster('nowhere', 9)],
      'contexts': [context('own'), context('stranger'), context('forger'), context('elsewhere', 'nowhere')], 'users': [user('own', TOKEN), user('stranger', STRANGER), user('forger', 'x'), user('elsewhere', TOKEN)],
    }));
    return file;
  }

  async close(): Promise<void> {
    for (const child of this.#children.values()) if (child.pid !== undefined && lives(child)) process.kill(-child.pid, 'SIGKILL');
    await new Promise((resolve) => { this.#server.close(resolve); this.#server.closeAllConnections(); });
    rmSync(this.folder, { recursive: true, force: true });
  }

  jobOf(run: string): ShownJob | undefined {
    return [...this.jobs.values()].find(({ metadata }) => metadata.annotations['distill-lab/run-folder'] === run);
  }

  /** As under memory pressure: no time to save. */
  evict(job: string): void {
    for (const pod of this.#podsOf(job)) {
      pod.status = { ...pod.status, reason: 'Evicted', message: 'The node was low on resource: memory.' };
      const pid = this.#children.get(pod.metadata.name)?.pid;
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    }
  }

  /** `kubectl delete job`: the Job is gone at once, its pod when the container has ended. */
  remove(job: string): void {
    const grace = this.jobs.get(job)?.spec.template.spec.terminationGracePeriodSeconds ?? 30;
    this.jobs.delete(job);
    for (const pod of this.#podsOf(job)) {
      pod.metadata.deletionTimestamp = new Date(Date.now() + 1000 * grace).toISOString();
      const child = this.#children.get(pod.metadata.name);
      if (child?.pid === undefined || !lives(child)) this.#pods.delete(pod.metadata.name);
      else process.kill(child.pid, 'SIGTERM');
    }
  }

  #podsOf(job: string): readonly Pod[] {
    return [...this.#pods.values()].filter(({ metadata }) => metadata.labels['job-name'] === job);
  }

  /** The job controller: one pod, and what came of it. */
  #control(): void {
    for (const [name, job] of this.jobs) {
      if (job.status.conditions !== undefined) continue;
      const [pod] = this.#podsOf(name);
      if (pod === undefined) {
        if (this.#pods.size >= this.quota.pods) this.#events.set(name, `Error creating: pods "${name}-x" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=${this.#pods.size}, limited: pods=${this.quota.pods}`);
        else this.#begin(name, job);
      } else if (pod.status.phase === 'Succeeded') job.status = { conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }, { type: 'Complete', status: 'True' }] };
      else if (pod.status.phase === 'Failed') job.status = { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] };
    }
  }

  /** The kubelet. */
  #begin(name: string, { spec: { template } }: ShownJob): void {
    const now = new Date().toISOString();
    const [{ name: container, image, command: [program = '', ...args] } = { name: '', image: '', command: [] }] = template.spec.containers;
    const pod: Pod = { metadata: { name: `${name}-${randomUUID().slice(0, 5)}`, labels: { ...template.metadata.labels, 'job-name': name, 'batch.kubernetes.io/job-name': name }, creationTimestamp: now }, spec: { ...template.spec, nodeName: 'node-1' }, status: { phase: 'Pending' } };
    this.#pods.set(pod.metadata.name, pod);
    const shown = (phase: string, state: unknown): void => { pod.status = { ...pod.status, phase, containerStatuses: [{ name: container, image, imageID: '', ready: false, restartCount: 0, state }] }; };
    if (image === UNPULLABLE) {
      pod.status = { ...pod.status, startTime: new Date(Date.now() - 300_000).toISOString() };
      shown('Pending', { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } });
      return;
    }
    pod.status = { ...pod.status, startTime: now };
    // A container has an environment of its own.
    const child = spawn(program, args, { cwd: '/', detached: true, stdio: 'ignore', env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' } });
    this.#children.set(pod.metadata.name, child);
    shown('Running', { running: { startedAt: now } });
    child.once('exit', (code, signal) => {
      shown(code === 0 ? 'Succeeded' : 'Failed', { terminated: { exitCode: code ?? (signal === 'SIGKILL' ? 137 : 143), reason: code === 0 ? 'Completed' : 'Error', startedAt: now, finishedAt: new Date().toISOString() } });
      if (pod.metadata.deletionTimestamp !== undefined) this.#pods.delete(pod.metadata.name);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://here');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const query = Object.fromEntries(searchParams);
    const [status, reply] = this.#reply(request, pathname, query, body);
    if (request.method !== 'GET') this.asked.push({ method: request.method ?? '', query, body });
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }

  #reply({ method, headers: { authorization } }: IncomingMessage, pathname: string, query: Readonly<Record<string, string>>, body: unknown): readonly [number, unknown] {
    const [, namespace = '', kind = '', name = ''] = /^\/api(?:s\/batch)?\/v1\/namespaces\/([^/]+)\/(jobs|pods|events)(?:\/([^/]+))?$/.exec(pathname) ?? [];
    if (authorization !== `Bearer ${TOKEN}` && authorization !== `Bearer ${STRANGER}`) return refused(401, 'Unauthorized', 'Unauthorized');
    if (authorization !== `Bearer ${TOKEN}`) return refused(403, 'Forbidden', `${kind} is forbidden: User "stranger" cannot create resource "${kind}" in the namespace "${namespace}"`);
    if (kind === '') return refused(404, 'NotFound', 'the server could not find the requested resource');
    this.#control();
    const isOwn = (labels: Readonly<Record<string, string>>): boolean => (query.labelSelector ?? '').split(',').filter((each) => each !== '').every((each) => labels[each.split('=')[0] ?? ''] === each.split('=')[1]);
    if (method === 'POST') return this.#create(namespace, body as ShownJob, query.dryRun === 'All');
    if (method === 'DELETE') {
      if (!this.jobs.has(name)) return refused(404, 'NotFound', `jobs.batch "${name}" not found`, 'jobs');
      this.remove(name);
      return [200, { kind: 'Status', status: 'Success' }];
    }
    const here = namespace === NAMESPACE;
    const items = !here ? [] : kind === 'jobs' ? [...this.jobs.values()].filter(({ metadata }) => isOwn(metadata.labels)) : kind === 'pods' ? [...this.#pods.values()].filter(({ metadata }) => isOwn(metadata.labels))
      : [...this.#events].map(([job, message]) => ({ metadata: {}, reason: 'FailedCreate', message, involvedObject: { kind: 'Job', name: job }, lastTimestamp: new Date().toISOString() }));
    return [200, { kind: 'List', metadata: {}, items }];
  }

  #create(namespace: string, job: ShownJob, isTrial: boolean): readonly [number, unknown] {
    const { metadata: { name } } = job;
    if (namespace !== NAMESPACE) return refused(404, 'NotFound', `namespaces "${namespace}" not found`, 'namespaces');
    if (this.jobs.has(name)) return refused(409, 'AlreadyExists', `jobs.batch "${name}" already exists`);
    if (this.jobs.size >= this.quota.jobs) return refused(403, 'Forbidden', `jobs.batch "${name}" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1, used: count/jobs.batch=${this.jobs.size}, limited: count/jobs.batch=${this.quota.jobs}`);
    if (!('volumes' in job.spec.template.spec)) return refused(422, 'Invalid', `Job.batch "${name}" is invalid: spec.template.spec.containers[0].volumeMounts[0].name: Not found: "work"`);
    if (!isTrial) this.jobs.set(name, { ...job, status: {} });
    return [201, job];
  }
}

function lives({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function refused(code: number, reason: string, message: string, kind = ''): readonly [number, unknown] {
  return [code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details: { kind }, code }];
}

/** @param mount where the volume of the run folders lies */
export function jobTemplate(mount: string, image = 'registry.example/distill-lab:1'): string {
  return `apiVersion: batch/v1\nkind: Job\nmetadata: { labels: { team: vision } }\nspec:\n  template:\n    spec:\n      containers:\n        - name: train\n          image: ${image}\n          volumeMounts: [{ name: work, mountPath: ${mount} }]\n`
    + '      volumes: [{ name: work, persistentVolumeClaim: { claimName: work } }]\n      laterThanTheClient: kept\n';
}
export const MISSING_IMAGE = UNPULLABLE;
