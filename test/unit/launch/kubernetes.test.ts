/** What is sent to Kubernetes, and what is read of its answers. */
import { type V1ContainerState, type V1Job, type V1Pod } from '@kubernetes/client-node';
import { describe, expect, it, test } from 'vitest';
import { DistillError } from '../../../src/errors.ts';
import { type Job, type JobState } from '../../../src/launch/launcher.ts';
import { jobManifest, jobName, labelValue } from '../../../src/launch/kubernetes/manifest.ts';
import { type Seen, stateOf } from '../../../src/launch/kubernetes/states.ts';
import { mountTrouble, parseTemplate } from '../../../src/launch/kubernetes/template.ts';

const TEMPLATE = `apiVersion: batch/v1
kind: Job
metadata:
  namespace: vision
  labels: { team: vision }
spec:
  template:
    spec:
      tolerations: [{ key: gpu, operator: Exists }]
      containers:
        - name: train
          image: registry.example/distill-lab:1
          args: [sleep, infinity]
          resources: { requests: { cpu: 500m } }
          volumeMounts: [{ name: work, mountPath: /data/vision }]
      volumes: [{ name: work, persistentVolumeClaim: { claimName: work } }]
`;
const job: Job = { folder: '/data/vision/runs/it\'s one', argv: ['/usr/bin/node', '/opt/cli.js', 'run-child', 'x'], resources: { grace: 60 } };
const names = { name: 'distill-a-1', namespace: 'vision', sweep: 'a' };
const template = parseTemplate(TEMPLATE, '/x/job.yaml');
/** As a tree of anything. */
type Tree = { readonly [key: string]: Tree } & readonly Tree[] & string;
const manifestOf = (text = TEMPLATE, resources: Partial<Job['resources']> = {}, cli?: string): Tree => jobManifest(parseTemplate(text, '/x/job.yaml'), { ...job, resources: { ...job.resources, ...resources } }, names, cli) as unknown as Tree;
const refusal = (text: string, container?: string): DistillError => {
  try {
    parseTemplate(text, '/x/job.yaml', container);
  } catch (error) {
    if (error instanceof DistillError) return error;
  }
  throw new Error('it was taken');
};

describe('a Job from a template', () => {
  it('keeps what is the user\'s, and says once what is the queue\'s', () => {
    const { metadata, spec } = manifestOf();
    expect(metadata).toMatchObject({ name: 'distill-a-1', namespace: 'vision', labels: { 'team': 'vision', 'app.kubernetes.io/managed-by': 'distill-lab', 'distill-lab/sweep': 'a' }, annotations: { 'distill-lab/run-folder': job.folder } });
    expect(spec).toMatchObject({ parallelism: 1, completions: 1, backoffLimit: 0, ttlSecondsAfterFinished: 86_400 });
    expect(spec?.template?.metadata).toMatchObject({ labels: { 'distill-lab/sweep': 'a' } });
    expect(spec?.template?.spec).toMatchObject({ restartPolicy: 'Never', terminationGracePeriodSeconds: 60, tolerations: [{ key: 'gpu' }], volumes: [{ name: 'work' }] });
    expect(spec?.template?.spec?.activeDeadlineSeconds).toBeUndefined();
  });

  it('runs the child in the shell of the container, whatever the run is called', () => {
    const [container] = manifestOf().spec?.template?.spec?.containers ?? [];
    expect(container).toMatchObject({ name: 'train', image: 'registry.example/distill-lab:1', command: ['/bin/sh', '-c', expect.stringContaining('folder=\'/data/vision/runs/it\'\\\'\'s one\'; node=\'/usr/bin/node\'; cli=\'/opt/cli.js\'')], resources: { requests: { cpu: '500m' } } });
    expect(container?.args).toBeUndefined();
    expect(manifestOf(TEMPLATE, {}, '/app/cli.js').spec?.template?.spec?.containers?.[0]?.command?.[2]).toContain('cli=\'/app/cli.js\'');
  });

  it('asks for what launch says: a reserve of cores, memory, GPUs of the kind that the template names, time', () => {
    const resourcesOf = (text: string, resources: Partial<Job['resources']>): Tree | undefined => manifestOf(text, resources).spec?.template?.spec?.containers?.[0]?.resources;
    expect(resourcesOf(TEMPLATE, { cpus: 4, memory: 1.5, gpus: 2 })).toEqual({ requests: { cpu: 4, memory: '1536Mi' }, limits: { 'memory': '1536Mi', 'nvidia.com/gpu': 2 } });
    expect(resourcesOf(TEMPLATE.replace('{ cpu: 500m }', '{ cpu: 1 }, limits: { amd.com/gpu: 1 }'), { gpus: 2 })).toEqual({ requests: { cpu: 1 }, limits: { 'amd.com/gpu': 2 } });
    expect(resourcesOf(TEMPLATE, { gpus: 0 })).toEqual({ requests: { cpu: '500m' }, limits: {} });
    expect(manifestOf(TEMPLATE, { minutes: 30, grace: 90 }).spec?.template?.spec).toMatchObject({ activeDeadlineSeconds: 1710, terminationGracePeriodSeconds: 90 });
    expect(manifestOf(TEMPLATE, { minutes: 1, grace: 60 }).spec?.template?.spec).toMatchObject({ activeDeadlineSeconds: 30 });
  });

  it('drops what a cluster wrote into a copied manifest, and leaves time to see the end', () => {
    const copied = TEMPLATE.replace('{ team: vision }', '{ team: vision, controller-uid: u, batch.kubernetes.io/job-name: old }\n  name: old\n  uid: u\n  resourceVersion: "7"')
      .replace('spec:\n  template:', 'spec:\n  backoffLimit: 6\n  ttlSecondsAfterFinished: 0\n  selector: { matchLabels: { controller-uid: u } }\n  template:');
    const { metadata, spec } = manifestOf(copied);
    expect(Object.keys(metadata ?? {}).sort()).toEqual(['annotations', 'labels', 'name', 'namespace']);
    expect(Object.keys(metadata?.labels ?? {}).sort()).toEqual(['app.kubernetes.io/managed-by', 'distill-lab/sweep', 'team']);
    expect(spec?.selector).toBeUndefined();
    expect(spec).toMatchObject({ backoffLimit: 0, ttlSecondsAfterFinished: 600 });
  });

  test.each(['2026-11-22-Größe × 7', '', '-'.repeat(90), 'a'.repeat(90)])('of the sweep %j has a name and labels that a cluster takes', (sweep) => {
    expect(jobName(sweep, '0123456789')).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    expect(labelValue(sweep)).toMatch(/^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/);
  });
});

describe('a template', () => {
  test.each([
    ['- a\n', /no Job/, 1], ['a: [\n', /no YAML/, 2], ['apiVersion: apps/v1\nkind: Deployment\n', /`apiVersion`/, 1], ['apiVersion: batch/v1\nkind: CronJob\nspec: {}\n', /`kind`/, 2],
    [`${TEMPLATE}---\n${TEMPLATE}`, /not one Job/, undefined], ['', /no Job|not one Job/, undefined],
    [TEMPLATE.replace('spec:\n', 'spec:\n  parallelism: 2\n'), /`spec\.parallelism`/, 7],
    [TEMPLATE.replace(/containers:[\s\S]*(?= {6}volumes)/, 'containers: []\n'), /containers`/, 10],
  ])('that says %j is refused with its line', (text, message, line) => {
    const error = refusal(text);
    expect(error.message).toMatch(message);
    expect([error.code, error.details.where?.file]).toEqual(['DL764', '/x/job.yaml']);
    if (line !== undefined && error.details.where?.line !== undefined) expect(error.details.where.line).toBe(line);
  });

  it('with several containers trains in the one that is named, or is called so', () => {
    const two = TEMPLATE.replace('      volumes:', '        - { name: log, image: busybox }\n      volumes:');
    expect(refusal(two)).toMatchObject({ code: 'DL764', message: 'The template has several containers, and none that is to train.', details: { got: 'train, log', where: { line: 10 } } });
    expect(refusal(two, 'other').message).toBe('The template has no container other.');
    expect(parseTemplate(two, 'x', 'log').trains).toBe(1);
    expect(parseTemplate(two.replace('name: log', 'name: distill-lab'), 'x').trains).toBe(1);
    expect(parseTemplate(TEMPLATE, 'x').trains).toBe(0);
  });

  test.each([
    ['/data/vision/runs/a', TEMPLATE, undefined], ['/data/vision', TEMPLATE, undefined], ['/data/visionary/a', TEMPLATE, /nothing is mounted/], ['/home/me/runs/a', TEMPLATE, /nothing is mounted/],
    ['/data/vision/a', TEMPLATE.replace('/data/vision }', '/data/vision, readOnly: true }'), /read-only/],
    ['/data/vision/a', TEMPLATE.replace('persistentVolumeClaim: { claimName: work }', 'emptyDir: {}'), /would stay in the pod/],
    ['/any/where', TEMPLATE.replace('/data/vision }', '/ }'), undefined],
    // The deeper mount is what the folder lies in.
    ['/data/vision/in/a', TEMPLATE.replace('/data/vision }', '/data/vision }, { name: work, mountPath: /data/vision/in, readOnly: true }'), /read-only/],
  ])('is asked whether its container sees %s', (folder, text, message) => {
    const trouble = mountTrouble(parseTemplate(text, '/x/job.yaml'), folder);
    if (message === undefined) expect(trouble).toBeUndefined();
    else expect(trouble).toMatchObject({ code: 'DL764', message: expect.stringMatching(message) as string });
  });
});

const NOW = Date.parse('2026-11-22T12:00:00Z');
const before = (seconds: number): Date => new Date(NOW - 1000 * seconds);
type Status = Pick<NonNullable<V1Pod['status']>, 'phase' | 'reason' | 'message' | 'conditions' | 'startTime' | 'containerStatuses'>;
type Times = Pick<NonNullable<V1Pod['metadata']>, 'creationTimestamp' | 'deletionTimestamp'>;
const pod = (status: Status, times: Times = {}): V1Pod => ({ metadata: { creationTimestamp: before(300), ...times }, spec: { containers: [], nodeName: 'n1' }, status: { startTime: before(300), ...status } });
const inContainer = (state: V1ContainerState, status: Status = {}, times: Times = {}): V1Pod => pod({ phase: 'Pending', containerStatuses: [{ name: 'train', image: 'img:1', imageID: '', ready: false, restartCount: 0, state }], ...status }, times);
const exited = (exitCode: number, reason = 'Error', message?: string): V1ContainerState => ({ terminated: { exitCode, reason, startedAt: before(200), ...(message === undefined ? {} : { message }) } });
const ended = (...state: Parameters<typeof exited>): V1Pod => inContainer(exited(...state), { phase: 'Failed' });
const condition = (type: string, reason = '', message = ''): NonNullable<V1Job['status']> => ({ conditions: [{ type, status: 'True', reason, message }] });
const failed = condition('Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');
const going: V1Job = { spec: { template: {} }, status: { active: 1 } };
const atWork: V1ContainerState = { running: { startedAt: before(200) } };
const running = inContainer(atWork, { phase: 'Running' });
const leaving = (seconds: number): V1Pod => inContainer(atWork, { phase: 'Running' }, { deletionTimestamp: before(seconds) });
const evicted: Status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };

describe('a Job and its pods amount to', () => {
  const see = (seen: Partial<Seen>): JobState | undefined => stateOf({ name: 'j', job: going, pods: [], container: 'train', now: NOW, ...seen });

  test.each<[string, Partial<Seen>, Partial<JobState> | undefined]>([
    ['handed over a moment ago', {}, { state: 'waiting', reason: 'waits in Kubernetes (j: just handed over)' }],
    ['suspended, by Kueue for instance', { job: { spec: { template: {}, suspend: true } } }, { state: 'waiting', reason: 'waits in Kubernetes (j: the job is suspended)' }],
    ['no pod for want of quota', { noPod: 'Error creating: pods "j-x" is forbidden: exceeded quota: gpus' }, { state: 'waiting', reason: 'waits in Kubernetes (j: Error creating: pods "j-x" is forbidden: exceeded quota: gpus)' }],
    ['no node has room', { pods: [pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' }] })] }, { state: 'waiting', reason: 'waits in Kubernetes (j: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu.)' }],
    ['the image is being pulled', { pods: [inContainer({ waiting: { reason: 'ContainerCreating' } })] }, { state: 'waiting', reason: 'waits in Kubernetes (j: the pod begins, ContainerCreating)' }],
    ['the registry has a bad moment', { pods: [inContainer({ waiting: { reason: 'ErrImagePull', message: 'timeout' } }, { startTime: before(5) })] }, { state: 'waiting', reason: 'waits in Kubernetes (j: ErrImagePull: timeout)' }],
    ['at work', { pods: [running] }, { state: 'running' }],
    ['drained: it saves', { pods: [leaving(-20)] }, { state: 'running', reason: 'its pod is being taken away, it saves (j)' }],
    ['failed, but a pod of it still goes', { job: { status: failed }, pods: [leaving(-20)] }, { state: 'running', reason: 'its job ends (j)' }],
    ['its node was lost long ago', { job: { status: failed }, pods: [leaving(600)] }, { state: 'ended', reason: 'its node was lost (j on n1)' }],
    ['a pod that ended, and the cluster has not drawn its conclusion', { pods: [ended(3)] }, { state: 'running' }],
    ['it ended well', { job: { status: condition('Complete') } }, { state: 'ended' }],
    ['it was replaced by the cluster\'s own policy', { pods: [pod(evicted), pod({ phase: 'Pending' }, { creationTimestamp: before(3) })] }, { state: 'waiting', reason: 'waits in Kubernetes (j: looks for a node)' }],
    ['evicted in the middle', { job: { status: failed }, pods: [inContainer(atWork, evicted)] }, { state: 'ended', reason: 'its pod was taken away (j on n1: Evicted, The node was low on resource: memory.)' }],
    ['preempted before it began', { job: { status: failed }, pods: [inContainer({ waiting: { reason: 'ContainerCreating' } }, { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'preempting to accommodate a higher priority pod' }] })] }, { state: 'ended', neverBegan: true, reason: 'its pod was taken away (j on n1: PreemptionByScheduler, preempting to accommodate a higher priority pod)' }],
    ['its pod was deleted', { job: { status: failed } }, { state: 'ended', reason: 'its job failed (j: its pod was taken away)' }],
    ['it saved at the signal', { job: { status: failed }, pods: [ended(3)] }, { state: 'ended', reason: 'its job failed (j on n1: exit code 3)' }],
    ['out of memory', { job: { status: failed }, pods: [ended(137, 'OOMKilled')] }, { state: 'ended', reason: 'its pod ran out of memory (j on n1)' }],
    ['out of time', { job: { status: failed }, pods: [pod({ phase: 'Failed', reason: 'DeadlineExceeded' })] }, { state: 'ended', reason: 'its time was up (j)' }],
    ['deleted by somebody', { job: undefined }, undefined],
    ['deleted by somebody, and its pod saves', { job: undefined, pods: [running] }, { state: 'running', reason: 'its job was deleted, it saves (j)' }],
  ])('%s', (_, seen, state) => {
    expect(see(seen)).toEqual(state);
  });

  test.each<[string, Partial<Seen>, string, RegExp]>([
    ['an image that is not there', { pods: [inContainer({ waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "img:1": not found' } })] }, 'DL766', /^The image img:1 cannot be pulled \(n1\)\.$/],
    ['an image with a wrong name', { pods: [inContainer({ waiting: { reason: 'InvalidImageName' } })] }, 'DL766', /image/],
    ['a secret that is not there', { pods: [inContainer({ waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } })] }, 'DL766', /container train cannot be started/],
    ['a container without a shell', { job: { status: failed }, pods: [ended(128, 'StartError', 'exec: "/bin/sh": no such file')] }, 'DL766', /container train cannot be started/],
    ['a pod that is not allowed', { noPod: 'pods "j-" is forbidden: violates PodSecurity "restricted"' }, 'DL766', /does not allow/],
    ['a run folder that the pod does not see', { job: { status: failed }, pods: [ended(66)] }, 'DL762', /^The node does not see the run folder \(n1\)\.$/],
    ['an image without Distill Lab', { job: { status: failed }, pods: [ended(68)] }, 'DL762', /Distill Lab itself/],
  ])('an error: %s', (_, seen, code, message) => {
    expect(see(seen)).toMatchObject({ state: 'ended', error: { code, message: expect.stringMatching(message) as string } });
  });

  it('the container that is watched is the one that trains', () => {
    const status = { phase: 'Failed', containerStatuses: ([['log', 0], ['train', 67]] as const).map(([name, code]) => ({ name, image: '', imageID: '', ready: false, restartCount: 0, state: exited(code) })) };
    expect(see({ job: { status: failed }, pods: [pod(status)] })?.error?.message).toMatch(/no Node\.js/);
  });
});

test('the template of the page is one', async () => {
  const { readFile } = await import('node:fs/promises');
  const page = await readFile(new URL('../../../docs/sweeps.md', import.meta.url), 'utf8');
  const [, text = ''] = /```yaml\n(apiVersion: batch\/v1[\s\S]*?)```/.exec(page) ?? [];
  const read = parseTemplate(text, 'docs/sweeps.md');
  expect(mountTrouble(read, '/mnt/detection/runs/a')).toBeUndefined();
  expect(template.trains).toBe(0);
});
