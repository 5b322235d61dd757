/** Goes on with a run that stopped, was killed or failed, or lengthens one that finished. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { diffExperiments, formatDifference } from '../experiment/diff.ts';
import { readExperiment } from '../experiment/load.ts';
import { FILES } from '../experiment/record.ts';
import { formatResolved, type Resolved } from '../experiment/resolved.ts';
import { toError } from '../experiment/problems.ts';
import { type Experiment } from '../experiment/schema.ts';
import { stagesOf } from '../experiment/teachers.ts';
import { isLive, readResolved, readRun, type RunSummary } from '../store/index.ts';
import { diskError } from './disk.ts';
import { startLocal, type StartOptions } from './local.ts';

export interface ResumeOptions extends StartOptions {
  /** New length of the run, to lengthen it. */
  readonly steps?: number | undefined;
  /** Go on as the run was started, whatever its experiment file says by now. */
  readonly asStarted?: boolean | undefined;
}

/**
 * Starts the child again in the same folder; it goes on from its last checkpoint.
 * @throws DistillError DL705 while it runs, DL706 when it is finished, DL707 when the experiment has changed, DL711 for `steps`
 * that do not lengthen it, DL716 for teachers in progression, and what `startLocal` throws.
 */
export async function resumeRun(options: ResumeOptions): Promise<{ readonly pid: number }> {
  const { folder, steps, asStarted = false } = options;
  const resolved = await readResolved(folder);
  const run = await readRun(folder);
  refuseIfGoing(run);
  if (steps === undefined && run.state === 'finished') {
    throw new DistillError('DL706', 'This run is finished.', { where: { file: folder }, advice: `Lengthen it with \`--steps N\` (more than ${run.totalSteps}), or start a new run.` });
  }
  await refuseIfChanged(resolved, path.join(folder, FILES.experiment), 'Put the keys back; for other values start a new run.');
  if (!asStarted) await refuseIfChanged(resolved, resolved.source.file, 'Start a new run with the changed file, or resume this one as it was started (`--as-started`).');
  if (steps !== undefined) await lengthen(folder, resolved, run, steps);
  await rm(path.join(folder, FILES.stopRequest), { force: true });
  return startLocal(options);
}

function refuseIfGoing(run: RunSummary): void {
  const where = { file: run.folder };
  if (isLive(run.state)) throw new DistillError('DL705', `This run is ${run.state}.`, { where, advice: 'Stop it first, or watch it.' });
  // Whether the other machine is down or only the network, cannot be seen from here; two children would spoil the run.
  if (run.state === 'lost' && run.process !== undefined) {
    throw new DistillError('DL710', `This run may still go on ${run.process.host}.`, { where, got: run.reason, advice: `Resume it on ${run.process.host}. If that machine is gone for good, delete the files \`${FILES.heartbeat}\` and \`${FILES.launch}\` in the run folder.` });
  }
}

/** Both the folder's own copy and the user's file must still say what the run was started with. */
async function refuseIfChanged(resolved: Resolved, file: string, advice: string): Promise<void> {
  const differences = await differencesTo(resolved, file);
  if (differences.length > 0) throw changed(file, differences, advice);
}

function changed(file: string, differences: readonly string[], advice: string): DistillError {
  return new DistillError('DL707', 'The experiment has changed since this run was started.', { where: { file }, expected: 'the same keys and values', got: differences.join('; '), advice });
}

/** Differences in words; none when the file is gone. An experiment that no longer passes its checks is an error of its own. */
async function differencesTo(resolved: Resolved, file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { experiment, problems } = readExperiment(text, file, { overrides: resolved.overrides });
  const flaw = problems.find((problem) => problem.severity === 'error');
  // A variable that is not set here leaves the file as it is: the run has its value.
  if (flaw?.code === 'DL110') return [];
  if (experiment === undefined) throw flaw === undefined ? changed(file, ['it cannot be read'], 'Mend the file.') : toError(flaw);
  return diffExperiments(whatIsTrained(resolved.experiment), whatIsTrained(experiment)).map(formatDifference);
}

/** A name is for people, and where a run is started changes nothing of what it computes. */
function whatIsTrained(experiment: Experiment): Experiment {
  return { ...experiment, name: '', launch: undefined };
}

async function lengthen(folder: string, resolved: Resolved, run: RunSummary, steps: number): Promise<void> {
  const least = Math.max(run.totalSteps, resolved.experiment.train.steps ?? 0);
  if (!Number.isSafeInteger(steps) || steps <= least) {
    throw new DistillError('DL711', 'A run can only be lengthened.', { where: { file: folder }, expected: `more than its ${least} steps`, got: String(steps) });
  }
  if (stagesOf(resolved.experiment, steps).length > 1) {
    throw new DistillError('DL716', 'A run with teachers in progression cannot be lengthened: the borders between them would move.', { where: { file: folder }, advice: 'Export its student and start a new run with it as `student.weights`.' });
  }
  const train = { ...resolved.experiment.train, steps };
  delete train.epochs;
  const overrides = [...resolved.overrides.filter((override) => !/^train\.(steps|epochs)=/.test(override)), 'train.epochs=', `train.steps=${steps}`];
  const file = path.join(folder, FILES.resolved);
  try {
    await writeFile(`${file}.new`, formatResolved({ ...resolved, overrides, experiment: { ...resolved.experiment, train } }));
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw diskError(file, cause);
  }
}
