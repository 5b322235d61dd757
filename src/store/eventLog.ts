/** Reads `events.jsonl` as it grows: new bytes only, torn and strange lines counted and passed over, never the whole file at once. */
import { type FileHandle } from 'node:fs/promises';
import { eventSchema, type RunEvent } from '../experiment/record.ts';
import { openFile } from './openFile.ts';

/** Bytes of one read from the disk, and the longest line that is taken for one. */
const CHUNK = 2 ** 20;
const LONGEST_LINE = 4 * CHUNK;
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
    try {
      handle = await openFile(this.file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { events: [], reset: this.#rewind(), more: false };
      throw error;
    }
    try {
      const reset = !(await this.#isSameFile(handle)) && this.#rewind();
      return { ...await this.#readNew(handle, budget), reset };
    } finally {
      await handle.close();
    }
  }

  #rewind(): boolean {
    const hadRead = this.#offset > 0;
    this.#offset = 0;
    this.#fingerprint = Buffer.alloc(0);
    this.#badLines = 0;
    this.#skipping = false;
    return hadRead;
  }

  async #isSameFile(handle: FileHandle): Promise<boolean> {
    const { size } = await handle.stat();
    if (size < this.#offset) return false;
    const { length } = this.#fingerprint;
    if (length === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, this.#offset - length);
    return buffer.equals(this.#fingerprint);
  }

  async #readNew(handle: FileHandle, budget: number): Promise<{ events: RunEvent[]; more: boolean }> {
    const events: RunEvent[] = [];
    // A byte more than there is, so that the end is seen; a whole chunk for a few new lines would cost more than the lines.
    let size = Math.min(CHUNK, Math.max(0, (await handle.stat()).size - this.#offset) + 1);
    for (let spent = 0; spent < budget;) {
      const buffer = Buffer.alloc(size);
      const { bytesRead } = await handle.read(buffer, 0, size, this.#offset);
      if (bytesRead === 0) return { events, more: false };
      const bytes = buffer.subarray(0, bytesRead);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      spent += bytesRead;
      if (end > 0) {
        this.#takeLines(bytes.subarray(0, end), events);
        this.#advance(bytes.subarray(0, end));
        size = CHUNK;
        // What is left is the beginning of a line that is still being written.
        if (bytesRead < buffer.length) return { events, more: false };
      } else if (this.#skipping || bytesRead >= LONGEST_LINE) {
        if (!this.#skipping) this.#badLines += 1;
        this.#skipping = true;
        this.#advance(bytes);
      } else if (bytesRead < buffer.length) {
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
