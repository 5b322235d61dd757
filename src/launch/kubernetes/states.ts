/** What a Job and its pods tell of a run. Pure. */
import { type V1ContainerStatus, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { DistillError } from '../../errors.ts';
import { type JobState } from '../launcher.ts';
import { nodeTrouble } from '../onNode.ts';
import { EXCEEDED } from './cluster.ts';

export interface Seen {
  readonly name: string;
  /** Undefined when it is gone, or going. */
  readonly job: V1Job | undefined;
  readonly pods: readonly V1Pod[];
  /** Why the cluster could not make a pod for it, in its own words. */
  readonly noPod?: string | undefined;
  /** Of the one that trains. */
  readonly container: string;
  readonly now: number;
}

/** A registry may have a bad minute. */
const IMAGE_PATIENCE_MS = 60_000;
/** A node that is cut off never says that its pod has ended: so long after the time it was given. */
const CUT_OFF_MS = 120_000;
/** Of these a container never recovers by waiting. */
const HOPELESS = new Set(['InvalidImageName', 'ErrImageNeverPull', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);
const PULLING = new Set(['ImagePullBackOff', 'ErrImagePull', 'RegistryUnavailable']);
/** The container's own command could not be run. */
const NOT_BEGUN = new Set(['StartError', 'ContainerCannotRun']);

/** @returns undefined for a Job of which nothing is left. */
export function stateOf(seen: Seen): JobState | undefined {
  const { name, job, pods, noPod, now } = seen;
  const going = pods.filter((pod) => isGoing(pod, now));
  const pod = newest(going);
  if (job === undefined) return going.some(hasBegun) ? { state: 'running', reason: `its job was deleted, it saves (${name})` } : undefined;
  if (isTrue(job.status?.conditions, 'Complete')) return { state: 'ended' };
  // A pod that still goes may still write into the run folder.
  if (isTrue(job.status?.conditions, 'Failed') || isTrue(job.status?.conditions, 'FailureTarget')) return pod === undefined ? ended(seen) : { state: 'running', reason: `its job ends (${name})` };
  if (pod === undefined) {
    if (job.spec?.suspend === true) return { state: 'waiting', reason: `waits in Kubernetes (${name}: the job is suspended)` };
    if (pods.length > 0) return { state: 'running' };
    if (noPod === undefined) return { state: 'waiting', reason: `waits in Kubernetes (${name}: just handed over)` };
    // Room that others take comes back; what is not allowed will not be.
    return noPod.includes('is forbidden') && !noPod.includes(EXCEEDED) ? { state: 'ended', error: podTrouble('The cluster does not allow the pod.', name, noPod) } : { state: 'waiting', reason: `waits in Kubernetes (${name}: ${firstLine(noPod)})` };
  }
  return ofPod(pod, name, now);
}

/** Whether the container that trains, or any, has run in one of its pods that still go. */
export function isAtWork(pods: readonly V1Pod[], now: number): boolean {
  return pods.some((pod) => isGoing(pod, now) && hasBegun(pod));
}

/** Whether a pod has not ended, and may still come to itself. */
function isGoing({ metadata, status }: V1Pod, now: number): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false;
  const deleted = metadata?.deletionTimestamp;
  return deleted === undefined || now < deleted.getTime() + CUT_OFF_MS;
}

function ofPod(pod: V1Pod, name: string, now: number): JobState {
  const { metadata, status, spec } = pod;
  const held = containers(pod).find(({ state }) => state?.waiting?.reason !== undefined && (HOPELESS.has(state.waiting.reason) || PULLING.has(state.waiting.reason)));
  const waiting = held?.state?.waiting;
  if (held !== undefined && waiting !== undefined) {
    const since = status?.startTime?.getTime() ?? now;
    const isPulling = PULLING.has(waiting.reason ?? '');
    const what = `${waiting.reason ?? ''}${waiting.message === undefined ? '' : `: ${firstLine(waiting.message)}`}`;
    if (isPulling && now - since < IMAGE_PATIENCE_MS) return { state: 'waiting', reason: `waits in Kubernetes (${name}: ${what})` };
    const message = isPulling || (waiting.reason ?? '').includes('Image') ? `The image ${held.image} cannot be pulled (${spec?.nodeName ?? 'a node'}).` : `The container ${held.name} cannot be started (${spec?.nodeName ?? 'a node'}).`;
    return { state: 'ended', error: podTrouble(message, name, what) };
  }
  if (metadata?.deletionTimestamp !== undefined && hasBegun(pod)) return { state: 'running', reason: `its pod is being taken away, it saves (${name})` };
  if (status?.phase === 'Running') return { state: 'running' };
  if (status?.phase === 'Unknown') return { state: 'running', reason: `its node does not answer (${name})` };
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return { state: 'waiting', reason: `waits in Kubernetes (${name}: ${firstLine(scheduled.message ?? scheduled.reason ?? 'no node yet')})` };
  const begins = containers(pod).flatMap(({ state }) => state?.waiting?.reason ?? [])[0];
  return { state: 'waiting', reason: `waits in Kubernetes (${name}: ${begins === undefined ? 'looks for a node' : `the pod begins, ${begins}`})` };
}

/** Of a Job that failed: what its latest pod says of it. */
function ended({ name, job, pods, container }: Seen): JobState {
  const pod = newest(pods);
  const verdict = job?.status?.conditions?.find(({ type, status }) => (type === 'Failed' || type === 'FailureTarget') && status === 'True');
  if (pod === undefined) return { state: 'ended', reason: `its job failed (${name}: ${firstLine(verdict?.reason === 'BackoffLimitExceeded' ? 'its pod was taken away' : verdict?.message ?? verdict?.reason ?? 'no reason given')})` };
  const { status, spec } = pod;
  const node = spec?.nodeName ?? 'a node of the cluster';
  const own = status?.containerStatuses?.find(({ name: each }) => each === container);
  const exit = own?.state?.terminated;
  const disrupted = status?.conditions?.find(({ type, status: is }) => type === 'DisruptionTarget' && is === 'True');
  if (disrupted !== undefined || status?.reason === 'Evicted' || status?.reason === 'NodeLost' || status?.reason === 'Preempting') {
    const [short, long] = disrupted === undefined ? [status?.reason, status?.message] : [disrupted.reason, disrupted.message];
    return { state: 'ended', reason: `its pod was taken away (${name} on ${node}: ${firstLine([short, long].filter((text) => text !== undefined && text !== '').join(', '))})`, ...(neverBegan(pod) ? { neverBegan: true } : {}) };
  }
  const trouble = exit === undefined ? undefined : nodeTrouble(exit.exitCode, node, `Kubernetes job ${name}`);
  if (trouble !== undefined) return { state: 'ended', error: trouble };
  const unbegun = containers(pod).find(({ state }) => NOT_BEGUN.has(state?.terminated?.reason ?? ''));
  if (unbegun !== undefined) return { state: 'ended', error: podTrouble(`The container ${unbegun.name} cannot be started (${node}).`, name, firstLine(unbegun.state?.terminated?.message ?? unbegun.state?.terminated?.reason ?? '')) };
  if (exit?.reason === 'OOMKilled') return { state: 'ended', reason: `its pod ran out of memory (${name} on ${node})` };
  if (status?.reason === 'DeadlineExceeded' || verdict?.reason === 'DeadlineExceeded') return { state: 'ended', reason: `its time was up (${name})`, ...(neverBegan(pod) ? { neverBegan: true } : {}) };
  if (status?.phase === 'Running' || status?.phase === 'Unknown') return { state: 'ended', reason: `its node was lost (${name} on ${node})` };
  const why = exit === undefined ? firstLine([status?.reason, status?.message].filter((text) => text !== undefined && text !== '').join(', ')) : `exit code ${exit.exitCode}`;
  return { state: 'ended', reason: `its job failed (${name} on ${node}: ${why === '' ? 'no reason given' : why})` };
}

function podTrouble(message: string, name: string, got: string): DistillError {
  return new DistillError('DL766', message, { got: `Kubernetes job ${name}, ${firstLine(got)}`, advice: 'Mend the template that `launch.kubernetes.template` names, then `distill-lab sweep --resume NAME --retry`.' });
}

function containers({ status }: V1Pod): readonly V1ContainerStatus[] {
  return [...status?.initContainerStatuses ?? [], ...status?.containerStatuses ?? []];
}

function hasBegun(pod: V1Pod): boolean {
  return (pod.status?.containerStatuses ?? []).some(({ state, lastState }) => state?.running !== undefined || state?.terminated?.startedAt !== undefined || lastState?.terminated !== undefined);
}

/** Some clusters forget the containers of a pod that they evict. */
function neverBegan(pod: V1Pod): boolean {
  return pod.status?.startTime === undefined || ((pod.status.containerStatuses?.length ?? 0) > 0 && !hasBegun(pod));
}

function newest(pods: readonly V1Pod[]): V1Pod | undefined {
  const time = ({ metadata }: V1Pod): number => metadata?.creationTimestamp?.getTime() ?? 0;
  return pods.reduce<V1Pod | undefined>((latest, pod) => (latest === undefined || time(pod) >= time(latest) ? pod : latest), undefined);
}

function isTrue(conditions: readonly { readonly type: string; readonly status: string }[] | undefined, type: string): boolean {
  return conditions?.some((each) => each.type === type && each.status === 'True') ?? false;
}

/** Schedulers and registries say much. */
function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}
