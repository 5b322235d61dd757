/** The few notifications there are: a run that ended, and a command that failed. Each has one action. */
import * as vscode from 'vscode';
import { DistillError } from '../errors.ts';
import { type SweepStatus } from '../sweep/status.ts';
import { type Context } from './context.ts';
import { progressOf, type Run } from './run.ts';
import { isOn, withRelativePaths } from './settings.ts';
import { sweepEndSentence } from './sweepWords.ts';
import { endSentence } from './words.ts';

/** Not awaited by whoever calls it for long: it returns when the notification is gone. */
export async function tellEnd(context: Context, run: Run): Promise<void> {
  const text = withRelativePaths(endSentence(vscode.l10n.t, { ...progressOf(run), reason: run.reason }));
  context.log.info(text);
  const isGood = run.state === 'finished' || run.state === 'stopped';
  if (isGood) {
    // The user asked for the stop and sees the panel say so.
    if (run.state === 'stopped' || !isOn('notifyAtEnd')) return;
    const open = vscode.l10n.t('Open Panel');
    if (await vscode.window.showInformationMessage(text, open) === open) await context.panels.show(run, { preserveFocus: false });
    return;
  }
  const hasLine = run.error?.line !== undefined && run.sourceFile !== undefined;
  const action = hasLine ? vscode.l10n.t('Go to Line') : vscode.l10n.t('Open Log');
  if (await vscode.window.showErrorMessage(text, action) !== action) return;
  await vscode.commands.executeCommand(hasLine ? 'distillLab.goToFailure' : 'distillLab.showLog', run.id);
}

export async function tellSweepEnd(context: Context, sweep: SweepStatus): Promise<void> {
  const text = sweepEndSentence(vscode.l10n.t, sweep);
  context.log.info(text);
  // Who paused or stopped it sees it say so.
  if (sweep.state === 'paused' || sweep.state === 'stopped' || (sweep.failed === 0 && sweep.state === 'finished' && !isOn('notifyAtEnd'))) return;
  const [action, command] = sweep.state === 'killed' ? [vscode.l10n.t('Resume'), 'resumeSweep'] : [vscode.l10n.t('Compare'), 'compareSweep'];
  const show = sweep.failed > 0 || sweep.state === 'killed' ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  if (await show(text, action) === action) await vscode.commands.executeCommand(`distillLab.${command}`, sweep.id);
}

export async function showError(context: Context, error: unknown): Promise<void> {
  const log = vscode.l10n.t('Show Log');
  if (await vscode.window.showErrorMessage(withRelativePaths(oneSentence(error)), log) === log) context.log.show(true);
}

function oneSentence(error: unknown): string {
  if (error instanceof DistillError) {
    const { advice } = error.details;
    return advice === undefined ? `${error.message} [${error.code}]` : `${error.message} ${advice} [${error.code}]`;
  }
  return error instanceof Error ? error.message : String(error);
}
