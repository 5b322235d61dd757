/** How long a run is, how long its file says by now, and whether it can be made longer. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../errors.ts';
import { courses, type Length, lengthened, sameLength, stepsOf, withLength, writtenLength } from '../experiment/length.ts';
import { FILES } from '../experiment/record.ts';
import { formatResolved, type Resolved } from '../experiment/resolved.ts';
import { stagesOf } from '../experiment/teachers.ts';
import { readResolved, readRun, type RunSummary } from '../store/index.ts';
import { diskError } from './disk.ts';

/** What somebody who is about to lengthen a run wants to know. */
export interface LengthOutlook {
  /** What the experiment counts in. */
  readonly unit: 'steps' | 'epochs';
  /** In that unit. */
  readonly now: number;
  /** In the same unit, where the user's file asks for more by now. */
  readonly inFile?: number | undefined;
  /** Keys that follow the length of the run; none: further steps are those of a run that was longer from its start. */
  readonly courses: readonly string[];
}

/** @throws DistillError DL704 and DL130 for the folder, DL716 and DL719 for a run that cannot be lengthened. */
export async function lengthOutlook(folder: string): Promise<LengthOutlook> {
  const resolved = await readResolved(folder);
  const run = await readRun(folder);
  const fixed = whyFixed(folder, resolved);
  if (fixed !== undefined) throw fixed;
  const { train } = resolved.experiment;
  const unit = train.steps === undefined ? 'epochs' : 'steps';
  const now = unit === 'epochs' ? train.epochs ?? 1 : Math.max(train.steps ?? 0, run.totalSteps);
  const inFile = (await lengthSince(folder, resolved))?.[unit];
  return { unit, now, courses: courses(resolved.experiment), ...(inFile === undefined || inFile <= now ? {} : { inFile }) };
}

/** The length that the user's file has got since the run was started, if it is another than the run's; undefined as well where a file is gone. */
export async function lengthSince(folder: string, { source, experiment: { train } }: Resolved): Promise<Length | undefined> {
  const [before, now] = await Promise.all([path.join(folder, FILES.experiment), source.file].map(async (file) => {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    return text === undefined ? undefined : writtenLength(text, file);
  }));
  return before === undefined || now === undefined || sameLength(before, now) || sameLength(now, train) ? undefined : now;
}

/** Undefined where only the run itself could tell: epochs of data that it has not read yet. */
export function isLonger(length: Length, { train }: Resolved['experiment'], { totalSteps, stepsPerEpoch }: RunSummary): boolean | undefined {
  if (train.steps === undefined && length.steps === undefined && train.epochs !== undefined && length.epochs !== undefined && length.epochs <= train.epochs) return false;
  const steps = stepsOf(length, stepsPerEpoch);
  if (steps !== undefined) return steps > Math.max(totalSteps, stepsOf(train, stepsPerEpoch) ?? 0);
  return train.epochs === undefined || length.epochs === undefined ? undefined : length.epochs > train.epochs;
}

/** @returns what the run's record says then. @throws DistillError DL711 for what does not lengthen it, DL716, DL719. */
export function longer(folder: string, resolved: Resolved, run: RunSummary, length: Length): Resolved {
  const { train } = resolved.experiment;
  const { steps, epochs } = length;
  const isNumber = steps === undefined ? epochs !== undefined && Number.isFinite(epochs) && epochs > 0 : Number.isSafeInteger(steps);
  if (!isNumber || isLonger(length, resolved.experiment, run) !== true) {
    const own = train.steps === undefined ? `${String(train.epochs)} epochs${run.totalSteps > 0 ? ` (${run.totalSteps} steps)` : ''}` : `${Math.max(run.totalSteps, train.steps)} steps`;
    throw new DistillError('DL711', 'A run can only be lengthened.', { where: { file: folder }, expected: `more than its ${own}`, got: steps === undefined ? `${String(epochs)} epochs` : String(steps) });
  }
  const fixed = whyFixed(folder, resolved);
  if (fixed !== undefined) throw fixed;
  return { ...resolved, overrides: withLength(resolved.overrides, length), experiment: lengthened(resolved.experiment, length) };
}

/** Where another length would make something else of what is done already: the error that says so. */
export function whyFixed(folder: string, { experiment, sweep }: Resolved): DistillError | undefined {
  const where = { file: folder };
  if (stagesOf(experiment, 1000).length > 1) {
    return new DistillError('DL716', 'A run with teachers in progression cannot be lengthened: the borders between them would move.', { where, advice: 'Export its student and start a new run with it as `student.weights`.' });
  }
  if (sweep === undefined) return undefined;
  return new DistillError('DL719', 'A run of a sweep cannot be lengthened by itself: it would be compared with runs that were trained for less.', { where, got: `a run of ${sweep.name}`, advice: 'Lengthen the file and start a new sweep, or start a single run with its values.' });
}

/** Written aside and renamed: a run's record is never half of one. */
export async function writeRecord(folder: string, resolved: Resolved): Promise<void> {
  const file = path.join(folder, FILES.resolved);
  try {
    await writeFile(`${file}.new`, formatResolved(resolved));
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw diskError(file, cause);
  }
}
