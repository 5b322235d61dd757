/** The Job manifest that a user owns: read, and checked for what Distill Lab needs of it, before anything is sent. Pure but for the reading. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { DistillError } from '../../errors.ts';

const words = z.record(z.string(), z.coerce.string()).nullish();
const metadata = z.looseObject({ namespace: z.string().nullish(), labels: words, annotations: words }).nullish();
const quantities = z.record(z.string(), z.union([z.string(), z.number()])).nullish();

const containerSchema = z.looseObject({
  name: z.string(),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().nullish() })).nullish(),
  resources: z.looseObject({ requests: quantities, limits: quantities }).nullish(),
});
export type Container = z.output<typeof containerSchema>;

/** Only what is read of it; all else is the user's own and goes through as it is. */
const jobSchema = z.looseObject({
  apiVersion: z.literal('batch/v1', 'A Job of `batch/v1` is expected.'),
  kind: z.literal('Job', 'A Job is expected.'),
  metadata,
  spec: z.looseObject({
    // Two children would spoil each other's record.
    parallelism: z.literal(1, 'A run is one pod.').nullish(), completions: z.literal(1, 'A run is one pod.').nullish(),
    ttlSecondsAfterFinished: z.int().min(0).nullish(),
    template: z.looseObject({
      metadata,
      spec: z.looseObject({
        containers: z.array(containerSchema).min(1), volumes: z.array(z.looseObject({ name: z.string() })).nullish(),
        terminationGracePeriodSeconds: z.int().min(0).nullish(), activeDeadlineSeconds: z.int().min(1).nullish(),
      }),
    }),
  }),
});
export type JobTemplate = z.output<typeof jobSchema>;

export interface Template {
  readonly file: string;
  readonly job: JobTemplate;
  /** Index of the container that trains. */
  readonly trains: number;
}

/** The container that trains, where several are there and none is named. */
export const OWN_CONTAINER = 'distill-lab';

/** Volumes that live and die with the pod, or cannot be written. */
const PASSING = ['emptyDir', 'configMap', 'secret', 'downwardAPI', 'projected', 'image', 'ephemeral'];

/** @throws DistillError DL764. */
export async function readTemplate(file: string | undefined, container: string | undefined): Promise<Template> {
  if (file === undefined) throw new DistillError('DL764', 'Kubernetes needs a template of a Job.', { expected: '`launch.kubernetes.template`: the path of a manifest in YAML', advice: 'docs/sweeps.md has one to begin with.' });
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DistillError('DL764', 'The template of the Job cannot be read.', { where: { file }, got: cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause), advice: 'Mend `launch.kubernetes.template`: a relative path begins at the folder of the experiment, in `launch.yaml` at that of this file.', cause });
  });
  return parseTemplate(text, file, container);
}

/** @throws DistillError DL764 with the line at fault. */
export function parseTemplate(text: string, file: string, container?: string): Template {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', lineCounter: lines });
  const refuse = (message: string, details: { readonly expected?: string; readonly got?: string; readonly advice?: string }, offset?: number): DistillError => {
    const { line, col } = offset === undefined ? { line: undefined, col: undefined } : lines.linePos(offset);
    return new DistillError('DL764', message, { where: { file, line, column: col }, ...details });
  };
  const [document] = documents;
  if (documents.length !== 1 || document === undefined) throw refuse('The template is not one Job.', { expected: 'one document', got: `${documents.length} documents`, advice: 'Take what else belongs to it (claims, secrets, roles) to the cluster once, by `kubectl apply`.' });
  const [flaw] = document.errors;
  if (flaw !== undefined) throw refuse('The template is no YAML.', { got: flaw.message.split('\n')[0] ?? '' }, flaw.pos[0]);
  const parsed = jobSchema.safeParse(dataOf(document));
  if (!parsed.success) {
    const { path: key = [], message = '' } = parsed.error.issues[0] ?? {};
    throw refuse(key.length === 0 ? 'The template is no Job.' : `The template is not understood: \`${key.join('.')}\`.`, { got: message, advice: 'docs/sweeps.md has a template to begin with.' }, offsetOf(document.contents, key));
  }
  const { containers } = parsed.data.spec.template.spec;
  const trains = chosen(containers, container);
  if (trains === undefined) {
    throw refuse(container === undefined ? 'The template has several containers, and none that is to train.' : `The template has no container ${container}.`, {
      expected: container === undefined ? `one container, or one named ${OWN_CONTAINER}` : `one named ${container}`, got: containers.map(({ name }) => name).join(', '), advice: 'Name it by `launch.kubernetes.container`.',
    }, offsetOf(document.contents, ['spec', 'template', 'spec', 'containers']));
  }
  return { file, job: parsed.data, trains };
}

function dataOf(document: { toJS(): unknown }): unknown {
  try {
    return document.toJS();
  } catch {
    // More aliases than any manifest has.
    return undefined;
  }
}

function chosen(containers: readonly Container[], name: string | undefined): number | undefined {
  if (name === undefined && containers.length === 1) return 0;
  const at = containers.findIndex((each) => each.name === (name ?? OWN_CONTAINER));
  return at < 0 ? undefined : at;
}

/** Where a key is written, or what of its path there is. */
function offsetOf(root: unknown, key: readonly PropertyKey[]): number | undefined {
  let [node, found] = [root, undefined as number | undefined];
  for (const part of key) {
    const next = isMap(node) ? node.items.find((pair) => isScalar(pair.key) && pair.key.value === part) : undefined;
    if (next !== undefined && isScalar(next.key)) found = next.key.range?.[0] ?? found;
    node = isSeq(node) && typeof part === 'number' ? node.items[part] : next?.value;
  }
  return found;
}

/** Whether the container sees a folder of this machine under the same path, as far as a template tells. @returns what is wrong. */
export function mountTrouble({ file, job, trains }: Template, folder: string): DistillError | undefined {
  const { containers, volumes } = job.spec.template.spec;
  const container = containers[trains];
  const over = (container?.volumeMounts ?? []).filter(({ mountPath }) => isWithin(folder, mountPath)).sort((a, b) => b.mountPath.length - a.mountPath.length)[0];
  const refuse = (message: string, got?: string): DistillError => new DistillError('DL764', message, {
    where: { file }, expected: `a volume that is shared with this machine, mounted so that ${folder} is the same folder in the pod`, got,
    advice: 'Add it to `volumes` of the pod and to `volumeMounts` of the container, or put runs on it (`--runs FOLDER`).',
  });
  if (over === undefined) return refuse(`The container ${container?.name ?? ''} does not see the run folders: nothing is mounted over them.`, (container?.volumeMounts ?? []).map(({ mountPath }) => mountPath).join(', ') || 'no volumeMounts');
  if (over.readOnly === true) return refuse(`The container ${container?.name ?? ''} could not write the run folders: ${over.mountPath} is mounted read-only.`);
  const volume = volumes?.find(({ name }) => name === over.name);
  const passing = volume === undefined ? undefined : PASSING.find((kind) => volume[kind] !== undefined);
  return passing === undefined ? undefined : refuse(`What the container ${container?.name ?? ''} writes into run folders would stay in the pod: ${over.mountPath} is of the kind ${passing}.`);
}

function isWithin(folder: string, mountPath: string): boolean {
  const relative = path.relative(mountPath, folder);
  return path.isAbsolute(mountPath) && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
