/** Runs for a comparison, from their folders. */
import path from 'node:path';
import { type Resolved } from '../experiment/resolved.ts';
import { readResolved, readRun, type RunSummary } from '../store/index.ts';
import { type ComparedRun } from './run.ts';

/** @throws DistillError DL704 when a folder is no run folder, DL130 when its record is damaged. */
export async function readCompared(folders: readonly string[]): Promise<readonly ComparedRun[]> {
  const unique = [...new Set(folders.map((folder) => path.resolve(folder)))];
  return Promise.all(unique.map(async (folder) => {
    const resolved = await readResolved(folder);
    return comparedRun(await readRun(folder), resolved);
  }));
}

export function comparedRun(run: RunSummary, resolved: Resolved | undefined): ComparedRun {
  const { id, name, state, created, arms, classes, totalSteps, evaluations, gain, peakMemory, sweep } = run;
  return {
    id, name, state, created, arms, classes, totalSteps, evaluations, gain, peakMemory, sweep,
    methods: run.methods.map((method) => run.methodTitles?.[method] ?? method),
    perClass: run.perClass.student ?? {}, secondsPerStep: run.secondsPerStep.student, experiment: resolved?.experiment,
  };
}
