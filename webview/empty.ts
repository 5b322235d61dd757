/** What stands where there is nothing yet: what will come, and when. */
import { type RunHeader } from './contract.ts';
import { formatCount, formatDuration } from './format.ts';
import { type RunModel } from './model.ts';
import { isLive, secondsPerStep } from './status.ts';
import { t } from './words.ts';

export function curvesWaiting(model: RunModel, header: RunHeader | undefined): string {
  if (header?.soFar !== undefined) return beingRead();
  if (header !== undefined && !isLive(header.state)) return model.arms.size === 0 ? t('The run ended before its first step.') : t('The run has no values for this chart.');
  if (model.arms.size > 0) return t('No value yet.');
  const phase = model.phase?.phase;
  if (phase === 'engine') return t('The engine starts; the first point comes after the data is read and the step captured.');
  if (phase === 'data') return t('Data is being read; the first point comes after that.');
  if (phase === 'teacher') return t('The teacher is being evaluated; training begins after that.');
  if (phase === 'capturing') return t('The training step is being captured; the first point comes within seconds.');
  return t('The first point comes with the first step.');
}

export function evaluationWaiting(model: RunModel, header: RunHeader | undefined): string {
  if (header?.soFar !== undefined) return beingRead();
  if (header !== undefined && !isLive(header.state)) return t('The run has no evaluation.');
  const every = header?.evaluateEvery;
  if (every === undefined || every <= 0) return t('The first evaluation comes during the run.');
  const seconds = secondsUntil(model, every);
  return seconds === undefined ? t('The first evaluation is at step {0}.', formatCount(every)) : t('The first evaluation is at step {0}, in about {1}.', formatCount(every), formatDuration(seconds));
}

export function masksWaiting(model: RunModel, header: RunHeader | undefined): string {
  if (header?.soFar !== undefined) return beingRead();
  const every = header?.picturesEvery;
  if (header !== undefined && !isLive(header.state)) return t('The run recorded no masks.');
  if (every === undefined || every <= 0) return t('Masks appear here when the run records them.');
  const seconds = secondsUntil(model, every);
  return seconds === undefined ? t('Masks are recorded every {0} steps.', formatCount(every)) : t('Masks are recorded every {0} steps; the first in about {1}.', formatCount(every), formatDuration(seconds));
}

const beingRead = (): string => t('The record of the run is being read.');

function secondsUntil(model: RunModel, step: number): number | undefined {
  const history = model.arms.get('student');
  const pace = secondsPerStep(model, 'student');
  return pace === undefined || history === undefined || history.lastStep >= step ? undefined : (step - history.lastStep) * pace;
}
