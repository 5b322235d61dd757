/**
 * What lies round a run's events, for who looks at many runs every second or two: a file is read again only when it is
 * another one. It holds the process up for as long as the disk takes: not for an editor's.
 */
import { lstatSync, type Stats } from 'node:fs';
import path from 'node:path';
import { FILES, type Heartbeat, type JobNote } from '../experiment/record.ts';
import { type Note, NOTE_BYTES, parseNote } from './note.ts';
import { readSmallNow } from './openFile.ts';
import { isAlive, type Outline, readOutline, type Surroundings } from './run.ts';
import { parseJob, parseSign, SMALL } from './runFiles.ts';

export class Lookout {
  readonly #folder: string;
  readonly #note: Remembered<Note>;
  readonly #launch: Remembered<Heartbeat | undefined>;
  readonly #job: Remembered<JobNote | undefined>;
  #outline: Outline | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#note = new Remembered(path.join(folder, FILES.note), NOTE_BYTES, parseNote);
    this.#launch = new Remembered(path.join(folder, FILES.launch), SMALL, parseSign);
    this.#job = new Remembered(path.join(folder, FILES.job), SMALL, parseJob);
  }

  async look(): Promise<Surroundings> {
    this.#outline ??= await readOutline(this.#folder);
    // Always read: it changes each second, and on a shared disk only who opens a file is told of the new one.
    const heartbeat = parseSign(readSmallNow(path.join(this.#folder, FILES.heartbeat), SMALL));
    const launch = this.#launch.read();
    return {
      outline: this.#outline, note: this.#note.read(), heartbeat, launch, job: this.#job.read(),
      stopRequested: found(path.join(this.#folder, FILES.stopRequest)) !== undefined,
      created: this.#outline?.created ?? birth(this.#folder), alive: isAlive(heartbeat, launch),
    };
  }
}

/** A small file and what it said when it was read last. */
class Remembered<T> {
  readonly #file: string;
  readonly #limit: number;
  readonly #parse: (text: string | undefined) => T;
  #stamp = '';
  #said: T;

  constructor(file: string, limit: number, parse: (text: string | undefined) => T) {
    this.#file = file;
    this.#limit = limit;
    this.#parse = parse;
    this.#said = parse(undefined);
  }

  read(): T {
    const stamp = stampOf(this.#file);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#said = this.#parse(stamp === '' ? undefined : readSmallNow(this.#file, this.#limit));
    }
    return this.#said;
  }
}

/** Changes when the file grows, is written anew or replaced; empty when there is none. */
function stampOf(file: string): string {
  const stats = found(file);
  return stats === undefined ? '' : `${stats.size} ${stats.mtimeMs} ${stats.ino}`;
}

function found(file: string): Stats | undefined {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function birth(folder: string): number {
  const stats = found(folder);
  return stats === undefined ? 0 : stats.birthtimeMs || stats.ctimeMs;
}
