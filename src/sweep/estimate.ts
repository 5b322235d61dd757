/** How long a sweep will take and how much disk, judged by earlier runs of the same experiment. Unknown without any. */
import { plannedSteps } from '../experiment/check.ts';
import { type Experiment } from '../experiment/schema.ts';
import { diskBytes, type RunSummary } from '../store/index.ts';

export interface Estimate {
  /** Number of runs. */
  readonly runs: number;
  /** Until the last one ends, with so many at once; undefined where nothing tells. */
  readonly seconds?: number | undefined;
  readonly bytes?: number | undefined;
  /** Earlier runs that it is judged by. */
  readonly judgedBy: number;
}

/** So many of the latest are enough for a median. */
const ENOUGH = 5;

interface Precedent {
  readonly secondsPerStep: number;
  readonly bytes: number;
  readonly stepsPerEpoch: number | undefined;
}

/** @param earlier newest first. @param atOnce Infinity where a scheduler decides: then the time is that of the longest run. */
export async function estimateSweep(experiments: readonly Experiment[], sourceFile: string, earlier: readonly RunSummary[], atOnce: number): Promise<Estimate> {
  const alike = earlier.filter((run) => run.state === 'finished' && run.sourceFile === sourceFile && run.progress.total > 0).slice(0, ENOUGH);
  const precedents = await Promise.all(alike.map(precedentOf));
  const runs = experiments.length;
  if (precedents.length === 0) return { runs, judgedBy: 0 };
  const secondsPerStep = median(precedents.map((each) => each.secondsPerStep));
  const stepsPerEpoch = precedents.find((each) => each.stepsPerEpoch !== undefined)?.stepsPerEpoch;
  const steps = experiments.map((experiment) => stepsOf(experiment, stepsPerEpoch));
  const known = steps.filter((each) => each !== undefined);
  const total = known.length < steps.length ? undefined : known.reduce((sum, each) => sum + each, 0);
  const longest = Math.max(0, ...known);
  return {
    runs, judgedBy: precedents.length,
    seconds: total === undefined ? undefined : secondsPerStep * Math.max(total / Math.min(atOnce, runs), longest),
    bytes: runs * median(precedents.map(({ bytes }) => bytes)),
  };
}

/** Preparing, evaluating and saving are in it: the whole time of the run by its steps. */
async function precedentOf(run: RunSummary): Promise<Precedent> {
  const milliseconds = (run.ended ?? 0) - (run.started ?? 0);
  return { secondsPerStep: Math.max(0, milliseconds) / 1000 / run.progress.total, bytes: await diskBytes(run.folder) / Math.max(1, run.arms.length), stepsPerEpoch: run.stepsPerEpoch };
}

/** A run of a sweep has one arm. */
function stepsOf(experiment: Experiment, stepsPerEpoch: number | undefined): number | undefined {
  const { epochs } = experiment.train;
  return plannedSteps(experiment) ?? (epochs === undefined || stepsPerEpoch === undefined ? undefined : Math.round(epochs * stepsPerEpoch));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
