/**
 * When a process began, as the system tells it: with the pid it names a process for good, for pids are used again.
 * Every room may import this file; it imports nothing of ours.
 */
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  /** `R`, `S`, …; `Z` (ended, not collected by its parent) and `X` are dead. */
  readonly state: string;
  /** Clock ticks since boot. */
  readonly start: string;
}

/** From Linux's /proc/<pid>/stat; undefined where there is no such file. */
export function processStat(pid: number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the command, may hold spaces and brackets: count from the last closing one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', start: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** Empty where the system does not tell. */
export function processStart(pid: number): string {
  return processStat(pid)?.start ?? '';
}
