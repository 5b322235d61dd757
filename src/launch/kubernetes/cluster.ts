/** The few questions that are asked of a cluster, by Kubernetes' official client, and its refusals in words. */
import type * as kubernetes from '@kubernetes/client-node';
import { type BatchV1Api, type Configuration, type CoreV1Api, type KubeConfig, type RequestContext, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { DistillError } from '../../errors.ts';
import { type LaunchConfig } from '../../experiment/sweepSchema.ts';
import { LABELS, type Manifest } from './manifest.ts';

type Client = typeof kubernetes;

/** A limit of the cluster is reached, or it has no time: not now. */
export class NotNow extends Error {}

const TIMEOUT_MS = 30_000;
/** What the server says of what it refuses. */
const statusSchema = z.object({ message: z.string().optional(), reason: z.string().optional(), details: z.object({ kind: z.string().optional(), name: z.string().optional() }).nullish() });
export const EXCEEDED = 'exceeded quota';
const RIGHTS = 'jobs: create, list, delete; pods: list; events: list';

export class Cluster {
  /** Of the server. */
  readonly address: string;
  readonly namespace: string;
  readonly #client: Client;
  readonly #batch: BatchV1Api;
  readonly #core: CoreV1Api;

  private constructor(client: Client, config: KubeConfig, namespace: string) {
    this.address = config.getCurrentCluster()?.server ?? '';
    this.namespace = namespace;
    this.#client = client;
    this.#batch = config.makeApiClient(client.BatchV1Api);
    this.#core = config.makeApiClient(client.CoreV1Api);
  }

  /** By the client's own rules: `KUBECONFIG`, `~/.kube/config`, the account of the pod that this runs in. @throws DistillError DL768. */
  static async open({ context, namespace }: Pick<LaunchConfig['kubernetes'], 'context' | 'namespace'>, templates: string | undefined): Promise<Cluster> {
    const client = await import('@kubernetes/client-node');
    const config = new client.KubeConfig();
    try {
      config.loadFromDefault();
    } catch (cause) {
      throw new DistillError('DL768', 'The kubeconfig cannot be read.', { got: wordsOf(cause), advice: 'Mend the file that KUBECONFIG names, or ~/.kube/config; `kubectl config view` reads the same.', cause });
    }
    // What the client falls back to where nothing says where the cluster is.
    if (config.getCurrentContext() === 'loaded-context') throw new DistillError('DL768', 'There is no kubeconfig.', { expected: 'KUBECONFIG, ~/.kube/config, or a pod with a service account', advice: 'Set up `kubectl` for the cluster, or choose another launcher (`--launcher local`).' });
    const known = config.getContexts().map(({ name }) => name).join(', ') || 'none';
    if (context !== undefined) config.setCurrentContext(context);
    const chosen = config.getContextObject(config.getCurrentContext());
    if (chosen === null) throw new DistillError('DL768', context === undefined ? 'The kubeconfig has no current context.' : `The kubeconfig has no context ${context}.`, { expected: `one of: ${known}`, advice: 'Name one by `launch.kubernetes.context`, or choose one with `kubectl config use-context`.' });
    if (config.getCurrentCluster() === null) throw new DistillError('DL768', `The kubeconfig does not say where the cluster of the context ${chosen.name} is.`, { expected: `a cluster named ${chosen.cluster}`, advice: 'Mend the kubeconfig.' });
    return new Cluster(client, config, namespace ?? templates ?? (chosen.namespace === undefined || chosen.namespace === '' ? 'default' : chosen.namespace));
  }

  /** @param isTrial the cluster goes through all but making it. @throws NotNow, or DistillError DL760, DL761, DL768, DL765, DL767. */
  async create(manifest: Manifest, isTrial = false): Promise<void> {
    const ask = (): Promise<unknown> => this.#batch.createNamespacedJob({ namespace: this.namespace, body: {}, fieldValidation: 'Strict', ...(isTrial ? { dryRun: 'All' } : {}) }, this.#options(manifest));
    try {
      await ask().catch((error: unknown) => {
        // The line broke: it may have been made, or not. The name is the same, so it is not made twice.
        if (this.#refusal(error) === undefined && isNetworkTrouble(error)) return ask();
        throw error;
      });
    } catch (error) {
      if (this.#refusal(error)?.status === 409) return;
      throw this.#troubleOf(error, true);
    }
  }

  async jobs(sweep: string, limit?: number): Promise<readonly V1Job[]> {
    return (await this.#told(this.#batch.listNamespacedJob({ namespace: this.namespace, labelSelector: `${LABELS.sweep}=${sweep}`, ...(limit === undefined ? {} : { limit }) }, this.#options()))).items;
  }

  /** @param selector of labels */
  async pods(selector: string, limit?: number): Promise<readonly V1Pod[]> {
    return (await this.#told(this.#core.listNamespacedPod({ namespace: this.namespace, labelSelector: selector, ...(limit === undefined ? {} : { limit }) }, this.#options()))).items;
  }

  /** Why Jobs have no pods, by name of the Job; empty where events may not be read. */
  async whyNoPods(): Promise<ReadonlyMap<string, string>> {
    try {
      const { items } = await this.#core.listNamespacedEvent({ namespace: this.namespace, fieldSelector: 'involvedObject.kind=Job,reason=FailedCreate' }, this.#options());
      const time = ({ lastTimestamp, eventTime }: (typeof items)[number]): number => (lastTimestamp ?? eventTime ?? new Date(0)).getTime();
      return new Map([...items].sort((a, b) => time(a) - time(b)).map(({ involvedObject, message = '' }) => [involvedObject.name ?? '', message]));
    } catch {
      return new Map();
    }
  }

  /** With its pods, which are told to end. One that is gone already is as good. */
  async remove(name: string): Promise<void> {
    try {
      await this.#batch.deleteNamespacedJob({ name, namespace: this.namespace, propagationPolicy: 'Background' }, this.#options());
    } catch (error) {
      if (this.#refusal(error)?.status !== 404) throw this.#troubleOf(error);
    }
  }

  async #told<T>(asked: Promise<T>): Promise<T> {
    try {
      return await asked;
    } catch (error) {
      throw this.#troubleOf(error);
    }
  }

  /** The client would drop what it does not know of a manifest, and wait for ever for an answer. */
  #options(body?: Manifest): Partial<Configuration> & { middlewareMergeStrategy: 'append' } {
    const { Observable } = this.#client;
    return {
      middlewareMergeStrategy: 'append',
      middleware: [{
        pre: (request: RequestContext) => {
          request.setSignal(AbortSignal.timeout(TIMEOUT_MS));
          if (body !== undefined) request.setBody(JSON.stringify(body));
          return new Observable(Promise.resolve(request));
        },
        post: (response) => new Observable(Promise.resolve(response)),
      }],
    };
  }

  #refusal(error: unknown): { readonly status: number; readonly message: string; readonly reason: string | undefined; readonly kind: string | undefined } | undefined {
    if (!(error instanceof this.#client.ApiException)) return undefined;
    const body: unknown = typeof error.body === 'string' ? parsed(error.body) : error.body;
    const { message = typeof error.body === 'string' ? error.body : '', reason, details } = statusSchema.safeParse(body).data ?? {};
    return { status: error.code, message: message.trim().split('\n', 1)[0]?.slice(0, 500) ?? '', reason, kind: details?.kind };
  }

  #troubleOf(error: unknown, isCreating = false): Error {
    const refusal = this.#refusal(error);
    const where = { file: this.address };
    if (refusal === undefined) {
      if (isNetworkTrouble(error)) return new DistillError('DL760', `Nothing answers at ${this.address}.`, { got: wordsOf(error), advice: 'Check that the cluster is up and that `kubectl get jobs` works here; a cluster behind a gateway may need a tunnel or a VPN.', cause: error });
      return new DistillError('DL768', 'The kubeconfig does not lead to the cluster.', { where, got: wordsOf(error), advice: 'Log in anew as your cluster wants it; `kubectl get jobs` must work here.', cause: error });
    }
    const { status, message, kind } = refusal;
    const got = `${status} ${message}`.trim();
    if (status === 403 && message.includes(EXCEEDED)) return new NotNow(message.slice(message.indexOf(EXCEEDED)));
    if (status === 429 || status >= 500) return new NotNow(got);
    if (status === 401) return new DistillError('DL765', 'Kubernetes does not know you.', { where, got, advice: 'Log in anew as your cluster wants it; `kubectl auth whoami` must tell your name.' });
    if (status === 404 && (kind === 'namespaces' || /namespaces? /.test(message))) return new DistillError('DL767', `The cluster has no namespace ${this.namespace}.`, { where, got, advice: 'Name one by `launch.kubernetes.namespace`, in the template, or in the context of the kubeconfig.' });
    if (status === 403) return new DistillError('DL765', `Kubernetes does not let you do this in the namespace ${this.namespace}.`, { where, got, expected: `the rights ${RIGHTS}`, advice: 'Ask for a role with them (docs/sweeps.md has one), or name another namespace.' });
    if (status === 404 || !isCreating) return new DistillError('DL760', `What answers at ${this.address} does not answer as Kubernetes does.`, { got, advice: 'Check the server in the kubeconfig.' });
    return new DistillError('DL761', 'Kubernetes does not take this job.', { where, got, advice: 'Mend the template that `launch.kubernetes.template` names, or `launch`, then `distill-lab sweep --resume NAME --retry`.' });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Errors of the client's own fetch; by their names, since a bundle may hold another copy of their class. */
function isNetworkTrouble(error: unknown): boolean {
  return error instanceof Error && (error.name === 'FetchError' || error.name === 'AbortError' || error.name === 'TimeoutError');
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const said = error.message.trim().split('\n', 1)[0]?.replace(/^request to \S+ failed, reason: /, '').slice(0, 300) ?? '';
  return said === '' ? 'no reason given' : said;
}
