/** The run folders of a sweep. */
import path from 'node:path';
import { toError } from '../experiment/problems.ts';
import { DistillError } from '../errors.ts';
import { readExperiment } from '../experiment/load.ts';
import { createRunFolder } from '../launch/index.ts';
import { listRuns } from '../store/index.ts';
import { type Entry, type Planned } from './entry.ts';
import { type JournalLine, type SweepPlan } from './folder.ts';

/** Makes the folder of a run that has none yet; it tells its place in the sweep. */
export async function makeRunFolder(plan: SweepPlan & { readonly text: string }, planned: Planned, id: string, runsRoot: string): Promise<string> {
  const { overrides, ...note } = planned;
  const { experiment, positions, problems } = readExperiment(plan.text, plan.file, { overrides });
  const [flaw] = problems.filter(({ severity }) => severity === 'error');
  if (experiment === undefined) throw flaw === undefined ? new DistillError('DL742', 'This run of the sweep cannot be made.', { where: { file: plan.file } }) : toError(flaw);
  return createRunFolder({ experimentFile: plan.file, text: plan.text, experiment, positions, runsRoot, overrides, version: plan.version, sweep: { ...note, id, name: plan.name } });
}

/** Folders that were made but not noted: the queue was killed in between. Of several for one run the furthest is taken. */
export async function adoptFolders(entries: readonly Entry[], journal: readonly JournalLine[], id: string, runsRoot: string): Promise<void> {
  if (journal.length === 0) return;
  const noted = new Set(journal.flatMap((line) => (line.type === 'folder' ? [line.key] : [])));
  const found = (await listRuns([runsRoot])).filter(({ sweep }) => sweep?.id === id).sort((a, b) => (b.steps.student ?? 0) - (a.steps.student ?? 0));
  for (const entry of entries) {
    if (!noted.has(entry.planned.key)) entry.folder = found.find(({ sweep }) => sweep?.key === entry.planned.key)?.folder;
    if (entry.folder !== undefined) entry.folder = path.resolve(entry.folder);
  }
}
