/** What stands where there is nothing yet: what will come, and when. */
import { type RunHeader } from './contract.ts';
import { formatCount, formatDuration } from './format.ts';
import { type RunModel } from './model.ts';
import { isLive, secondsPerStep } from './status.ts';

export function curvesWaiting(model: RunModel, header: RunHeader | undefined): string {
  if (header !== undefined && !isLive(header.state)) return model.arms.size === 0 ? 'The run ended before its first step.' : 'The run has no values for this chart.';
  if (model.arms.size > 0) return 'No value yet.';
  const phase = model.phase?.phase;
  if (phase === 'engine') return 'The engine starts; the first point comes after the data is read and the step captured.';
  if (phase === 'data') return 'Data is being read; the first point comes after that.';
  if (phase === 'teacher') return 'The teacher is being evaluated; training begins after that.';
  if (phase === 'capturing') return 'The training step is being captured; the first point comes within seconds.';
  return 'The first point comes with the first step.';
}

export function evaluationWaiting(model: RunModel, header: RunHeader | undefined): string {
  if (header !== undefined && !isLive(header.state)) return 'The run has no evaluation.';
  return coming('The first evaluation is at', model, header?.evaluateEvery) ?? 'The first evaluation comes during the run.';
}

export function masksWaiting(model: RunModel, header: RunHeader | undefined): string {
  const every = header?.picturesEvery;
  if (header !== undefined && !isLive(header.state)) return 'The run recorded no masks.';
  if (every === undefined || every <= 0) return 'Masks appear here when the run records them.';
  const seconds = secondsUntil(model, every);
  return `Masks are recorded every ${formatCount(every)} steps${seconds === undefined ? '.' : `; the first in about ${formatDuration(seconds)}.`}`;
}

function coming(words: string, model: RunModel, every: number | undefined): string | undefined {
  if (every === undefined || every <= 0) return undefined;
  const seconds = secondsUntil(model, every);
  return `${words} step ${formatCount(every)}${seconds === undefined ? '.' : `, in about ${formatDuration(seconds)}.`}`;
}

function secondsUntil(model: RunModel, step: number): number | undefined {
  const history = model.arms.get('student');
  const pace = secondsPerStep(model, 'student');
  return pace === undefined || history === undefined || history.lastStep >= step ? undefined : (step - history.lastStep) * pace;
}
