/**
 * The entries on disk. Several runs may use one folder at once: entries are written aside and renamed, checked when they are read,
 * and named by what they were made from, so that whoever writes one writes the same. No error of the disk ever ends a run.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeEntry } from './entry.ts';
import { entriesOf, UNFINISHED, type Entry } from './entries.ts';
import { entryFile } from './place.ts';

/** Above the first part of the limit the oldest entries go until the second is reached. What is left is room for runs that write at the same time. */
const FULL = 0.9;
const FREED = 0.8;
/** How much a run writes before it looks what others have written. */
const UNSEEN = 0.05;
/** A folder full of entries in use is not looked through more often. */
const LOOK_AGAIN_MS = 60_000;
/** Entries may wait for the disk with this much together; beyond, they are not kept. */
const PENDING_BYTES = 128 * 2 ** 20;
/** An entry that is used is marked so not more often. */
const TOUCH_MS = 3_600_000;

/** The system marks a file by a clock that lags behind by some milliseconds: what was written just now may look older. */
const CLOCK_LAG_MS = 100;

export interface StoreState {
  /** All entries of the folder, as far as this process knows; undefined before it has looked. */
  readonly bytes: number | undefined;
  /** Entries that were torn or changed; they are made anew. */
  readonly damaged: number;
  /** Why nothing is kept any more: a full or read-only disk. */
  readonly problem: string | undefined;
  /** Whether entries were not kept because the limit leaves no room beside what this run uses itself. */
  readonly full: boolean;
}

export class Store {
  private readonly root: string;
  private readonly limit: number;
  private readonly opened = Date.now();
  private bytes: number | undefined;
  private written = 0;
  private pending = 0;
  private damaged = 0;
  private problem: string | undefined;
  private full = false;
  private lookAgain = 0;
  private looking: Promise<void> | undefined;
  private readonly work = new Set<Promise<void>>();

  /** @param limit of all entries of the folder together, in bytes */
  constructor(root: string, limit: number) {
    this.root = root;
    this.limit = limit;
  }

  get state(): StoreState {
    const { bytes, damaged, problem, full } = this;
    return { bytes, damaged, problem, full };
  }

  /** Writes into `targets`. @param group folder below the root @returns whether there is such an entry */
  async read(group: string, image: string, targets: readonly Float32Array[]): Promise<boolean> {
    const file = entryFile(join(this.root, group), image);
    const bytes = await this.load(file);
    if (bytes === undefined) return false;
    if (decodeEntry(bytes, targets)) return true;
    this.damaged += 1;
    await unlink(file).catch(() => undefined);
    return false;
  }

  /** Returns at once; `settled` waits. @param bytes of `encodeEntry` */
  keep(group: string, image: string, bytes: Uint8Array): void {
    if (this.problem !== undefined || this.pending + bytes.length > PENDING_BYTES) return;
    this.pending += bytes.length;
    const work = this.write(entryFile(join(this.root, group), image), bytes).catch((error: unknown) => {
      this.problem ??= error instanceof Error ? error.message : String(error);
    }).finally(() => {
      this.pending -= bytes.length;
      this.work.delete(work);
    });
    this.work.add(work);
  }

  /** Until everything that was to be kept is kept. */
  async settled(): Promise<void> {
    while (this.work.size > 0) await Promise.all(this.work);
    if (this.bytes === undefined) await this.look();
  }

  private async load(file: string): Promise<Uint8Array | undefined> {
    try {
      const handle = await open(file, 'r');
      try {
        const { mtimeMs } = await handle.stat();
        const now = Date.now();
        // The mark of its last use: what was used since a run began, that run does not delete.
        if (mtimeMs < Math.max(this.opened, now - TOUCH_MS)) await handle.utimes(new Date(now), new Date(now)).catch(() => undefined);
        return await handle.readFile();
      } finally {
        await handle.close();
      }
    } catch {
      return undefined;
    }
  }

  private async write(file: string, bytes: Uint8Array): Promise<void> {
    if (!await this.roomFor(bytes.length)) return;
    const aside = `${file}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    this.bytes = (this.bytes ?? 0) + bytes.length;
    this.written += bytes.length;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(aside, bytes, { flag: 'wx' });
      await rename(aside, file);
    } catch (error) {
      this.bytes -= bytes.length;
      await rm(aside, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  private async roomFor(bytes: number): Promise<boolean> {
    const fits = (): boolean => this.bytes !== undefined && this.bytes + bytes <= FULL * this.limit;
    if (!fits() || this.written + bytes > UNSEEN * this.limit) {
      if (this.full && Date.now() < this.lookAgain) return false;
      this.looking ??= this.look().finally(() => (this.looking = undefined));
      await this.looking;
    }
    this.full = !fits();
    return !this.full;
  }

  /** Counts what is there, and deletes the longest unused where it is too much: but nothing that was used since this run began. */
  private async look(): Promise<void> {
    const entries = await entriesOf(this.root);
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes > (FULL - UNSEEN) * this.limit) {
      const old = entries.filter(({ used }) => used < this.opened - CLOCK_LAG_MS).sort(byUse);
      for (const entry of old) {
        if (bytes <= FREED * this.limit) break;
        await unlink(entry.file).catch(() => undefined);
        bytes -= entry.bytes;
      }
    }
    this.bytes = bytes;
    this.written = 0;
    this.lookAgain = Date.now() + LOOK_AGAIN_MS;
  }
}

function byUse(a: Entry, b: Entry): number {
  return a.used - b.used;
}
