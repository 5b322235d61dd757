/** What can be done with a sweep that is there: pause, stop, show, compare, write the best of it, delete. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { type SweepMetric } from '../../sweep/results.ts';
import { type SweepStatus } from '../../sweep/status.ts';
import { type CommandFactory, type Context } from '../context.ts';
import { exists, freeUri } from '../files.ts';
import { isLive } from '../run.ts';
import { goes } from '../sweep.ts';
import { labelOf } from '../sweepWords.ts';
import { offerUndo } from './deleteRuns.ts';
import { chooseSweep } from './sweepTargets.ts';
import { asLabel } from './targets.ts';

const none = (): string => vscode.l10n.t('There is no sweep yet.');

export const pauseSweep: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, goes, { none: vscode.l10n.t('No sweep is going.'), ask: vscode.l10n.t('Sweep to pause') });
  if (sweep !== undefined) await ask(context, sweep, 'pause');
};

export const stopSweep: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, goes, { none: vscode.l10n.t('No sweep is going.'), ask: vscode.l10n.t('Sweep to stop') });
  if (sweep !== undefined) await ask(context, sweep, 'stop');
};

/** Without a queue there is nobody to ask but the runs that it has left behind. */
async function ask({ sweeps, runs }: Context, sweep: SweepStatus, what: 'pause' | 'stop'): Promise<void> {
  const { askQueue, queueProcess } = await import('../../sweep/folder.ts');
  if (await queueProcess(sweep.folder) !== undefined) {
    await askQueue(sweep.folder, what);
    await sweeps.look();
    return;
  }
  const { requestStop } = await import('../../launch/index.ts');
  for (const run of sweep.runs.filter(isLive)) {
    await requestStop(run.folder);
    await runs.refresh(run.folder);
  }
}

export const showSweep: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, () => true, { none: none(), ask: vscode.l10n.t('Sweep to show') });
  if (sweep === undefined) return;
  await vscode.commands.executeCommand('distillLab.runs.focus');
  await context.runsView.revealSweep(sweep);
};

export const compareSweep: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, ({ runs }) => runs.length > 0, { none: none(), ask: vscode.l10n.t('Sweep to compare') });
  if (sweep === undefined) return;
  if (sweep.runs.length === 0) await vscode.window.showInformationMessage(vscode.l10n.t('No run of this sweep has been started yet.'));
  else await context.comparisons.showSweep(sweep);
};

export const openSweepLog: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, () => true, { none: none(), ask: vscode.l10n.t('Sweep whose log to open') });
  if (sweep === undefined) return;
  const { SWEEP_FILES } = await import('../../sweep/folder.ts');
  const { isOpenable } = await import('../../store/openFile.ts');
  const file = path.join(sweep.folder, SWEEP_FILES.log);
  if (await isOpenable(file)) await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: true });
  else await vscode.window.showInformationMessage(vscode.l10n.t('The queue of this sweep has no log: it was worked in a terminal.'));
};

/** @param metric handed over by the comparison; else it is asked for. */
export const writeBest: CommandFactory = (context) => async (target, given) => {
  const sweep = await chooseSweep(context, target, ({ best }) => best !== undefined, { none: vscode.l10n.t('No run of a sweep has finished yet.'), ask: vscode.l10n.t('Sweep whose best combination to write') });
  if (sweep === undefined) return;
  const metric = await metricFrom(given);
  if (metric === undefined) return;
  const [{ readSweep }, { bestExperiment }] = await Promise.all([import('../../sweep/open.ts'), import('../../sweep/writeBest.ts')]);
  const view = await readSweep(sweep.folder, sweep.root);
  // The experiment may have been moved away since: then it stands where runs are kept.
  const beside = vscode.Uri.file(path.dirname(sweep.file));
  const folder = await exists(beside) ? beside : vscode.Uri.file(path.dirname(sweep.root));
  const stem = path.basename(sweep.file).replace(/(\.distill)?\.ya?ml$/, '');
  const uri = await freeUri(folder, (suffix) => `${stem}-best${suffix}.distill.yaml`);
  const { label, text } = bestExperiment(view, metric, uri.fsPath);
  // Whoever made a file of that name in between keeps it.
  await writeFile(uri.fsPath, text, { flag: 'wx' });
  await vscode.window.showTextDocument(uri, { preview: false });
  vscode.window.setStatusBarMessage(vscode.l10n.t('Best by {0}: {1}', metric, labelOf(vscode.l10n.t, { role: 'student', label })), 8000);
};

async function metricFrom(given: unknown): Promise<SweepMetric | undefined> {
  const { METRICS } = await import('../../sweep/results.ts');
  const known = METRICS.find((metric) => metric === given);
  if (known !== undefined) return known;
  const items = METRICS.map((metric) => ({ label: metric === 'gain' ? vscode.l10n.t('gain over the control') : metric, metric }));
  return (await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('What the best combination is chosen by') }))?.metric;
}

/** All its runs and its own folder go together, and come back together. */
export const deleteSweep: CommandFactory = (context) => async (target) => {
  const sweep = await chooseSweep(context, target, (one) => !goes(one), { none: none(), ask: vscode.l10n.t('Sweep to delete') });
  if (sweep === undefined) return;
  if (goes(sweep) || sweep.runs.some(isLive)) {
    void vscode.window.showWarningMessage(vscode.l10n.t('{0} is going and is not deleted. Stop it first.', asLabel(sweep.name)));
    return;
  }
  const { refuseGoing } = await import('../../store/index.ts');
  for (const run of sweep.runs) await refuseGoing(run);
  const deletion = await context.trash.remove(new Map([[sweep.root, [...sweep.runs.map(({ folder }) => folder), sweep.folder]]]));
  for (const run of sweep.runs) {
    context.panels.close(run.id);
    context.runs.forget(run.folder);
  }
  await context.sweeps.look();
  const what = sweep.runs.length === 1 ? vscode.l10n.t('the sweep {0} with 1 run', sweep.name) : vscode.l10n.t('the sweep {0} with {1} runs', sweep.name, sweep.runs.length);
  await offerUndo(context, deletion, what);
  await context.sweeps.look();
};
