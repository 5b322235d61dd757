/**
 * The course of a run's losses, small: each part's mean over at most 200 equal pieces of the run so far. Read bit by bit
 * as the events grow, so that a sparkline can be drawn each second without reading a file again.
 */
import path from 'node:path';
import { FILES, type RunEvent } from '../experiment/record.ts';
import { lessonParts } from '../experiment/teachers.ts';
import { EventLog } from './eventLog.ts';

/** Pieces of the run, and parts of the loss, that are kept at most. */
export const MOST_POINTS = 200;
const MOST_PARTS = 64;
/** Read at a time: the events of so many bytes are parsed in one go, and whoever else waits for the thread goes first. */
const BITE = 2 ** 20;
/** Half a million steps fit in; a longer file is none of ours, and has no losses. */
const MOST_BYTES = 2 ** 28;

export interface LossPoint {
  /** Step. */
  readonly x: number;
  /** NaN where the part was absent. */
  readonly y: number;
}

export interface LossPart {
  /** Without the method: `foreground`; with its copy where several teachers teach: `2 foreground`. */
  readonly name: string;
  readonly points: readonly LossPoint[];
}

export interface MethodLoss {
  /** The sum of its parts. */
  readonly total: readonly LossPoint[];
  readonly parts: readonly LossPart[];
}

/** A piece of the run. Sums and counts by the number of the part. */
interface Piece {
  first: number;
  last: number;
  events: number;
  readonly sums: number[];
  readonly counts: number[];
}

/** The distilled student's losses, folded event by event in bounded memory. */
export class LossSeries {
  readonly #parts = new Map<string, number>();
  #pieces: Piece[] = [];
  /** Events of a full piece. */
  #size = 1;

  get points(): number {
    return this.#pieces.length;
  }

  add(event: RunEvent): void {
    if (event.type === 'started') this.#cutAfter(event.from.student);
    if (event.type !== 'step' || event.arm !== 'student' || !Number.isFinite(event.step)) return;
    let piece = this.#pieces.at(-1);
    if (piece !== undefined && event.step <= piece.last) return;
    if (piece === undefined || piece.events >= this.#size) {
      if (this.#pieces.length >= MOST_POINTS) this.#halve();
      piece = { first: event.step, last: event.step, events: 0, sums: [], counts: [] };
      this.#pieces.push(piece);
    }
    piece.last = event.step;
    piece.events += 1;
    for (const [name, value] of Object.entries(event.losses)) {
      const part = this.#partNumber(name);
      if (part === undefined || !Number.isFinite(value)) continue;
      piece.sums[part] = (piece.sums[part] ?? 0) + value;
      piece.counts[part] = (piece.counts[part] ?? 0) + 1;
    }
  }

  /** Undefined for a method of which the run has told nothing. @param method its id; copies for further teachers count as it. */
  ofMethod(method: string): MethodLoss | undefined {
    const own = [...this.#parts].flatMap(([name, part]) => {
      const dot = name.indexOf('.');
      const lesson = lessonParts(dot <= 0 ? name : name.slice(0, dot));
      return lesson.method === method ? [{ name: `${lesson.copy.slice(1)} ${dot <= 0 ? name : name.slice(dot + 1)}`.trim(), part }] : [];
    });
    if (own.length === 0) return undefined;
    const parts = own.map(({ name, part }) => ({ name, points: this.#pieces.map((piece) => ({ x: piece.last, y: mean(piece, part) })) }));
    const total = this.#pieces.map((piece) => {
      const values = own.map(({ part }) => mean(piece, part)).filter((value) => !Number.isNaN(value));
      return { x: piece.last, y: values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) };
    });
    return { total, parts };
  }

  #partNumber(name: string): number | undefined {
    const known = this.#parts.get(name);
    if (known !== undefined || this.#parts.size >= MOST_PARTS) return known;
    this.#parts.set(name, this.#parts.size);
    return this.#parts.size - 1;
  }

  /** A resume trains the steps past its checkpoint again. */
  #cutAfter(step: number | undefined): void {
    if (step === undefined) return;
    this.#pieces = this.#pieces.filter((piece) => piece.first <= step);
    const last = this.#pieces.at(-1);
    if (last !== undefined) last.last = Math.min(last.last, step);
  }

  /** Neighbours become one: half as many pieces, each of twice as many events. */
  #halve(): void {
    const halves: Piece[] = [];
    for (let index = 0; index < this.#pieces.length; index += 2) {
      const [piece, next] = this.#pieces.slice(index, index + 2);
      if (piece === undefined) break;
      if (next !== undefined) join(piece, next);
      halves.push(piece);
    }
    this.#pieces = halves;
    this.#size *= 2;
  }
}

function join(piece: Piece, next: Piece): void {
  piece.last = next.last;
  piece.events += next.events;
  next.sums.forEach((sum, part) => { piece.sums[part] = (piece.sums[part] ?? 0) + sum; });
  next.counts.forEach((count, part) => { piece.counts[part] = (piece.counts[part] ?? 0) + count; });
}

function mean({ sums, counts }: Piece, part: number): number {
  const count = counts[part] ?? 0;
  return count === 0 ? NaN : (sums[part] ?? 0) / count;
}

/** Keeps a run's losses up to date: every `read` takes only what has come since the last. */
export class LossReader {
  readonly #log: EventLog;
  #series = new LossSeries();
  #spent = 0;
  #reading: Promise<LossSeries> | undefined;
  #hasRead = false;

  constructor(folder: string) {
    this.#log = new EventLog(path.join(folder, FILES.events));
  }

  /** What the last read told. */
  get known(): LossSeries | undefined {
    return this.#hasRead ? this.#series : undefined;
  }

  /** Never throws for what lies in the folder: what cannot be read is left out. */
  async read(): Promise<LossSeries> {
    this.#reading ??= this.#readNew().finally(() => { this.#reading = undefined; });
    return this.#reading;
  }

  async #readNew(): Promise<LossSeries> {
    for (let more = true; more && this.#spent < MOST_BYTES;) {
      const before = this.#log.mark.offset;
      const part = await this.#log.read(BITE).catch(() => ({ events: [], reset: false, more: false }));
      if (part.reset) this.#series = new LossSeries();
      for (const event of part.events) this.#series.add(event);
      this.#spent = part.reset ? this.#log.mark.offset : this.#spent + this.#log.mark.offset - before;
      ({ more } = part);
      if (more) await new Promise((resolve) => { setImmediate(resolve); });
      // The first part of such a file would pass for its end.
      if (more && this.#spent >= MOST_BYTES) this.#series = new LossSeries();
    }
    this.#hasRead = true;
    return this.#series;
  }
}
