/** What stands above the first line of an experiment. Pure: the translator is handed in, so that it is tested without VS Code. */
import { isLengthenable, isLive, isResumable, progressOf, type Run } from './run.ts';
import { stateLine, type Translate } from './words.ts';

export interface Lens {
  readonly title: string;
  /** Last part of the command's name. */
  readonly command: string;
  /** Id of the run that it is about. */
  readonly run?: string;
  /** Ids, for what is about several. */
  readonly runs?: readonly string[];
}

/** Runs that Compare begins with: the last few; more are chosen there. */
const COMPARED = 8;

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
