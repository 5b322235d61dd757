/** Delete: runs go to the trash of their folder, and come back by Undo until the window is closed. */
import path from 'node:path';
import * as vscode from 'vscode';
import { byteSize } from '../../byteSize.ts';
import { type CommandFactory, type Context } from '../context.ts';
import { isLive } from '../run.ts';
import { type Deletion } from '../trash.ts';
import { chooseRuns } from './targets.ts';

export const deleteRuns: CommandFactory = (context) => async (...args) => {
  const chosen = await chooseRuns(context, args, { none: vscode.l10n.t('There is no run yet.'), ask: vscode.l10n.t('Run to delete') });
  const going = chosen.filter(isLive);
  const runs = chosen.filter((run) => !isLive(run));
  const [first] = going;
  if (first !== undefined) {
    void vscode.window.showWarningMessage(going.length === 1 ? vscode.l10n.t('{0} is going and is not deleted. Stop it first.', first.name) : vscode.l10n.t('{0} runs are going and are not deleted. Stop them first.', going.length));
  }
  const [only] = runs;
  if (only === undefined) return;
  const { refuseGoing } = await import('../../store/index.ts');
  for (const run of runs) await refuseGoing(run);
  const deletion = await context.trash.remove(byRoot(runs.map(({ folder }) => folder)));
  for (const run of runs) {
    context.panels.close(run.id);
    context.runs.forget(run.folder);
  }
  const what = runs.length === 1 ? only.name : vscode.l10n.t('{0} runs', runs.length);
  await offerUndo(context, deletion, what);
};

/** Parts of run folders by their folder of runs. */
export function byRoot(folders: readonly string[], rootOf = (folder: string): string => path.dirname(folder)): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, readonly string[]>();
  for (const folder of folders) places.set(rootOf(folder), [...(places.get(rootOf(folder)) ?? []), folder]);
  return places;
}

/** Returns when the notification is gone. */
export async function offerUndo(context: Context, deletion: Deletion, what: string): Promise<void> {
  const freed = byteSize(deletion.reduce((sum, { bytes }) => sum + bytes, 0));
  const undo = vscode.l10n.t('Undo');
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('Deleted {0}. {1} are freed when this window is closed.', what, freed), undo);
  if (answer !== undo) return;
  await context.trash.restore(deletion);
  await context.runs.look();
}
