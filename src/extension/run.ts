/** A run as the extension sees it: what the store derived from its folder, and what the editor says about it. */
import { type RunSummary } from '../store/index.ts';
// By its file: the whole store is loaded only when runs are read.
import { isLive as isLiveState, isWaiting, mayComeBack } from '../store/state.ts';
import { type Progress } from './words.ts';

export type Run = RunSummary;
export { isWaiting, mayComeBack };

export function isLive({ state }: Pick<Run, 'state'>): boolean {
  return isLiveState(state);
}

/** It ended between its first and its last step: there is something to go on with. */
export function isResumable({ state, lastStep }: Pick<Run, 'state' | 'lastStep'>): boolean {
  return !isLiveState(state) && state !== 'finished' && lastStep !== undefined;
}

/** There is a checkpoint to go on from, and no other run that its length must agree with. */
export function isLengthenable({ state, lastStep, sweep }: Pick<Run, 'state' | 'lastStep' | 'sweep'>): boolean {
  return !isLiveState(state) && state !== 'lost' && lastStep !== undefined && sweep === undefined;
}

/** It looked for native TensorFlow and found none. An experiment that asks for plain JavaScript has what it wants. */
export function isOnPlainJavaScript({ engine, phase }: Pick<Run, 'engine' | 'phase'>): boolean {
  // Until it trains, what is known of the engine may be an earlier attempt's.
  const isOwn = phase?.phase === 'training' || phase?.phase === 'evaluating' || phase?.phase === 'saving';
  return isOwn && engine?.backend === 'cpu' && engine.notice !== undefined;
}

/** What the status bar and notifications tell of it. */
export function progressOf(run: Run): Progress {
  const { name, state, progress, secondsLeft, metrics, gain } = run;
  const methods = run.methods.map((method) => run.methodTitles?.[method] ?? method.toUpperCase());
  return { name, methods, state, secondsLeft, gain: gain?.value, fraction: progress.total > 0 ? progress.done / progress.total : undefined, ap: metrics.student?.AP };
}
