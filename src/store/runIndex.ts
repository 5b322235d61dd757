/** The index of a folder of runs: what listing them once has found out. A cache: torn, old or strange, it reads as none. */
import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Arm } from '../experiment/record.ts';
import { type LogMark } from './eventLog.ts';
import { type History, type Scored, secondsPerStep, type Subject } from './history.ts';
import { readSmall } from './openFile.ts';
import { type Surroundings } from './run.ts';

export const INDEX_FILE = '.index.json';
const INDEX_VERSION = 2;
const INDEX_BYTES = 256 * 2 ** 20;

export interface IndexEntry {
  /** Of the events file and the folder, to tell whether anything changed. */
  readonly stamp: string;
  readonly mark: LogMark;
  readonly history: History;
  readonly surroundings: Surroundings;
  readonly bytes?: number | undefined;
  /** Why the events are not read to the end. */
  readonly problem?: string | undefined;
}
export type Index = Map<string, IndexEntry>;

/**
 * What a list has no use for would make the index slow to read: figures and names of 80 classes, 100 parts of a loss,
 * the pace of each of the last steps.
 */
export function slimHistory(history: History): History {
  const { lastStep, started } = history;
  return {
    ...history, perClass: {},
    ...(started === undefined ? {} : { started: { ...started, classes: [] } }),
    ...(lastStep === undefined ? {} : { lastStep: { ...lastStep, losses: lastStep.losses.total === undefined ? {} : { total: lastStep.losses.total } } }),
    pace: Object.fromEntries((Object.keys(history.pace) as Arm[]).flatMap((arm) => {
      const seconds = secondsPerStep(history, arm);
      return seconds === undefined ? [] : [[arm, [seconds]]];
    })),
  };
}

/** Twelve names a thousand times over are most of an index: evaluations are kept as rows of numbers. */
function toRow({ step, metrics: { AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl } }: Scored): readonly number[] {
  return [step, AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl];
}

/** Written out, as there are ten thousands of them. */
function fromRow([step = 0, AP = -1, AP50 = -1, AP75 = -1, APs = -1, APm = -1, APl = -1, AR1 = -1, AR10 = -1, AR100 = -1, ARs = -1, ARm = -1, ARl = -1]: readonly number[]): Scored {
  return { step, metrics: { AP, AP50, AP75, APs, APm, APl, AR1, AR10, AR100, ARs, ARm, ARl } };
}

function mapValues<A, B>(record: Partial<Record<Subject, readonly A[]>>, change: (value: A) => B): Partial<Record<Subject, B[]>> {
  return Object.fromEntries(Object.entries(record).map(([subject, values]) => [subject, values.map(change)]));
}

type Packed = Omit<History, 'evaluations'> & { readonly evaluations: Partial<Record<Subject, readonly (readonly number[])[]>> };
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Only the outline is checked, and by hand: the file is ours, a wrong one is read as none, and a window waits for it. */
function isEntry(value: unknown): value is Omit<IndexEntry, 'history'> & { readonly history: Packed } {
  if (!isObject(value) || !('stamp' in value && 'mark' in value && 'history' in value && 'surroundings' in value)) return false;
  const { stamp, mark, history, surroundings } = value;
  return typeof stamp === 'string'
    && isObject(mark) && 'offset' in mark && typeof mark.offset === 'number' && 'fingerprint' in mark && typeof mark.fingerprint === 'string' && 'badLines' in mark && typeof mark.badLines === 'number'
    && isObject(history) && ['evaluations', 'steps', 'pace', 'perClass'].every((key) => isObject((history as Partial<Record<string, unknown>>)[key]))
    && isObject(surroundings) && 'created' in surroundings && typeof surroundings.created === 'number' && 'note' in surroundings && isObject(surroundings.note);
}

export async function readIndex(root: string): Promise<Index> {
  const text = await readSmall(path.join(root, INDEX_FILE), INDEX_BYTES);
  if (text === undefined) return new Map();
  try {
    const data: unknown = JSON.parse(text);
    if (!isObject(data) || !('version' in data && data.version === INDEX_VERSION && 'runs' in data) || !isObject(data.runs)) return new Map();
    return new Map(Object.entries(data.runs as Record<string, unknown>).map(([name, entry]) => {
      if (!isEntry(entry)) throw new TypeError(name);
      return [name, { ...entry, history: { ...entry.history, evaluations: mapValues(entry.history.evaluations, fromRow) } }];
    }));
  } catch {
    return new Map();
  }
}

/** A folder that cannot be written is listed without an index. Of two writers the last wins; the other's work is done again. */
export async function writeIndex(root: string, index: Index): Promise<void> {
  const aside = path.join(root, `${INDEX_FILE}.${randomBytes(4).toString('hex')}`);
  const runs = Object.fromEntries([...index].map(([name, entry]) => [name, { ...entry, history: { ...entry.history, evaluations: mapValues(entry.history.evaluations, toRow) } }]));
  try {
    await writeFile(aside, JSON.stringify({ version: INDEX_VERSION, runs }), { flag: 'wx' });
    await rename(aside, path.join(root, INDEX_FILE));
  } catch {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}
