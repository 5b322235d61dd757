/** Opening what lies in a run folder that may come from anybody: files only, and only those that lie there themselves. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Not there on Windows, which has neither pipes in folders nor such links by default. */
const flag = (name: 'O_NOFOLLOW' | 'O_NONBLOCK'): number => (constants as Partial<Record<string, number>>)[name] ?? 0;

const READ = constants.O_RDONLY | flag('O_NOFOLLOW') | flag('O_NONBLOCK');

/** A link, a pipe, a device: nothing that a run writes. */
export class StrangeFile extends Error {}

function strange(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO' ? new StrangeFile(file, { cause: error }) : error;
}

/** A pipe would be waited for without end, a device never ends, a link may lead anywhere: all are refused. @throws StrangeFile, and what `open` throws. */
export async function openFile(file: string): Promise<FileHandle> {
  return (await openSized(file)).handle;
}

/** As `openFile`, with the length that the file had then. @throws as `openFile`. */
export async function openSized(file: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  let handle: FileHandle;
  try {
    handle = await open(file, READ);
  } catch (error) {
    throw strange(file, error);
  }
  const found = await handle.stat().catch(() => undefined);
  if (found?.isFile() === true) return { handle, size: found.size };
  await handle.close();
  throw new StrangeFile(file);
}

/**
 * As `openSized`, at once: for a process that looks at many runs and has nothing else to do, as promises cost ten times
 * what they wait for. @returns undefined when there is no such file; the caller closes it. @throws as `openFile`.
 */
export function openNow(file: string): { readonly handle: number; readonly size: number } | undefined {
  let handle: number;
  try {
    handle = openSync(file, READ);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw strange(file, error);
  }
  const found = fstatSync(handle);
  if (found.isFile()) return { handle, size: found.size };
  closeSync(handle);
  throw new StrangeFile(file);
}

/** As `readSmall`, at once. */
export function readSmallNow(file: string, limit: number): string | undefined {
  try {
    const opened = openNow(file);
    if (opened === undefined) return undefined;
    try {
      return opened.size > limit ? undefined : readFileSync(opened.handle, 'utf8');
    } finally {
      closeSync(opened.handle);
    }
  } catch {
    return undefined;
  }
}

/** Whether there is such a file, for who hands its name to a program that asks less. */
export async function isOpenable(file: string): Promise<boolean> {
  return openFile(file).then((handle) => handle.close().then(() => true), () => false);
}

/** The whole text of a file that ought to be small; undefined when it is absent, strange or larger than `limit` bytes. */
export async function readSmall(file: string, limit: number): Promise<string | undefined> {
  try {
    const handle = await openFile(file);
    try {
      const { size } = await handle.stat();
      return size > limit ? undefined : await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
