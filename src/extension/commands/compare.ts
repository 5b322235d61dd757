/** Compare Runs: those that are selected, those of an experiment file, or a choice of several. */
import * as vscode from 'vscode';
import { type CommandFactory, type Context } from '../context.ts';
import { type Run } from '../run.ts';
import { formatAp, stateWord } from '../words.ts';
import { uriOf } from './targets.ts';

export const compare: CommandFactory = (context) => async (target, selection) => {
  const given = runsOf(context, target, selection);
  // A single one is a beginning: with what it is compared is still to be said.
  const chosen = given.length > 1 ? given : await choose(context, given);
  if (chosen !== undefined && chosen.length > 0) await context.comparisons.show(chosen);
};

/** CodeLenses hand over ids, the runs view rows, the Explorer a file; all of them once. */
function runsOf(context: Context, ...targets: readonly unknown[]): readonly Run[] {
  const file = uriOf(targets[0]);
  const ids = file === undefined ? targets.flatMap(idsOf) : context.runs.all().filter(({ sourceFile }) => sourceFile === file.fsPath).map(({ id }) => id);
  return [...new Set(ids)].flatMap((id) => context.runs.byId(id) ?? []);
}

function idsOf(target: unknown): string[] {
  if (typeof target === 'string') return [target];
  if (Array.isArray(target)) return target.flatMap(idsOf);
  if (typeof target !== 'object' || target === null) return [];
  if ('run' in target) return idsOf(target.run);
  if ('runs' in target) return idsOf(target.runs);
  return 'id' in target && typeof target.id === 'string' ? [target.id] : [];
}

async function choose(context: Context, given: readonly Run[]): Promise<readonly Run[] | undefined> {
  const runs = context.runs.all();
  if (runs.length === 0) {
    await vscode.window.showInformationMessage(vscode.l10n.t('There is no run yet.'));
    return undefined;
  }
  const picked = new Set(given.length > 0 ? given.map(({ id }) => id) : context.comparisons.compared);
  const items = runs.map((run) => ({ label: plain(run.name), description: describe(run), detail: plain(vscode.workspace.asRelativePath(run.folder)), picked: picked.has(run.id), run }));
  const answer = await vscode.window.showQuickPick(items, { canPickMany: true, placeHolder: vscode.l10n.t('Runs to compare'), matchOnDetail: true, matchOnDescription: true });
  return answer?.map(({ run }) => run);
}

function describe({ state, metrics }: Run): string {
  const AP = metrics.student?.AP;
  return [stateWord(vscode.l10n.t, state), ...(AP === undefined ? [] : [`AP ${formatAp(AP)}`])].join(' · ');
}

/** A quick pick would draw an icon for `$(…)`. */
const plain = (text: string): string => text.replaceAll('$(', '$ (');
