/** One set-up at a time in an engine folder, also across processes; a dead one's lock does not bar the way. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly token: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another holds it, with that one's process number. */
  readonly onWait?: (pid: number) => void;
  /** After so many milliseconds without a sign of life the holder counts as dead (its host may be another). */
  readonly staleAfter?: number;
  /** Milliseconds between two looks. */
  readonly poll?: number;
}

const name = 'setup.lock';

/** Runs `work` while holding the folder's lock. Rejects with the signal's reason if it aborts while waiting. */
export async function withLock<T>(folder: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const { staleAfter = 60_000 } = options;
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  const token = await acquire(path, options);
  const beat = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, staleAfter / 6);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    if ((await readHolder(path))?.token === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, { signal, onWait, staleAfter = 60_000, poll = 500 }: LockOptions): Promise<string> {
  const own: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  for (let told = false; ; ) {
    signal?.throwIfAborted();
    if (await tryCreate(path, own)) return own.token;
    const holder = await readHolder(path);
    if (await isDead(path, holder, staleAfter)) {
      await takeAway(path, holder);
      continue;
    }
    if (!told && holder !== undefined) onWait?.(holder.pid);
    told ||= holder !== undefined;
    await sleep(poll, undefined, signal === undefined ? {} : { signal });
  }
}

/** Written aside and linked: the lock never exists without its contents. */
async function tryCreate(path: string, own: Holder): Promise<boolean> {
  const aside = `${path}.${own.token}`;
  await writeFile(aside, JSON.stringify(own));
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // A file system without hard links.
    return await writeFile(path, JSON.stringify(own), { flag: 'wx' }).then(
      () => true,
      () => false,
    );
  } finally {
    await rm(aside, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

async function isDead(path: string, holder: Holder | undefined, staleAfter: number): Promise<boolean> {
  if (holder?.host === hostname() && !isAlive(holder.pid)) return true;
  // A process number may have been given to another since: a living holder also keeps the file fresh.
  try {
    return Date.now() - (await stat(path)).mtimeMs > staleAfter;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Two may want to take away the same dead lock, and the slower must not take the faster one's new lock: it is put back. */
async function takeAway(path: string, dead: Holder | undefined): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await readHolder(aside))?.token !== dead?.token) await link(aside, path);
  } catch {
    // Taken away by the other one meanwhile.
  } finally {
    await rm(aside, { force: true });
  }
}
