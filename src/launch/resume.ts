/** Goes on with a run that stopped, was killed or failed, or lengthens one that finished. */
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { diffExperiments, formatDifference } from '../experiment/diff.ts';
import { type Length, lengthened, stepsOf, withLength } from '../experiment/length.ts';
import { readExperiment } from '../experiment/load.ts';
import { FILES } from '../experiment/record.ts';
import { type Resolved } from '../experiment/resolved.ts';
import { toError } from '../experiment/problems.ts';
import { type Experiment } from '../experiment/schema.ts';
import { isLive, readResolved, readRun, type RunSummary } from '../store/index.ts';
import { isLonger, lengthSince, longer, whyFixed, writeRecord } from './length.ts';
import { startLocal, type StartOptions } from './local.ts';

const RESUME_ADVICE = 'Start a new run with the changed file, or resume this one as it was started (`--as-started`).';

export interface ResumeOptions extends StartOptions, Length {
  /** Go on as the run was started, whatever its experiment file says by now. */
  readonly asStarted?: boolean | undefined;
}

/**
 * Starts the child again in the same folder; it goes on from its last checkpoint, to the length that is given.
 * @throws DistillError DL705 while it runs, DL706 when it is finished, DL707 when the experiment has changed, DL711 for a length
 * that is no longer one, DL712 when the file has become longer, DL716 and DL719 for runs whose length is fixed, and what `startLocal` throws.
 */
export async function resumeRun(options: ResumeOptions): Promise<{ readonly pid: number }> {
  const { folder, steps, epochs, asStarted = false } = options;
  const resolved = await readResolved(folder);
  const run = await readRun(folder);
  refuseIfGoing(run);
  const length = steps === undefined && epochs === undefined ? undefined : { steps, epochs };
  const goal = length === undefined ? resolved : longer(folder, resolved, run, length);
  if (length === undefined && !asStarted) await refuseIfLonger(resolved, run);
  if (length === undefined && run.state === 'finished' && !isOwed(run, resolved)) {
    throw new DistillError('DL706', 'This run is finished.', { where: { file: folder }, advice: `Lengthen it with \`--steps N\` (more than ${run.totalSteps}) or \`--epochs N\`, or start a new run.` });
  }
  await refuseIfChanged(goal, path.join(folder, FILES.experiment), 'Put the keys back; for other values start a new run.');
  if (!asStarted) await refuseIfChanged(goal, resolved.source.file, RESUME_ADVICE);
  if (goal !== resolved) await writeRecord(folder, goal);
  await rm(path.join(folder, FILES.stopRequest), { force: true });
  try {
    return await startLocal(options);
  } catch (error) {
    // Nothing has begun: the run is what it was.
    if (goal !== resolved) await writeRecord(folder, resolved);
    throw error;
  }
}

/** It was lengthened, and its child never came so far as to say so. */
function isOwed({ totalSteps, stepsPerEpoch }: RunSummary, { experiment }: Resolved): boolean {
  return (stepsOf(experiment.train, stepsPerEpoch) ?? 0) > totalSteps;
}

function refuseIfGoing(run: RunSummary): void {
  const where = { file: run.folder };
  if (isLive(run.state)) throw new DistillError('DL705', `This run is ${run.state}.`, { where, advice: 'Stop it first, or watch it.' });
  // Whether the other machine is down or only the network, cannot be seen from here; two children would spoil the run.
  if (run.state === 'lost' && run.process !== undefined) {
    throw new DistillError('DL710', `This run may still go on ${run.process.host}.`, { where, got: run.reason, advice: `Resume it on ${run.process.host}. If that machine is gone for good, delete the files \`${FILES.heartbeat}\` and \`${FILES.launch}\` in the run folder.` });
  }
}

/** The file asks for more steps by now and for nothing else: what is meant is a question, not a mistake. */
async function refuseIfLonger(resolved: Resolved, run: RunSummary): Promise<void> {
  const { source: { file }, experiment } = resolved;
  const isFinished = run.state === 'finished';
  const length = await lengthSince(run.folder, resolved);
  if (length === undefined) return;
  const change = `${inWords(experiment.train)} → ${inWords(length)}`;
  const others = await differencesTo({ ...resolved, overrides: withLength(resolved.overrides, length), experiment: lengthened(experiment, length) }, file);
  const isQuestion = others.length === 0 && isLonger(length, experiment, run) === true && whyFixed(run.folder, resolved) === undefined;
  // A finished run is not resumed with other values in any case.
  if (!isQuestion && isFinished) return;
  if (!isQuestion) throw changed(file, [change, ...others], RESUME_ADVICE);
  throw new DistillError('DL712', 'The experiment asks for a longer run by now.', {
    where: { file }, got: change,
    advice: `Train on to that length with \`--${length.steps === undefined ? `epochs ${String(length.epochs)}` : `steps ${length.steps}`}\`, ${isFinished ? 'or start a new run.' : 'or go on as the run was started (`--as-started`).'}`,
  });
}

function inWords({ steps, epochs }: Length): string {
  return steps === undefined ? `train.epochs: ${String(epochs)}` : `train.steps: ${steps}`;
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
