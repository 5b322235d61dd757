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
    output.line(JSON.stringify(found.map((run) => ({ id: run.id, name: run.name, experiment: run.experimentName, pinned: run.pinned, bytes: run.bytes, damage: run.damage, created: run.created, updated: run.updated, ...(run.sweep === undefined ? {} : { sweep: { id: run.sweep.id, key: run.sweep.key, role: run.sweep.role, seed: run.sweep.seed, values: run.sweep.values } }), ...resultObject(run) }))));
    return EXIT.finished;
  }
  if (all.length === 0) output.line(`There are no runs in ${path.resolve(root)}.`);
  else if (found.length === 0) output.line(`None of ${all.length} runs fits.`);
  for (const group of grouped(found)) {
    const [first] = group;
    if (first?.sweep !== undefined) output.line(headingOf(first.sweep, group));
    for (const run of group) output.line(`${run.sweep === undefined ? '' : '  '}${lineOf(run)}`);
  }
  return EXIT.finished;
}

/** Runs of a sweep stand together, where its newest run stands. */
function grouped(runs: readonly RunSummary[]): readonly (readonly RunSummary[])[] {
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const key = run.sweep === undefined ? `run ${run.id}` : `sweep ${run.sweep.id}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}

function headingOf({ id }: NonNullable<RunSummary['sweep']>, runs: readonly RunSummary[]): string {
  const states = new Map<string, number>();
  for (const { state } of runs) states.set(state, (states.get(state) ?? 0) + 1);
  return `sweep ${harmless(id)}: ${[...states].map(([state, count]) => `${count} ${state}`).join(', ')}`;
}

/** Words that come from a folder may hold codes that a terminal would obey. */
function harmless(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '');
}

function lineOf(run: RunSummary): string {
  const { id, state, metrics, gain, lastStep, totalSteps, created, bytes = 0, job, reason } = run;
  const steps = lastStep === undefined ? '' : `step ${lastStep.step}/${totalSteps}`;
  const figures = metrics.student === undefined ? '' : `AP ${percent(metrics.student.AP)}${gain === undefined ? '' : ` (${signedPercent(gain.value)})`}`;
  const name = run.name === run.experimentName ? '' : `  “${harmless(run.name)}”`;
  const waits = job === undefined || state !== 'preparing' || reason === undefined ? '' : `  ${harmless(reason)}`;
  return `${id.padEnd(44)}  ${state.padEnd(9)}  ${steps.padEnd(16)}  ${figures.padEnd(16)}  ${byteSize(bytes).padStart(7)}  ${age(Date.now() - created)}${run.pinned ? '  pinned' : ''}${name}${waits}${run.damage === undefined ? '' : `  ${run.damage}`}`;
}
