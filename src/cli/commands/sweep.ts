/** `distill-lab sweep`: all runs of a file with `seeds` or `sweep`, from a queue that can be paused and taken up again. */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../../errors.ts';
import { isSweep } from '../../experiment/load.ts';
import { type LauncherName } from '../../experiment/sweepSchema.ts';
import { launcherFor } from '../../launch/choose.ts';
import { type Launcher } from '../../launch/launcher.ts';
import { readUserLaunch } from '../../launch/userLaunch.ts';
import { listRuns } from '../../store/index.ts';
import { askQueue, queueProcess, readPlan } from '../../sweep/folder.ts';
import { findSweep, readSweep } from '../../sweep/open.ts';
import { checkedPlan, forecast, launchOf, makeSweep } from '../../sweep/prepare.ts';
import { type Closing, SweepQueue } from '../../sweep/queue.ts';
import { bestRow, type SweepMetric, sweepRows } from '../../sweep/results.ts';
import { startQueue } from '../../sweep/startQueue.ts';
import { bestExperiment } from '../../sweep/writeBest.ts';
import { printProblems, problemObjects } from '../experimentFile.ts';
import { EXIT, type Output } from '../output.ts';
import { type Surroundings, versionOf } from '../surroundings.ts';
import { dryRunLines, liveTable, sweepObject, sweepTable } from '../sweepWords.ts';
import { shortPath } from '../words.ts';

export interface SweepOptions {
  readonly set: readonly string[];
  readonly runs: string;
  readonly runsAtOnce?: string | undefined;
  readonly launcher?: LauncherName | undefined;
  readonly dryRun: boolean;
  readonly detach: boolean;
  readonly resume?: string | undefined;
  readonly retry: boolean;
  readonly pause?: string | undefined;
  readonly stop?: string | undefined;
  readonly results?: string | undefined;
  readonly by: SweepMetric;
  readonly writeBest?: string | undefined;
  readonly json: boolean;
}

export async function sweep(surroundings: Surroundings, file: string | undefined, options: SweepOptions): Promise<number> {
  const { output } = surroundings;
  const named = [options.resume, options.pause, options.stop, options.results].filter((name) => name !== undefined);
  if (named.length + (file === undefined ? 0 : 1) !== 1) {
    throw new DistillError('DL713', 'Name one experiment file, or one sweep.', { expected: 'sweep FILE, or sweep with one of --resume, --pause, --stop, --results and the name of a sweep' });
  }
  if (options.writeBest !== undefined && existsSync(options.writeBest)) throw new DistillError('DL744', 'The best combination is not written over a file that is there.', { where: { file: options.writeBest }, advice: 'Name another file.' });
  const asked = options.pause ?? options.stop;
  if (asked !== undefined) return askToEnd(await findSweep(asked, options.runs), options.pause === undefined ? 'stop' : 'pause', output);
  if (options.results !== undefined) return tell(await findSweep(options.results, options.runs), options, output);
  const folder = options.resume === undefined ? await create(surroundings, file ?? '', options) : await findSweep(options.resume, options.runs);
  if (typeof folder === 'number') return folder;
  return options.detach ? detach(surroundings, folder, options) : work(surroundings, folder, options);
}

/** The queue alone, for `--detach` and for VS Code: says nothing, all is in the folders. */
export async function sweepChild({ cliPath, output }: Surroundings, folder: string, options: Pick<SweepOptions, 'runsAtOnce' | 'launcher' | 'retry'>): Promise<number> {
  const runsRoot = path.resolve(folder, '..', '..');
  const launcher = await chosenLauncher(folder, options);
  tellCaution(launcher, output);
  const queue = await SweepQueue.open({ folder: path.resolve(folder), runsRoot, cliPath, launcher, retry: options.retry });
  const pause = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => { pause.abort(); });
  return codeOf(await queue.work(pause.signal), queue);
}

/** Checks the file and says what it will take. @returns the new sweep's folder, or an exit code. */
async function create({ output, cliPath }: Surroundings, file: string, options: SweepOptions): Promise<string | number> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DistillError('DL100', 'The experiment file cannot be read.', { where: { file }, got: (cause as NodeJS.ErrnoException).code ?? String(cause), advice: 'Name a *.distill.yaml file.', cause });
  });
  const plan = checkedPlan(text, file, { overrides: options.set });
  printProblems(plan.problems, output);
  if (plan.experiment === undefined) {
    if (options.json) output.line(JSON.stringify({ state: 'refused', problems: problemObjects(plan.problems) }));
    else output.note('Not started.');
    return EXIT.badInput;
  }
  if (!isSweep(plan.experiment)) output.note('note: the file has neither `seeds` nor `sweep`: this is a single run with its controls.');
  const launch = launchOf(plan, { on: options.launcher, atOnce: atOnceOf(options), defaults: [await readUserLaunch()], file });
  const { launcher, estimate } = await forecast(plan, file, launch, await listRuns([options.runs]));
  if (!options.json) for (const line of dryRunLines(plan, estimate, launcher, options.dryRun)) output.line(line);
  tellCaution(launcher, output);
  await launcher.check?.(path.resolve(options.runs));
  if (options.dryRun) {
    if (options.json) output.line(JSON.stringify({ state: 'planned', estimate, runs: plan.runs }));
    return EXIT.finished;
  }
  return makeSweep({ plan, text, file, runsRoot: options.runs, version: versionOf(cliPath), launch });
}

function atOnceOf({ runsAtOnce }: Pick<SweepOptions, 'runsAtOnce'>): number | undefined {
  if (runsAtOnce === undefined) return undefined;
  const number = Number(runsAtOnce);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new DistillError('DL713', 'The number of runs at once is not understood.', { expected: 'a whole number from 1', got: runsAtOnce });
}

function tellCaution({ caution }: Launcher, output: Output): void {
  if (caution !== undefined) output.note(`note: ${caution}`);
}

async function chosenLauncher(folder: string, options: Pick<SweepOptions, 'runsAtOnce' | 'launcher'>): Promise<Launcher> {
  const { launch } = await readPlan(folder);
  return launcherFor({ config: launch, on: options.launcher, atOnce: atOnceOf(options), name: path.basename(folder) });
}

/** Ctrl-C pauses: no run is begun, those that go save and end. Pressed again, it leaves at once; runs end by themselves. */
async function work({ output, cliPath }: Surroundings, folder: string, options: SweepOptions): Promise<number> {
  const runsRoot = path.resolve(options.runs);
  const launcher = await chosenLauncher(folder, options);
  // A new sweep's has been told with its plan.
  if (options.resume !== undefined) tellCaution(launcher, output);
  const queue = await SweepQueue.open({
    folder, runsRoot, cliPath, launcher, retry: options.retry,
    onLook: (entries) => { liveTable(entries, output, options.json); },
  });
  if (!options.json) output.line(`sweep: ${shortPath(folder)}`);
  const pause = new AbortController();
  const onSignal = (): void => {
    if (pause.signal.aborted) process.exit(EXIT.stopped);
    pause.abort();
    output.note('pausing: runs save first (Ctrl-C again leaves them to it)');
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
  try {
    const closing = await queue.work(pause.signal);
    output.status('');
    const code = await tell(folder, options, output);
    if (closing === 'finished') return code === EXIT.finished ? codeOf(closing, queue) : code;
    if (!options.json) output.line(`${closing}; go on with: distill-lab sweep --resume ${path.basename(folder)}${options.runs === 'runs' ? '' : ` --runs ${options.runs}`}`);
    return codeOf(closing, queue);
  } finally {
    output.status('');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, onSignal);
  }
}

function codeOf(closing: Closing, { entries }: SweepQueue): number {
  if (closing !== 'finished') return EXIT.stopped;
  if (entries.some(({ state }) => state === 'failed' || state === 'killed')) return EXIT.failed;
  return entries.some(({ state }) => state === 'stopped') ? EXIT.stopped : EXIT.finished;
}

/** Leaves the queue to itself. */
async function detach({ output, cliPath }: Surroundings, folder: string, options: SweepOptions): Promise<number> {
  const { pid } = await startQueue({ folder, cliPath, atOnce: atOnceOf(options), launcher: options.launcher, retry: options.retry });
  if (options.json) output.line(JSON.stringify({ state: 'started', sweep: path.basename(folder), folder, pid }));
  else output.line(`${shortPath(folder)} (process ${pid ?? 0})`);
  return EXIT.finished;
}

async function askToEnd(folder: string, what: 'pause' | 'stop', output: Output): Promise<number> {
  if (await queueProcess(folder) === undefined) throw new DistillError('DL745', 'Nothing works this sweep.', { where: { file: folder }, advice: 'Runs of it that still go are stopped with `distill-lab stop RUN`; `distill-lab sweep --resume` takes the sweep up again.' });
  await askQueue(folder, what);
  output.line(`${what === 'pause' ? 'pausing' : 'stopping'}: runs save first`);
  return EXIT.finished;
}

/** The table, and the best combination as a file. */
async function tell(folder: string, options: SweepOptions, output: Output): Promise<number> {
  const view = await readSweep(folder, options.runs);
  const rows = sweepRows(view.outcomes);
  const best = bestRow(rows, options.by);
  if (options.json) output.line(JSON.stringify(sweepObject(view, rows, best)));
  else for (const line of sweepTable(view, rows, best, options.by)) output.line(line);
  if (options.writeBest === undefined) return EXIT.finished;
  const written = bestExperiment(view, options.by, options.writeBest);
  await writeFile(options.writeBest, written.text, { flag: 'wx' });
  if (!options.json) output.line(`best by ${options.by}: ${written.label === '' ? 'the file itself' : written.label}; written to ${shortPath(path.resolve(options.writeBest))}`);
  return EXIT.finished;
}
