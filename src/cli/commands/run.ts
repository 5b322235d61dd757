/** `distill-lab run`: checks the file, makes the run folder, starts the child and follows it. */
import path from 'node:path';
import { DistillError } from '../../errors.ts';
import { isSweep } from '../../experiment/load.ts';
import { createRunFolder, startLocal } from '../../launch/index.ts';
import { type RunSummary } from '../../store/index.ts';
import { checkExperimentFile, printProblems, problemObjects } from '../experimentFile.ts';
import { exitCodeOfRun, followRun } from '../follow.ts';
import { EXIT, type Output } from '../output.ts';
import { resultObject, resultTable } from '../results.ts';
import { type Surroundings, versionOf } from '../surroundings.ts';
import { shortPath } from '../words.ts';

export interface RunOptions {
  readonly set: readonly string[];
  readonly runs: string;
  readonly seed?: string | undefined;
  readonly steps?: string | undefined;
  readonly json: boolean;
  readonly detach: boolean;
}

export async function run({ output, cliPath }: Surroundings, file: string, options: RunOptions): Promise<number> {
  const { folder, code } = await prepare(file, options, output, cliPath);
  if (folder === undefined) return code;
  const { pid } = await startLocal({ folder, cliPath });
  if (options.detach) {
    if (options.json) output.line(JSON.stringify({ state: 'preparing', folder, pid }));
    else output.line(`${folder} (process ${pid})`);
    return EXIT.finished;
  }
  if (!options.json) output.line(`run folder: ${shortPath(folder)}`);
  return tell(await followRun({ folder, output, json: options.json }), options.json, output);
}

/** `--seed` and `--steps` are short for what one sets most. */
export function overridesOf({ set, seed, steps }: Pick<RunOptions, 'set' | 'seed' | 'steps'>): readonly string[] {
  return [...set, ...(seed === undefined ? [] : [`train.seed=${seed}`]), ...(steps === undefined ? [] : ['train.epochs=', `train.steps=${steps}`])];
}

async function prepare(file: string, options: RunOptions, output: Output, cliPath: string): Promise<{ readonly folder?: string; readonly code: number }> {
  const written = overridesOf(options);
  const asWritten = await checkExperimentFile(file, written);
  // One seed is one run, also of a file that makes several.
  const isOne = options.seed !== undefined && asWritten.experiment !== undefined && isSweep(asWritten.experiment);
  const overrides = isOne ? ['seeds=', 'sweep=', ...written] : written;
  const { experiment, problems, text, positions } = isOne ? await checkExperimentFile(file, overrides) : asWritten;
  printProblems(problems, output);
  if (experiment === undefined) {
    if (options.json) output.line(JSON.stringify({ state: 'refused', problems: problemObjects(problems) }));
    else output.note('Not started.');
    return { code: EXIT.badInput };
  }
  if (isSweep(experiment)) {
    throw new DistillError('DL718', 'This file makes several runs.', { where: { file }, got: Object.keys(experiment).filter((key) => key === 'seeds' || key === 'sweep').map((key) => `\`${key}\``).join(' and '), advice: `Start them with \`distill-lab sweep ${file}\`, or one of the file's own values with \`--seed N\`.` });
  }
  const folder = await createRunFolder({ experimentFile: file, text, experiment, positions, runsRoot: path.resolve(options.runs), overrides, version: versionOf(cliPath) });
  return { folder, code: EXIT.finished };
}

/** The end of a followed run, in words or as the last JSON line. */
export function tell(ended: RunSummary, json: boolean, output: Output): number {
  if (json) {
    output.line(JSON.stringify(resultObject(ended)));
    return exitCodeOfRun(ended);
  }
  if (ended.state !== 'finished') tellWhy(ended, output);
  for (const line of resultTable(ended)) output.line(line);
  if (ended.damage !== undefined) output.note(`warning: ${ended.damage}`);
  if (ended.state === 'stopped' || ended.state === 'killed') output.line(`go on with: distill-lab resume ${shortPath(ended.folder)}`);
  return exitCodeOfRun(ended);
}

function tellWhy({ state, reason, error, logTail, folder }: RunSummary, output: Output): void {
  output.note(error?.explanation ?? `${state}${reason === undefined ? '' : `: ${reason}`}`);
  if (error === undefined && logTail.length > 0) output.note(['last lines of the log:', ...logTail.map((line) => `  ${line}`)].join('\n'));
  if (state === 'failed' || state === 'killed') output.note(`log: ${path.join(folder, 'log.txt')}`);
}
