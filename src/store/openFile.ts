/** Opening what lies in a run folder that may come from anybody: files only, and only those that lie there themselves. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Not there on Windows, which has neither pipes in folders nor such links by default. */
const flag = (name: 'O_NOFOLLOW' | 'O_NONBLOCK'): number => (constants as Partial<Record<string, number>>)[name] ?? 0;

/** A link, a pipe, a device: nothing that a run writes. */
export class StrangeFile extends Error {}

/** A pipe would be waited for without end, a device never ends, a link may lead anywhere: all are refused. @throws StrangeFile, and what `open` throws. */
export async function openFile(file: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | flag('O_NOFOLLOW') | flag('O_NONBLOCK'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP' || code === 'EMLINK' || code === 'ENXIO') throw new StrangeFile(file, { cause: error });
    throw error;
  }
  const isFile = await handle.stat().then((found) => found.isFile(), () => false);
  if (isFile) return handle;
  await handle.close();
  throw new StrangeFile(file);
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
