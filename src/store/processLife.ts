/** Whether a process still lives. Node only. */
import { readFileSync } from 'node:fs';

/**
 * Whether `pid` is alive and is the process that started at `start`.
 * A process that has ended but was not collected by its parent (a zombie) counts as dead.
 * @param start from `processStart`; empty when unknown, then any process of that number counts.
 */
export function isProcessAlive(pid: number, start: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const fields = statFields(pid);
  if (fields !== undefined) {
    if (fields[0] === 'Z' || fields[0] === 'X') return false;
    return !/^\d+$/.test(start) || fields[19] === start;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Fields of `/proc/<pid>/stat` from the third (state) on; the second, the name, may hold anything, even brackets. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
