/** From a template and a run to the Job that is sent. Pure. */
import { type LaunchConfig } from '../../experiment/sweepSchema.ts';
import { type Job, type Resources } from '../launcher.ts';
import { nodeScript } from '../onNode.ts';
import { type Container, type JobTemplate, type Template } from './template.ts';

/** Tell our Jobs from others, and the sweep that they belong to. */
export const LABELS = { owner: 'app.kubernetes.io/managed-by', sweep: 'distill-lab/sweep' } as const;
export const OWNER = 'distill-lab';
const FOLDER = 'distill-lab/run-folder';

/** Finished Jobs stay for a day, for `kubectl logs` and `kubectl describe`; a queue that looks every few seconds must see how one ended. */
const STAYS_SECONDS = 86_400;
const LEAST_STAY_SECONDS = 600;

/** Set by the cluster; found in manifests that were copied from it. */
const CLUSTERS_OWN = /^(controller-uid|job-name|batch\.kubernetes\.io\/.*)$/;

export interface JobNames {
  readonly name: string;
  readonly namespace: string;
  /** As a label's value. */
  readonly sweep: string;
}

export type Manifest = Readonly<Record<string, unknown>>;

/** RFC 1123: what Jobs and pods are called. @param unique lower-case letters and digits */
export function jobName(sweep: string, unique: string): string {
  const readable = sweep.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(-36).replaceAll(/^-+|-+$/g, '');
  return `distill-${readable === '' ? '' : `${readable}-`}${unique}`;
}

/** Its end is what differs from one sweep to the next. */
export function labelValue(text: string): string {
  return text.replaceAll(/[^\w.-]/g, '-').slice(-63).replaceAll(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

export function jobManifest(template: Template, job: Job, { name, namespace, sweep }: JobNames, cli?: LaunchConfig['kubernetes']['cli']): Manifest {
  const { metadata } = template.job;
  const spec = without(template.job.spec, 'selector', 'manualSelector');
  const { spec: pod, metadata: podMetadata } = spec.template;
  const own = { [LABELS.owner]: OWNER, [LABELS.sweep]: sweep };
  const noted = { [FOLDER]: job.folder };
  const { minutes, grace } = job.resources;
  const containers = pod.containers.map((container, at) => (at === template.trains ? trainer(container, job, cli) : container));
  return {
    apiVersion: 'batch/v1', kind: 'Job',
    metadata: { name, namespace, labels: labels(metadata, own), annotations: { ...metadata?.annotations, ...noted } },
    spec: {
      ...spec,
      // The queue decides on tries.
      parallelism: 1, completions: 1, backoffLimit: 0, ttlSecondsAfterFinished: Math.max(LEAST_STAY_SECONDS, spec.ttlSecondsAfterFinished ?? STAYS_SECONDS),
      template: {
        metadata: { labels: labels(podMetadata, own), annotations: { ...podMetadata?.annotations, ...noted } },
        spec: {
          ...pod, containers, restartPolicy: 'Never', terminationGracePeriodSeconds: Math.max(grace, pod.terminationGracePeriodSeconds ?? 0),
          // The pod's own, which begins when it has a node: a Job's would count the waiting too.
          ...(minutes === undefined ? {} : { activeDeadlineSeconds: Math.max(minutes * 60 - grace, minutes * 30) }),
        },
      },
    },
  };
}

function labels(metadata: JobTemplate['metadata'], own: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { ...Object.fromEntries(Object.entries(metadata?.labels ?? {}).filter(([key]) => !CLUSTERS_OWN.test(key))), ...own };
}

function trainer(container: Container, { folder, argv: [node = 'node', here = ''], resources: wanted }: Job, cli = here): Manifest {
  const all = needs(container.resources, wanted);
  return { ...without(container, 'args', 'resources'), ...(all === undefined ? {} : { resources: all }), command: ['/bin/sh', '-c', nodeScript({ folder, argv: [node, cli] })] };
}

function without<T extends object>(fields: T, ...names: readonly string[]): T {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name))) as T;
}

/** CPU as what is reserved only: a limit would slow every burst down. Memory and GPUs as both, as the scheduler wants it for GPUs. */
function needs(template: Container['resources'], { cpus, memory, gpus }: Resources): Manifest | undefined {
  if (cpus === undefined && memory === undefined && gpus === undefined) return template ?? undefined;
  const kind = Object.keys({ ...template?.requests, ...template?.limits }).find((name) => name.includes('/') && /gpu|\/mig-/.test(name)) ?? 'nvidia.com/gpu';
  const bytes = memory === undefined ? {} : { memory: `${Math.ceil(memory * 1024)}Mi` };
  const devices = gpus === undefined || (gpus === 0 && template?.limits?.[kind] === undefined) ? {} : { [kind]: gpus };
  const { [kind]: asked, ...requests } = template?.requests ?? {};
  return {
    ...template,
    requests: { ...requests, ...(asked === undefined || gpus !== undefined ? {} : { [kind]: asked }), ...(cpus === undefined ? {} : { cpu: cpus }), ...bytes },
    limits: { ...template?.limits, ...bytes, ...devices },
  };
}
