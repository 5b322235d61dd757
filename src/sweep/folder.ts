/**
 * What a sweep keeps on the disk: `<runs>/sweeps/<id>/` with the file as written, the plan, and an append-only journal.
 * Runs are ordinary run folders beside `sweeps`; each tells in its own record which run of which sweep it is.
 */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { DistillError } from '../errors.ts';
import { heartbeatSchema, type Heartbeat, sweepNoteSchema } from '../experiment/record.ts';
import { launchSchema, sweepSchema } from '../experiment/sweepSchema.ts';
import { slugOf } from '../launch/runFolder.ts';
import { diskError } from '../launch/disk.ts';
import { processStart } from '../processStart.ts';
import { isProcessAlive, SWEEPS } from '../store/index.ts';

export const SWEEP_FILES = {
  experiment: 'experiment.yaml',
  plan: 'plan.json',
  journal: 'journal.jsonl',
  /** Who works the queue, rewritten every few seconds. */
  queue: 'queue.json',
  /** Its presence asks the queue to let all runs save and stop. */
  pause: 'pause',
  /** The same, and nothing waits to go on. */
  stop: 'stop',
  log: 'log.txt',
} as const;

const planSchema = z.object({
  name: z.string(),
  /** Absolute path of the experiment file. */
  file: z.string(),
  created: z.number(),
  version: z.string(),
  launch: launchSchema,
  halving: sweepSchema.shape.halving,
  runs: z.array(sweepNoteSchema.omit({ id: true, name: true }).extend({ overrides: z.array(z.string()) })),
});
export type SweepPlan = z.output<typeof planSchema>;

const line = <T extends string, S extends z.ZodRawShape>(type: T, shape: S): z.ZodObject<{ type: z.ZodLiteral<T>; time: z.ZodNumber } & S> => z.object({ type: z.literal(type), time: z.number(), ...shape });
const journalSchema = z.discriminatedUnion('type', [
  line('opened', { pid: z.number(), host: z.string() }),
  /** A run has its folder. */
  line('folder', { key: z.string(), folder: z.string() }),
  line('started', { key: z.string(), job: z.string() }),
  /** `asked`: somebody stopped this one run, so it does not go on by itself. */
  line('ended', { key: z.string(), state: z.string(), asked: z.boolean().optional() }),
  line('skipped', { key: z.string(), reason: z.string() }),
  line('closed', { state: z.enum(['finished', 'paused', 'stopped']) }),
]);
export type JournalLine = z.output<typeof journalSchema>;
type WithoutTime<T> = T extends unknown ? Omit<T, 'time'> : never;

/** A queue that is silent for longer is gone, where its process cannot be looked at. */
const SILENT_MS = 60_000;

export function sweepFolder(runsRoot: string, id: string): string {
  return path.resolve(runsRoot, SWEEPS, id);
}

/** @returns the new folder. @throws DistillError DL701 to DL703. */
export async function createSweepFolder(runsRoot: string, plan: SweepPlan, text: string): Promise<string> {
  const alphabet = '23456789abcdefghjkmnpqrstvwxyz';
  const short = Array.from({ length: 5 }, () => alphabet[randomInt(alphabet.length)]).join('');
  const day = new Date(plan.created).toLocaleDateString('sv');
  const folder = sweepFolder(runsRoot, `${day}-${slugOf(plan.name)}-${short}`);
  try {
    await mkdir(path.dirname(folder), { recursive: true });
    await mkdir(folder);
    await writeFile(path.join(folder, SWEEP_FILES.experiment), text);
    await writeFile(path.join(folder, SWEEP_FILES.plan), `${JSON.stringify(plan, null, 1)}\n`);
  } catch (cause) {
    throw diskError(folder, cause);
  }
  return folder;
}

/** @throws DistillError DL740 when this is no sweep's folder, or its plan is damaged. */
export async function readPlan(folder: string): Promise<SweepPlan & { readonly text: string }> {
  const refuse = (cause: unknown): DistillError => new DistillError('DL740', 'There is no such sweep.', { where: { file: folder }, expected: `a folder with ${SWEEP_FILES.plan}`, advice: '`distill-lab runs` lists sweeps with their names.', cause });
  try {
    const [plan, text] = await Promise.all([SWEEP_FILES.plan, SWEEP_FILES.experiment].map((file) => readFile(path.join(folder, file), 'utf8')));
    return { ...planSchema.parse(JSON.parse(plan ?? '')), text: text ?? '' };
  } catch (cause) {
    throw refuse(cause);
  }
}

/** Names of the sweeps under a folder of runs, oldest first. */
export async function listSweeps(runsRoot: string): Promise<readonly string[]> {
  const entries = await readdir(path.resolve(runsRoot, SWEEPS), { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
}

export async function writeJournal(folder: string, entry: WithoutTime<JournalLine>): Promise<void> {
  const file = path.join(folder, SWEEP_FILES.journal);
  await appendFile(file, `${JSON.stringify({ time: Date.now(), ...entry })}\n`).catch((cause: unknown) => { throw diskError(file, cause); });
}

/** Torn and strange lines are passed over: what they told is seen in the run folders too. */
export async function readJournal(folder: string): Promise<readonly JournalLine[]> {
  const text = await readFile(path.join(folder, SWEEP_FILES.journal), 'utf8').catch(() => '');
  return text.split('\n').flatMap((row) => {
    try {
      const parsed = journalSchema.safeParse(JSON.parse(row));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}

/** Says that this process works the queue. */
export async function noteQueue(folder: string): Promise<void> {
  const file = path.join(folder, SWEEP_FILES.queue);
  const note: Heartbeat = { pid: process.pid, host: hostname(), time: Date.now(), processStart: processStart(process.pid) };
  try {
    await writeFile(`${file}.${process.pid}`, JSON.stringify(note));
    await rename(`${file}.${process.pid}`, file);
  } catch (cause) {
    throw diskError(file, cause);
  }
}

export async function dropQueue(folder: string): Promise<void> {
  await rm(path.join(folder, SWEEP_FILES.queue), { force: true });
}

/** Who works the queue now, other than this process. */
export async function queueProcess(folder: string): Promise<Heartbeat | undefined> {
  try {
    const note = heartbeatSchema.parse(JSON.parse(await readFile(path.join(folder, SWEEP_FILES.queue), 'utf8')));
    const isHere = note.host === hostname();
    if (isHere && note.pid === process.pid) return undefined;
    return (isHere ? isProcessAlive(note.pid, note.processStart) : Date.now() - note.time < SILENT_MS) ? note : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the queue to end: `pause` for now, `stop` for good. */
export async function askQueue(folder: string, what: 'pause' | 'stop'): Promise<void> {
  const file = path.join(folder, SWEEP_FILES[what]);
  await writeFile(file, `${new Date().toISOString()}\n`).catch((cause: unknown) => { throw diskError(file, cause); });
}

export function isAsked(folder: string, what: 'pause' | 'stop'): boolean {
  return existsSync(path.join(folder, SWEEP_FILES[what]));
}

export async function forgetAsked(folder: string): Promise<void> {
  for (const what of ['pause', 'stop'] as const) await rm(path.join(folder, SWEEP_FILES[what]), { force: true });
}
