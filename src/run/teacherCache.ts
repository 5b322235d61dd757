/** The cache of teachers' outputs, as a whole run sees it: where it is, whose outputs are in it, what it has saved. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TaughtBatch } from '../data/sample.ts';
import { type Detector } from '../detectors/detector.ts';
import { readVariables } from '../detectors/stateDict.ts';
import { type Engine } from '../engine/backend.ts';
import { type EventOf } from '../experiment/record.ts';
import { type Experiment } from '../experiment/schema.ts';
import { ABOUT, defaultFolder, groupName, readAbout, teacherId, type About, type CachePlan } from '../teacherCache/index.ts';
import { type NewEvent } from './eventWriter.ts';
import { type FedOutput } from './fedOutputs.ts';
import { type LoadedTeacher } from './lessons.ts';
import { resolvePath } from './paths.ts';

/** Times of a teacher for one image; the middle one counts, for the first is spent on warming up. */
const TIMED = 64;

interface Known {
  readonly id: string;
  /** As it was found. */
  readonly about: About | undefined;
  /** Network and file, for people. */
  readonly words: string;
  /** Seconds of its own, an image each. */
  readonly times: number[];
  hits: number;
}

export interface CacheSurroundings {
  readonly engine: Engine;
  readonly baseFolder: string;
  readonly warn: (warning: Omit<Extract<NewEvent, { type: 'warning' }>, 'type'>) => void;
}

export class TeacherCache {
  readonly precision: 'half' | 'full';
  private readonly folder: string;
  private readonly limit: number;
  private readonly teachers: ReadonlyMap<Detector, Known>;
  private readonly warn: CacheSurroundings['warn'];
  private readonly told = new Set<string>();
  private misses = 0;
  private state: TaughtBatch['state'] | undefined;

  private constructor(precision: 'half' | 'full', folder: string, limit: number, teachers: ReadonlyMap<Detector, Known>, warn: CacheSurroundings['warn']) {
    this.precision = precision;
    this.folder = folder;
    this.limit = limit;
    this.teachers = teachers;
    this.warn = warn;
  }

  /** Undefined where the experiment asks for none, or nobody is taught. */
  static async open({ engine: { teacherCache, precision }, distill }: Experiment, teachers: readonly LoadedTeacher[], { engine, baseFolder, warn }: CacheSurroundings): Promise<TeacherCache | undefined> {
    const { keep, size, folder } = teacherCache;
    if (keep === 'none' || teachers.length === 0 || distill.length === 0) return undefined;
    const root = folder === undefined ? defaultFolder() : resolvePath(folder, baseFolder);
    const known = new Map<Detector, Known>();
    for (const { config, detector } of teachers) {
      const network = { ...config, weights: undefined, methods: undefined, share: undefined };
      // The processor's threads may come and go; what computes may not.
      const device = engine.device.startsWith('CPU') ? 'CPU' : engine.device;
      const id = teacherId(JSON.stringify([network, detector.traits.classes.length, engine.backend, device, precision, ...(engine.fastConvolutions === true ? ['fast'] : [])]), weightsOf(detector));
      known.set(detector, { id, about: await readAbout(join(root, id)), words: `${config.detector} ${config.backbone}, ${config.weights}`, times: [], hits: 0 });
    }
    return new TeacherCache(keep, root, size * 1e9, known, warn);
  }

  /** @param outputs what is read of each of these teachers */
  plan(teachers: readonly Detector[], outputs: readonly (readonly FedOutput[])[]): CachePlan {
    const groups = teachers.flatMap((teacher, place) => {
      return [...byKind(outputs[place] ?? [])].map(([kind, members]) => ({ teacher: place, folder: join(this.known(teacher).id, groupName(kind, members.map(({ name }) => name), this.precision)), outputs: members }));
    });
    if (groups.length === 0) this.tell('nothing', { code: 'DL622', message: 'The teacher cache keeps nothing: the methods read none of the teacher\'s outputs on the training images as they are.' });
    return { folder: this.folder, limit: this.limit, precision: this.precision, groups };
  }

  /** One output found. */
  hit(teacher: Detector): void {
    this.known(teacher).hits += 1;
  }

  /** One made, by a teacher that took so long. */
  miss(teacher: Detector, seconds: number): void {
    const { times } = this.known(teacher);
    this.misses += 1;
    if (times.length < TIMED) times.push(seconds);
    // So that a later run, which finds all, can tell what that saved.
    if (times.length === 2 || times.length === TIMED) this.describe(teacher);
  }

  /** What the cache itself reports. */
  saw(state: TaughtBatch['state'] | undefined): void {
    if (state === undefined) return;
    this.state = state;
    if (state.problem !== undefined) this.tell('problem', { code: 'DL623', message: `The teacher cache keeps nothing more, the run goes on without: ${state.problem}` });
    if (state.full) this.tell('full', { code: 'DL624', message: `The teacher cache is full of outputs in use: the others are computed each time. engine.teacherCache.size is ${this.limit / 1e9} GB.` });
    if (state.damaged > 0) this.tell('damaged', { message: 'The teacher cache had a damaged entry; such entries are computed anew.' });
  }

  summary(): NonNullable<EventOf<'ended'>['teacherCache']> {
    const known = [...this.teachers.values()];
    const saved = known.reduce((sum, teacher) => sum + teacher.hits * (secondsOf(teacher) ?? 0), 0);
    return {
      hits: known.reduce((sum, { hits }) => sum + hits, 0), misses: this.misses, precision: this.precision,
      ...(this.state?.bytes === undefined ? {} : { bytes: this.state.bytes }), ...(saved > 0 ? { secondsSaved: saved } : {}),
    };
  }

  private known(teacher: Detector): Known {
    const known = this.teachers.get(teacher);
    if (known === undefined) throw new Error('a teacher that the cache does not know');
    return known;
  }

  private tell(what: string, warning: Parameters<CacheSurroundings['warn']>[0]): void {
    if (!this.told.has(what)) this.warn(warning);
    this.told.add(what);
  }

  /** For people who look into the folder, and for later runs; a disk that refuses is told of by the entries. */
  private describe(teacher: Detector): void {
    const known = this.known(teacher);
    const folder = join(this.folder, known.id);
    const aside = join(folder, `${ABOUT}.${process.pid}.part`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(aside, `${JSON.stringify({ teacher: known.words, seconds: secondsOf(known) } satisfies About)}\n`);
      renameSync(aside, join(folder, ABOUT));
    } catch {
      rmSync(aside, { force: true });
    }
  }
}

/** Features, logits, …: methods of other runs may want one without the other. */
function byKind(outputs: readonly FedOutput[]): Map<string, FedOutput[]> {
  const kinds = new Map<string, FedOutput[]>();
  for (const output of outputs) {
    const kind = output.name.split('.', 1)[0] ?? output.name;
    kinds.set(kind, [...kinds.get(kind) ?? [], output]);
  }
  return kinds;
}

function* weightsOf({ parameters }: Detector): Generator<readonly [string, Float32Array]> {
  for (const { name, variable } of parameters.all()) yield [name, readVariables([variable])[0] ?? new Float32Array()];
}

function secondsOf({ times, about }: Known): number | undefined {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? about?.seconds;
}
