/** The keys of an experiment that make many runs of one file: `seeds`, `sweep` and `launch`. */
import { z } from 'zod';

const positive = z.number().positive();
const count = z.int().min(1);
const points = z.int().min(2).max(1000);
const number = z.number();

/** First, last and how many; without the third, each run of a random sweep draws a value of its own. */
const range = z.union([z.tuple([number, number, points]), z.tuple([number, number])]);
const logRange = z.union([z.tuple([positive, positive, points]), z.tuple([positive, positive])]);

export const sweepValuesSchema = z.union([
  z.array(z.unknown()).min(1),
  z.strictObject({ range: range.describe('`[first, last, number]`: so many values at equal distances.') }),
  z.strictObject({ logRange: logRange.describe('`[first, last, number]`: so many values, each the same number of times the one before.') }),
]).describe('Values to try: a list, `{ range: [first, last, number] }` or `{ logRange: [first, last, number] }`. A list of methods may name them: `distill: [[fgd], [rm, pfi]]`.');
export type SweepValues = z.output<typeof sweepValuesSchema>;

const halving = z.strictObject({
  first: z.number().gt(0).max(0.9).default(0.25).describe('The part of the run after which AP is compared for the first time.'),
  keep: z.number().gt(0).lt(1).default(0.5).describe('The part of the runs that goes on each time. Compared again after the run has grown by 1 / `keep`.'),
}).describe('Ends hopeless runs early: at certain steps a run goes on only if its AP is among the best so far. Left out: every run goes to its end.');

/** Options of the sweep; every other key of the section is a key of the experiment. */
const options = {
  order: z.enum(['grid', 'random']).default('grid').describe('`grid`: every combination of the values, the first key varying slowest. `random`: `limit` different combinations, drawn by `seed`.'),
  seed: z.int().min(0).default(0).describe('Of the drawing with `order: random`.'),
  limit: count.optional().describe('Most combinations. Each is trained once a seed.'),
  halving: halving.optional(),
};
export const SWEEP_OPTIONS: readonly string[] = Object.keys(options);

export const sweepSchema = z.object(options).catchall(sweepValuesSchema);
export type SweepConfig = z.output<typeof sweepSchema>;

export const seedsSchema = z.array(z.int().min(0)).min(1);

/** One word of sbatch's own; it cannot begin another option or line. */
const word = z.string().regex(/^[\w.,:@+*&|!()[\]][\w.,:@+*&|!()[\]-]*$/).max(200);

/** RFC 1123, as the cluster wants it. */
const label = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);

const LAUNCHERS = ['local', 'slurm', 'ray', 'kubernetes'] as const;
export type LauncherName = (typeof LAUNCHERS)[number];

export const launchSchema = z.strictObject({
  on: z.enum(LAUNCHERS).optional().describe('Who starts the runs: `local`, this machine; `slurm`, the cluster whose `sbatch` is on the path; `ray`, a Ray cluster through its Jobs interface; `kubernetes`, Jobs of a Kubernetes cluster from a template of yours (experimental: never run on a real cluster). Default: `local`.'),
  atOnce: count.optional().describe('Runs at the same time; on this machine, so many on each GPU. Default: one on this machine, no limit on a cluster.'),
  cpus: count.optional().describe('CPU cores a run (clusters). On Ray: 1 when left out.'),
  memory: positive.optional().describe('Memory a run in GiB (clusters).'),
  gpus: z.int().min(0).optional().describe('GPUs a run (clusters).'),
  minutes: count.optional().describe('Longest time of one job in minutes (Slurm, Kubernetes). A run that needs more saves and goes on in another job.'),
  grace: z.int().min(5).default(60).describe('Seconds before the end of its time at which a job is told to save (Slurm, Kubernetes).'),
  slurm: z.strictObject({
    partition: word.optional().describe('Partition.'),
    account: word.optional().describe('Account.'),
    qos: word.optional().describe('Quality of service.'),
    reservation: word.optional().describe('Reservation.'),
    constraint: word.optional().describe('Features that a node must have.'),
  }).prefault({}).describe('What `sbatch` is told.'),
  ray: z.strictObject({
    address: z.string().regex(/^https?:\/\/[\w.[\]:-]+(?:\/[^\s?#@]*)?$/).refine((address) => URL.canParse(address), 'This is no address.').optional().describe('Where Ray\'s dashboard answers. Default: `RAY_API_SERVER_ADDRESS` of the environment, else `http://127.0.0.1:8265`.'),
    resources: z.record(z.string().regex(/^[\w./:-]{1,100}$/), positive).optional().describe('Resources of the cluster\'s own naming that a run takes, as `{ A100: 1 }`.'),
    tokenFrom: z.string().regex(/^[A-Za-z_]\w*$/).default('RAY_AUTH_TOKEN').describe('Name of the environment variable whose value is sent as `Authorization: Bearer …`; nothing is sent when it is not set. The value itself is never written to the disk.'),
  }).prefault({}).describe('The Ray cluster. It sees run folders, data and Distill Lab under the same paths as this machine.'),
  kubernetes: z.strictObject({
    template: z.string().min(1).optional().describe('Path of a manifest (YAML) of a Job that is yours: image, volumes, tolerations, whatever your cluster wants. Relative to this file. Distill Lab sets the command of the container that trains, the name, labels and what `launch` says of resources.'),
    context: z.string().min(1).optional().describe('Context of the kubeconfig. Default: its current one.'),
    namespace: label.optional().describe('Namespace. Default: that of the template, else of the context.'),
    container: label.optional().describe('Container of the template that trains. Default: the only one, or the one named `distill-lab`.'),
    cli: z.string().regex(/^\//).optional().describe('Path of Distill Lab\'s `dist/cli.js` in the container. Default: as on this machine.'),
  }).prefault({}).describe('Jobs on Kubernetes. Experimental: checked against a stand-in for the API server, never run on a real cluster. Run folders and data are mounted in the pod under the same paths as on this machine.'),
});
export type LaunchConfig = z.output<typeof launchSchema>;

