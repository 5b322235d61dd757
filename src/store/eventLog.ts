/** Reads `events.jsonl` as it grows: new bytes only, torn and strange lines counted and passed over, never the whole file at once. */
import { closeSync, readSync } from 'node:fs';
import { type FileHandle } from 'node:fs/promises';
import { eventSchema, type RunEvent } from '../experiment/record.ts';
import { openNow, openSized } from './openFile.ts';

/** Bytes of one read from the disk, and the longest line that is taken for one. */
const CHUNK = 2 ** 20;
const LONGEST_LINE = 4 * CHUNK;
/** No smaller one is worth a way to the disk. */
const SMALLEST_PIECE = 2 ** 16;
/** Bytes before the position that must still be the same, else the file was cut and written anew (a resume). */
const FINGERPRINT = 64;
const NEWLINE = 10;

/** Where a reader stood, so that another process can go on from there. */
export interface LogMark {
  readonly offset: number;
  /** The bytes before `offset`, base64. */
  readonly fingerprint: string;
  readonly badLines: number;
}

export interface LogPart {
  readonly events: readonly RunEvent[];
  /** The file was cut or replaced since the last read: what was read before no longer holds. */
  readonly reset: boolean;
  /** There is more to read than this call's budget allowed. */
  readonly more: boolean;
}

interface Piece {
  readonly position: number;
  readonly length: number;
}

/** What our writer begins a step's line with. */
const STEP = '{"type":"step"';
const isStep = (line: string): boolean => line.startsWith(STEP);

export class EventLog {
  readonly file: string;
  #offset = 0;
  #fingerprint: Buffer = Buffer.alloc(0);
  #badLines = 0;
  readonly #thin: boolean;
  /** Inside a line that is too long to be one. */
  #skipping = false;

  /** @param thin of steps that were read at once only the last one is kept: enough to tell how far a run is. */
  constructor(file: string, mark?: LogMark, thin = false) {
    this.file = file;
    this.#thin = thin;
    if (mark === undefined) return;
    this.#offset = mark.offset;
    this.#fingerprint = Buffer.from(mark.fingerprint, 'base64');
    this.#badLines = mark.badLines;
  }

  /** Lines that are no events. */
  get badLines(): number {
    return this.#badLines;
  }

  get mark(): LogMark {
    return { offset: this.#offset, fingerprint: this.#fingerprint.toString('base64'), badLines: this.#badLines };
  }

  /** @param budget about how many bytes to read at most. A file that is not there yet reads as empty. */
  async read(budget = 8 * CHUNK): Promise<LogPart> {
    let handle: FileHandle;
    let size: number;
    try {
      ({ handle, size } = await openSized(this.file));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { events: [], reset: this.#rewind(), more: false };
      throw error;
    }
    try {
      const reading = this.#reading(size, budget);
      let turn = reading.next();
      while (turn.done !== true) {
        const { position, length } = turn.value;
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
        turn = reading.next(buffer.subarray(0, bytesRead));
      }
      return turn.value;
    } finally {
      await handle.close();
    }
  }

  /** As `read`, in a fraction of the processor time; holds the process up for as long as the disk takes. */
  readNow(budget = 8 * CHUNK): LogPart {
    const opened = openNow(this.file);
    if (opened === undefined) return { events: [], reset: this.#rewind(), more: false };
    const { handle, size } = opened;
    try {
      const reading = this.#reading(size, budget);
      let turn = reading.next();
      while (turn.done !== true) {
        const { position, length } = turn.value;
        const buffer = Buffer.alloc(length);
        turn = reading.next(buffer.subarray(0, readSync(handle, buffer, 0, length, position)));
      }
      return turn.value;
    } finally {
      closeSync(handle);
    }
  }

  /** What to read, one piece after the other; is given what was there. */
  * #reading(size: number, budget: number): Generator<Piece, LogPart, Buffer> {
    const reset = !(yield* this.#isSameFile(size)) && this.#rewind();
    return { ...yield* this.#readNew(size, budget), reset };
  }

  #rewind(): boolean {
    const hadRead = this.#offset > 0;
    this.#offset = 0;
    this.#fingerprint = Buffer.alloc(0);
    this.#badLines = 0;
    this.#skipping = false;
    return hadRead;
  }

  * #isSameFile(size: number): Generator<Piece, boolean, Buffer> {
    if (size < this.#offset) return false;
    const { length } = this.#fingerprint;
    if (length === 0) return true;
    return (yield { position: this.#offset - length, length }).equals(this.#fingerprint);
  }

  * #readNew(length: number, budget: number): Generator<Piece, { events: RunEvent[]; more: boolean }, Buffer> {
    const events: RunEvent[] = [];
    // A byte more than there is, so that the end is seen; a whole chunk for a few new lines would cost more than the lines.
    const most = Math.min(CHUNK, Math.max(SMALLEST_PIECE, budget));
    let size = Math.min(most, Math.max(0, length - this.#offset) + 1);
    // A line may be longer than what may be spent: without it the next call would stand where this one did.
    for (let [spent, moved] = [0, false]; spent < budget || !moved;) {
      const bytes = yield { position: this.#offset, length: size };
      if (bytes.length === 0) return { events, more: false };
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      spent += bytes.length;
      if (end > 0) {
        this.#takeLines(bytes.subarray(0, end), events);
        this.#advance(bytes.subarray(0, end));
        moved = true;
        // What is left is the beginning of a line that is still being written.
        if (bytes.length < size) return { events, more: false };
        size = most;
      } else if (this.#skipping || bytes.length >= LONGEST_LINE) {
        if (!this.#skipping) this.#badLines += 1;
        this.#skipping = true;
        this.#advance(bytes);
        moved = true;
      } else if (bytes.length < size) {
        return { events, more: false };
      } else {
        size = Math.min(LONGEST_LINE, size * 2);
      }
    }
    return { events, more: true };
  }

  #advance(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#fingerprint = Buffer.from(Buffer.concat([this.#fingerprint, bytes.subarray(-FINGERPRINT)]).subarray(-FINGERPRINT));
  }

  #takeLines(bytes: Buffer, events: RunEvent[]): void {
    let start = 0;
    while (start < bytes.length) {
      const end = bytes.indexOf(NEWLINE, start);
      const line = bytes.toString('utf8', start, end);
      start = end + 1;
      if (this.#thin && isStep(line) && isStep(bytes.toString('latin1', start, start + STEP.length))) continue;
      if (this.#skipping) this.#skipping = false;
      else if (line.trim() !== '') this.#takeLine(line, events);
    }
  }

  #takeLine(line: string, events: RunEvent[]): void {
    try {
      events.push(eventSchema.parse(JSON.parse(line)));
    } catch {
      this.#badLines += 1;
    }
  }
}
