/** Runs for a comparison, from their folders: for the terminal. The page follows them instead. */
import path from 'node:path';
import { readResolved, readRun } from '../store/index.ts';
import { comparedRun, type ComparedRun } from './run.ts';

/** @throws DistillError DL704 when a folder is no run folder, DL130 when its record is damaged. */
export async function readCompared(folders: readonly string[]): Promise<readonly ComparedRun[]> {
  const unique = [...new Set(folders.map((folder) => path.resolve(folder)))];
  return Promise.all(unique.map(async (folder) => {
    const resolved = await readResolved(folder);
    return comparedRun(await readRun(folder), resolved);
  }));
}
