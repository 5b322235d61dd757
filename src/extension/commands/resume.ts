/** Resume: goes on from the last checkpoint, in the same run folder. */
import * as vscode from 'vscode';
import { DistillError } from '../../errors.ts';
import { type StartOptions } from '../../launch/index.ts';
import { type CommandFactory } from '../context.ts';
import { isResumable } from '../run.ts';
import { nodePath } from '../settings.ts';
import { chooseRun, isTrusted } from './targets.ts';

export const resume: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const run = await chooseRun(context, target, isResumable, { none: vscode.l10n.t('There is no run to resume.'), ask: vscode.l10n.t('Run to resume') });
  if (run === undefined || !isResumable(run)) return;
  if (!await go({ folder: run.folder, cliPath: context.cliPath, node: nodePath() })) return;
  context.log.info(`resumed ${run.folder}`);
  const resumed = await context.runs.started(run.folder);
  context.panels.show(resumed, { preserveFocus: true });
};

/** An experiment that was edited since is the user's decision, told with the difference. @returns whether it goes. */
async function go(options: StartOptions): Promise<boolean> {
  const { resumeRun } = await import('../../launch/index.ts');
  try {
    await resumeRun(options);
    return true;
  } catch (error) {
    if (!(error instanceof DistillError) || error.code !== 'DL707') throw error;
    const asStarted = vscode.l10n.t('Resume as Started');
    const text = vscode.l10n.t('The experiment has changed since this run was started: {0}', error.details.got ?? '');
    if (await vscode.window.showWarningMessage(text, asStarted) !== asStarted) return false;
    await resumeRun({ ...options, asStarted: true });
    return true;
  }
}
