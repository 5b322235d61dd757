/** One child a run folder: a scheduler may start a job twice, and two children would spoil each other's record. */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FILES, type Heartbeat, heartbeatSchema } from '../experiment/record.ts';
import { processStat } from '../processStart.ts';

/** A heartbeat comes every second; one that is silent for so long, on a machine that cannot be looked at, has ended. */
const SILENT_MS = 30_000;
const LOOK_MS = 2_000;

/** @returns the other child that works in this folder, if one does. Waits until a silent one on another machine is known to be gone. */
export async function otherChild(folder: string): Promise<Heartbeat | undefined> {
  for (let first = readHeartbeat(folder); first !== undefined && !hasEnded(folder);) {
    if (first.host === hostname()) return isAlive(first) ? first : undefined;
    if (Date.now() - first.time > SILENT_MS) return undefined;
    await sleep(LOOK_MS);
    const next = readHeartbeat(folder);
    if (next !== undefined && next.time !== first.time) return next;
    first = next;
  }
  return undefined;
}

function readHeartbeat(folder: string): Heartbeat | undefined {
  try {
    return heartbeatSchema.parse(JSON.parse(readFileSync(join(folder, FILES.heartbeat), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Whether the last child said that it was done. */
function hasEnded(folder: string): boolean {
  const file = join(folder, FILES.events);
  return existsSync(file) && (readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '').includes('"type":"ended"');
}

function isAlive({ pid, processStart }: Heartbeat): boolean {
  if (pid === process.pid) return false;
  const stat = processStat(pid);
  if (stat !== undefined) return stat.state !== 'Z' && stat.state !== 'X' && stat.start === processStart;
  try {
    return process.platform !== 'linux' && process.kill(pid, 0);
  } catch {
    return false;
  }
}
