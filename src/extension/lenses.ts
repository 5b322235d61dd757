/** What stands above the first line of an experiment. Pure: the translator is handed in, so that it is tested without VS Code. */
import { isLengthenable, isLive, isResumable, progressOf, type Run } from './run.ts';
import { type SweepStatus } from '../sweep/status.ts';
import { goes, isResumable as canResume } from './sweep.ts';
import { progressWords, sweepStateWord } from './sweepWords.ts';
import { formatAp, stateLine, type Translate } from './words.ts';

export interface Lens {
  readonly title: string;
  /** Last part of the command's name. */
  readonly command: string;
  /** Id of the run that it is about. */
  readonly run?: string;
  /** Id of the sweep that it is about. */
  readonly sweep?: string;
  /** Ids, for what is about several. */
  readonly runs?: readonly string[];
}

/** Runs that Compare begins with: the last few; more are chosen there. */
const COMPARED = 8;

/** @param runs those made of the file, newest first. @param sweeps likewise. */
export function lensesOfSweep(t: Translate, runs: readonly Run[], sweeps: readonly SweepStatus[], isTrusted: boolean): readonly Lens[] {
  const [sweep] = sweeps;
  const list: Lens[] = [];
  if (!isTrusted) list.push({ title: t('Runs are off in Restricted Mode'), command: 'runSweep' });
  else if (sweep !== undefined && goes(sweep)) {
    if (sweep.state === 'running' || sweep.state === 'preparing') list.push({ title: t('Pause'), command: 'pauseSweep', sweep: sweep.id });
    if (sweep.state !== 'stopping') list.push({ title: t('◼ Stop'), command: 'stopSweep', sweep: sweep.id });
  } else {
    if (sweep !== undefined && canResume(sweep)) list.push({ title: t('▷ Resume'), command: 'resumeSweep', sweep: sweep.id });
    list.push({ title: t('▷ Run Sweep'), command: 'runSweep' });
  }
  if (sweep === undefined) {
    if (runs.length > 1) list.push({ title: t('Compare'), command: 'compare', runs: runs.slice(0, COMPARED).map(({ id }) => id) });
    return list;
  }
  const best = sweep.best === undefined ? '' : ` · ${t('best AP {0}', formatAp(sweep.best.AP))}`;
  const state = ['preparing', 'running', 'finished'].includes(sweep.state) ? '' : ` · ${sweepStateWord(t, sweep.state)}`;
  list.push({ title: `${progressWords(t, sweep)}${state}${best}`, command: 'showSweep', sweep: sweep.id });
  if (sweep.runs.length > 1) list.push({ title: t('Compare'), command: 'compareSweep', sweep: sweep.id });
  return list;
}

/** @param runs those made of the file, newest first. */
export function lensesOf(t: Translate, runs: readonly Run[], isTrusted: boolean): readonly Lens[] {
  const [run] = runs;
  const list: Lens[] = [];
  if (!isTrusted) list.push({ title: t('Runs are off in Restricted Mode'), command: 'run' });
  else if (run !== undefined && isLive(run)) list.push({ title: run.state === 'stopping' ? t('Kill') : t('◼ Stop'), command: 'stop', run: run.id });
  else {
    list.push({ title: t('▷ Run Distillation'), command: 'run' });
    if (run !== undefined && isResumable(run)) list.push({ title: t('Resume'), command: 'resume', run: run.id });
    else if (run !== undefined && isLengthenable(run)) list.push({ title: t('Train Further…'), command: 'trainFurther', run: run.id });
  }
  if (run !== undefined) list.push({ title: stateLine(t, progressOf(run)), command: 'openPanel', run: run.id });
  if (runs.length > 1) list.push({ title: t('Compare'), command: 'compare', runs: runs.slice(0, COMPARED).map(({ id }) => id) });
  return list;
}
