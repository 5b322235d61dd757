/** A sign of life every second, from a thread of its own: a step blocks the main thread in native code for as long as it takes. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { FILES, type Heartbeat } from '../experiment/record.ts';
import { processStart } from '../processStart.ts';

const SOURCE = `
const { workerData } = require('node:worker_threads');
const { renameSync, writeFileSync } = require('node:fs');
const beat = () => {
  try {
    writeFileSync(workerData.path + '.new', JSON.stringify({ ...workerData.heartbeat, time: Date.now() }));
    renameSync(workerData.path + '.new', workerData.path);
  } catch { /* a full disk must not kill the run; the run itself will say so */ }
};
beat();
setInterval(beat, 1000);
`;

/** @returns stops the beat. */
export function startHeartbeat(folder: string): () => Promise<void> {
  const heartbeat: Omit<Heartbeat, 'time'> = { pid: process.pid, host: hostname(), processStart: processStart(process.pid) };
  const worker = new Worker(SOURCE, { eval: true, workerData: { path: join(folder, FILES.heartbeat), heartbeat } });
  worker.unref();
  return async () => {
    await worker.terminate();
  };
}
