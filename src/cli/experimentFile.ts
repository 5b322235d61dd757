/** Reads and checks an experiment file for a command, and prints what is wrong with it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { checkFiles } from '../experiment/files.ts';
import { readExperiment } from '../experiment/load.ts';
import { type Positions } from '../experiment/positions.ts';
import { formatProblem, type Problem } from '../experiment/problems.ts';
import { type Experiment } from '../experiment/schema.ts';
import { type Output } from './output.ts';

export interface CheckedFile {
  readonly text: string;
  readonly positions: Positions;
  readonly problems: readonly Problem[];
  /** Absent when there are errors. */
  readonly experiment?: Experiment;
}

/** @throws DistillError DL100 when there is no such file. */
export async function checkExperimentFile(file: string, overrides: readonly string[] = []): Promise<CheckedFile> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new DistillError('DL100', 'The experiment file cannot be read.', { where: { file }, got: (cause as NodeJS.ErrnoException).code ?? String(cause), advice: 'Name a *.distill.yaml file.', cause });
  });
  const { experiment, problems, positions } = readExperiment(text, file, { overrides });
  if (experiment === undefined) return { text, positions, problems };
  const all = [...problems, ...checkFiles(experiment, path.dirname(path.resolve(file)), positions)];
  return { text, positions, problems: all, ...(all.some(({ severity }) => severity === 'error') ? {} : { experiment }) };
}

export function printProblems(problems: readonly Problem[], output: Output): void {
  for (const problem of problems) output.note(formatProblem(problem));
}

/** As data, for `--json`. */
export function problemObjects(problems: readonly Problem[]): readonly object[] {
  return problems.map(({ code, severity, message, path: key, file, range, expected, got, advice }) => ({ code, severity, message, key, file, line: range?.line, column: range?.column, expected, got, advice }));
}
