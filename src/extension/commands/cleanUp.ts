/** Clean Up: first a list of what would go, with sizes; what stays ticked goes to the trash. */
import path from 'node:path';
import * as vscode from 'vscode';
import { byteSize } from '../../byteSize.ts';
import { type CleanUpItem } from '../../store/index.ts';
import { type CommandFactory } from '../context.ts';
import { stateWord } from '../words.ts';
import { byRoot, offerUndo } from './deleteRuns.ts';
import { asLabel } from './targets.ts';

type Pick = vscode.QuickPickItem & { readonly item?: CleanUpItem };

export const cleanUp: CommandFactory = (context) => async () => {
  const { planCleanUp } = await import('../../store/index.ts');
  const plan = await vscode.window.withProgress({ location: { viewId: 'distillLab.runs' } }, async () => {
    await context.runs.look();
    return planCleanUp(context.runs.all());
  });
  if (plan.length === 0) {
    await vscode.window.showInformationMessage(vscode.l10n.t('There is nothing to clean up.'));
    return;
  }
  const chosen = await choose(plan);
  if (chosen.length === 0) return;
  const { refuseGoing } = await import('../../store/index.ts');
  for (const run of new Set(chosen.map((item) => item.run))) await refuseGoing(run);
  const rootOf = new Map(chosen.flatMap(({ places, run }) => places.map((place) => [place, path.dirname(run.folder)])));
  const deletion = await context.trash.remove(byRoot([...rootOf.keys()], (place) => rootOf.get(place) ?? path.dirname(place)));
  for (const { kind, run } of chosen) {
    if (kind !== 'run') continue;
    context.panels.close(run.id);
    context.runs.forget(run.folder);
  }
  await context.runs.look();
  await offerUndo(context, deletion, chosen.length === 1 ? vscode.l10n.t('one item') : vscode.l10n.t('{0} items', chosen.length));
};

/** Everything is ticked at first; the title tells what the ticked ones take. */
async function choose(plan: readonly CleanUpItem[]): Promise<readonly CleanUpItem[]> {
  const picker = vscode.window.createQuickPick<Pick>();
  const sum = (items: readonly Pick[]): number => items.reduce((bytes, { item }) => bytes + (item?.bytes ?? 0), 0);
  const tell = (items: readonly Pick[]): void => { picker.title = vscode.l10n.t('Clean Up: {0} of {1}', byteSize(sum(items)), byteSize(sum(picks))); };
  const picks = picksOf(plan);
  picker.canSelectMany = true;
  picker.items = picks;
  picker.selectedItems = picks.filter(({ item }) => item !== undefined);
  picker.placeholder = vscode.l10n.t('Nothing is deleted yet: what stays ticked goes when you press OK, and Undo brings it back');
  tell(picks);
  picker.onDidChangeSelection(tell);
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      resolve(picker.selectedItems.flatMap(({ item }) => (item === undefined ? [] : [item])));
      picker.dispose();
    });
    picker.onDidHide(() => {
      resolve([]);
      picker.dispose();
    });
    picker.show();
  });
}

function picksOf(plan: readonly CleanUpItem[]): readonly Pick[] {
  const titles: Readonly<Record<CleanUpItem['kind'], string>> = {
    run: vscode.l10n.t('Runs that ended before their first step'),
    checkpoints: vscode.l10n.t('Checkpoints of finished runs, but the last and the best'),
    pictures: vscode.l10n.t('Recorded masks beyond the quota, but the last of each run'),
  };
  return (['run', 'checkpoints', 'pictures'] as const).flatMap((kind): readonly Pick[] => {
    const items = plan.filter((item) => item.kind === kind);
    if (items.length === 0) return [];
    return [
      { label: titles[kind], kind: vscode.QuickPickItemKind.Separator },
      ...items.map((item): Pick => ({ label: asLabel(item.run.name), description: `${byteSize(item.bytes)} · ${stateWord(vscode.l10n.t, item.run.state)}`, detail: detailOf(item), item })),
    ];
  });
}

function detailOf({ run, places }: CleanUpItem): string {
  const [first = run.folder] = places;
  const shown = vscode.workspace.asRelativePath(first);
  return asLabel(places.length === 1 ? shown : vscode.l10n.t('{0} and {1} more', shown, places.length - 1));
}
