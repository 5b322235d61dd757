/** What `evaluate` and `predict` work on: an experiment file with a weight file, or a run folder with a checkpoint. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { type Arm } from '../experiment/record.ts';
import { type Experiment } from '../experiment/schema.ts';
import { toError } from '../experiment/problems.ts';
import { readResolved } from '../store/index.ts';

export interface Target {
  readonly experiment: Experiment;
  /** Relative paths of the experiment start here. */
  readonly baseFolder: string;
  /** Absolute. */
  readonly weights: string;
}

export interface TargetOptions {
  readonly weights?: string | undefined;
  readonly subject: 'student' | 'teacher';
  readonly arm: Arm;
  readonly checkpoint: 'best' | 'last';
}

/** @param target experiment file or run folder. @throws DistillError DL713 when it is not told which weights. */
export async function readTarget(target: string, options: TargetOptions): Promise<Target> {
  const isFolder = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  const { experiment, baseFolder } = isFolder ? await fromRun(target) : await fromFile(target);
  return { experiment, baseFolder, weights: await weightsOf(experiment, baseFolder, isFolder ? target : undefined, options) };
}

async function fromRun(folder: string): Promise<Omit<Target, 'weights'>> {
  const { experiment, source } = await readResolved(path.resolve(folder));
  return { experiment, baseFolder: path.dirname(source.file) };
}

async function fromFile(file: string): Promise<Omit<Target, 'weights'>> {
  // Not `checkFiles`: a student can be evaluated where its teacher's file is not.
  const { readFile } = await import('node:fs/promises');
  const { readExperiment } = await import('../experiment/load.ts');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DistillError('DL100', 'There is no such experiment file or run folder.', { where: { file }, cause });
  });
  const { experiment, problems } = readExperiment(text, file);
  const flaw = problems.find(({ severity }) => severity === 'error');
  if (experiment === undefined) throw flaw === undefined ? new DistillError('DL100', 'The experiment file cannot be read.', { where: { file } }) : toError(flaw);
  return { experiment, baseFolder: path.dirname(path.resolve(file)) };
}

async function weightsOf(experiment: Experiment, baseFolder: string, folder: string | undefined, { weights, subject, arm, checkpoint }: TargetOptions): Promise<string> {
  if (weights !== undefined) return path.resolve(weights);
  if (subject === 'teacher') {
    const { teachersOf } = await import('../experiment/teachers.ts');
    const [teacher] = teachersOf(experiment);
    if (teacher !== undefined) return path.resolve(baseFolder, teacher.weights);
    throw new DistillError('DL713', 'The experiment has no teacher.', { advice: 'Ask for the student (`--subject student`).' });
  }
  if (folder === undefined) throw new DistillError('DL713', 'It is not said which weights to take.', { advice: 'Add `--weights FILE`, or name a run folder instead of the experiment file.' });
  const { findCheckpoint } = await import('../run/checkpoint.ts');
  const found = findCheckpoint(path.resolve(folder), arm, checkpoint);
  if (found === undefined) throw new DistillError('DL713', `The run has no ${checkpoint} checkpoint of its ${arm}.`, { where: { file: folder }, advice: checkpoint === 'best' ? 'Take the last one (`--checkpoint last`).' : 'Let the run reach its first checkpoint.' });
  return path.join(found.folder, 'student.safetensors');
}
