/** `distill-lab runs`: the runs in a folder, newest first. */
import path from 'node:path';
import { listRuns, type RunSummary } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { resultObject } from '../results.ts';
import { type Surroundings } from '../surroundings.ts';
import { age, percent, signedPercent } from '../words.ts';

export async function runs({ output }: Surroundings, root: string, options: { readonly json: boolean }): Promise<number> {
  const found = await listRuns([root]);
  if (options.json) {
    output.line(JSON.stringify(found.map((run) => ({ id: run.id, name: run.name, created: run.created, updated: run.updated, ...resultObject(run) }))));
    return EXIT.finished;
  }
  if (found.length === 0) output.line(`There are no runs in ${path.resolve(root)}.`);
  for (const run of found) output.line(lineOf(run));
  return EXIT.finished;
}

function lineOf(run: RunSummary): string {
  const { id, state, metrics, gain, lastStep, totalSteps, created } = run;
  const steps = lastStep === undefined ? '' : `step ${lastStep.step}/${totalSteps}`;
  const figures = metrics.student === undefined ? '' : `AP ${percent(metrics.student.AP)}${gain === undefined ? '' : ` (${signedPercent(gain.value)})`}`;
  return `${id.padEnd(44)}  ${state.padEnd(9)}  ${steps.padEnd(16)}  ${figures.padEnd(16)}  ${age(Date.now() - created)}`;
}
