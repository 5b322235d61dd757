/** `distill-lab runs`: the runs in a folder, in the order and choice asked for. */
import path from 'node:path';
import { byteSize } from '../../byteSize.ts';
import { type RunState } from '../../experiment/record.ts';
import { chooseRuns, listRuns, type RunSummary, type SortKey, sortRuns } from '../../store/index.ts';
import { EXIT } from '../output.ts';
import { resultObject } from '../results.ts';
import { type Surroundings } from '../surroundings.ts';
import { age, percent, signedPercent } from '../words.ts';

export interface RunsOptions {
  readonly json: boolean;
  readonly sort: SortKey;
  readonly filter: string;
  readonly state?: readonly RunState[] | undefined;
}

export async function runs({ output }: Surroundings, root: string, { json, sort, filter, state = [] }: RunsOptions): Promise<number> {
  const all = await listRuns([root]);
  const found = sortRuns(chooseRuns(all, { text: filter, states: state }), sort);
  if (json) {
    output.line(JSON.stringify(found.map((run) => ({ id: run.id, name: run.name, experiment: run.experimentName, pinned: run.pinned, bytes: run.bytes, damage: run.damage, created: run.created, updated: run.updated, ...resultObject(run) }))));
    return EXIT.finished;
  }
  if (all.length === 0) output.line(`There are no runs in ${path.resolve(root)}.`);
  else if (found.length === 0) output.line(`None of ${all.length} runs fits.`);
  for (const run of found) output.line(lineOf(run));
  return EXIT.finished;
}

function lineOf(run: RunSummary): string {
  const { id, state, metrics, gain, lastStep, totalSteps, created, bytes = 0 } = run;
  const steps = lastStep === undefined ? '' : `step ${lastStep.step}/${totalSteps}`;
  const figures = metrics.student === undefined ? '' : `AP ${percent(metrics.student.AP)}${gain === undefined ? '' : ` (${signedPercent(gain.value)})`}`;
  // A name that comes from the folder may hold codes that a terminal would obey.
  const name = run.name === run.experimentName ? '' : `  “${run.name.replaceAll(/[\p{Cc}\p{Cf}]/gu, '')}”`;
  return `${id.padEnd(44)}  ${state.padEnd(9)}  ${steps.padEnd(16)}  ${figures.padEnd(16)}  ${byteSize(bytes).padStart(7)}  ${age(Date.now() - created)}${run.pinned ? '  pinned' : ''}${name}${run.damage === undefined ? '' : `  ${run.damage}`}`;
}
