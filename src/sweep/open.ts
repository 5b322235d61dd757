/** A sweep as it stands, for those who only look: its plan, and its runs from their folders. */
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { listRuns, type RunSummary } from '../store/index.ts';
import { listSweeps, queueProcess, readJournal, readPlan, sweepFolder, type SweepPlan } from './folder.ts';
import { type Outcome } from './results.ts';

export interface SweepView {
  readonly id: string;
  readonly folder: string;
  readonly plan: SweepPlan & { readonly text: string };
  readonly outcomes: readonly Outcome[];
  /** Keys of runs that were ended early or left out, with why. */
  readonly skipped: ReadonlyMap<string, string>;
  /** Whether a queue works it now. */
  readonly isWorked: boolean;
}

/** @param name the sweep's id, the beginning or the end of it, or its folder. @throws DistillError DL740. */
export async function findSweep(name: string, runsRoot: string): Promise<string> {
  const ids = await listSweeps(runsRoot);
  const wanted = path.basename(path.resolve(name));
  const exact = ids.filter((id) => id === wanted);
  const found = exact.length > 0 ? exact : ids.filter((id) => id.startsWith(wanted) || id.endsWith(wanted));
  const [id] = found;
  if (id !== undefined && found.length === 1) return sweepFolder(runsRoot, id);
  throw new DistillError('DL740', found.length > 1 ? `Several sweeps are called so: ${found.join(', ')}.` : `There is no sweep ${name}.`, {
    where: { file: sweepFolder(runsRoot, '') }, expected: ids.length === 0 ? undefined : ids.join(', '), advice: '`distill-lab runs` lists sweeps with their names; `--runs FOLDER` says where runs are.',
  });
}

export async function readSweep(folder: string, runsRoot: string): Promise<SweepView> {
  const id = path.basename(folder);
  const [plan, journal, runs, queue] = await Promise.all([readPlan(folder), readJournal(folder), listRuns([runsRoot]), queueProcess(folder)]);
  const ofKey = new Map<string, RunSummary>();
  // Newest first: an older folder of the same run is one that was given up.
  for (const run of runs) if (run.sweep?.id === id && !ofKey.has(run.sweep.key)) ofKey.set(run.sweep.key, run);
  return {
    id, folder, plan, isWorked: queue !== undefined,
    outcomes: plan.runs.map((note) => ({ note, run: ofKey.get(note.key) })),
    skipped: new Map(journal.flatMap((line) => (line.type === 'skipped' ? [[line.key, line.reason] as const] : []))),
  };
}
