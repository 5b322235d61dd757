/** Whether a process still lives. Node only. */
import { processStat } from '../processStart.ts';

/**
 * Whether `pid` is alive and is the process that started at `start`.
 * A process that has ended but was not collected by its parent (a zombie) counts as dead.
 * @param start from `processStart`; empty when unknown, then any process of that number counts.
 */
export function isProcessAlive(pid: number, start: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const stat = processStat(pid);
  if (stat !== undefined) {
    if (stat.state === 'Z' || stat.state === 'X') return false;
    return !/^\d+$/.test(start) || stat.start === start;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It lives but belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
