/** What stands above the first line of an experiment. Pure: the translator is handed in, so that it is tested without VS Code. */
import { isLive, isResumable, progressOf, type Run } from './run.ts';
import { stateLine, type Translate } from './words.ts';

export interface Lens {
  readonly title: string;
  /** Last part of the command's name. */
  readonly command: string;
  /** Id of the run that it is about. */
  readonly run?: string;
}

/** @param run the last one made of the file. */
export function lensesOf(t: Translate, run: Run | undefined, isTrusted: boolean): readonly Lens[] {
  const list: Lens[] = [];
  if (!isTrusted) list.push({ title: t('Runs are off in Restricted Mode'), command: 'run' });
  else if (run !== undefined && isLive(run)) list.push({ title: run.state === 'stopping' ? t('Kill') : t('◼ Stop'), command: 'stop', run: run.id });
  else {
    list.push({ title: t('▷ Run Distillation'), command: 'run' });
    if (run !== undefined && isResumable(run)) list.push({ title: t('Resume'), command: 'resume', run: run.id });
  }
  if (run !== undefined) list.push({ title: stateLine(t, progressOf(run)), command: 'openPanel', run: run.id });
  return list;
}
