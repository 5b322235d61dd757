/** Resume: goes on from the last checkpoint, in the same run folder. */
import * as vscode from 'vscode';
import { DistillError } from '../../errors.ts';
import { type ResumeOptions } from '../../launch/index.ts';
import { type CommandFactory, type Context } from '../context.ts';
import { courseSentence } from '../lengthWords.ts';
import { isResumable, type Run } from '../run.ts';
import { nodePath } from '../settings.ts';
import { chooseRun, isTrusted } from './targets.ts';

export const resume: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const run = await chooseRun(context, target, isResumable, { none: vscode.l10n.t('There is no run to resume.'), ask: vscode.l10n.t('Run to resume') });
  if (run === undefined || !isResumable(run)) return;
  await goOn(context, run, {});
};

type Choice = Pick<ResumeOptions, 'steps' | 'epochs' | 'asStarted'>;

/** Starts a run again, to its end or to the length that is given, and shows it. */
export async function goOn(context: Context, run: Run, choice: Choice): Promise<void> {
  if (!await go({ folder: run.folder, cliPath: context.cliPath, node: nodePath(), ...choice })) return;
  context.log.info(`resumed ${run.folder}`);
  const resumed = await context.runs.started(run.folder);
  await context.panels.show(resumed, { preserveFocus: true });
}

/** An experiment that was edited since is the user's decision, told with the difference. @returns whether it goes. */
async function go(options: ResumeOptions): Promise<boolean> {
  const { resumeRun } = await import('../../launch/index.ts');
  try {
    await resumeRun(options);
    return true;
  } catch (error) {
    const choice = error instanceof DistillError ? await askFor(error, options) : undefined;
    if (choice === 'none') return false;
    if (choice === undefined) throw error;
    await resumeRun({ ...options, ...choice });
    return true;
  }
}

/** @returns undefined for an error that is no question. */
async function askFor({ code, details }: DistillError, { folder }: ResumeOptions): Promise<Choice | 'none' | undefined> {
  const asStarted = vscode.l10n.t('Resume as Started');
  if (code === 'DL707') {
    const text = vscode.l10n.t('The experiment has changed since this run was started: {0}', details.got ?? '');
    return await vscode.window.showWarningMessage(text, asStarted) === asStarted ? { asStarted: true } : 'none';
  }
  if (code !== 'DL712') return undefined;
  const { lengthOutlook } = await import('../../launch/index.ts');
  const { unit, inFile, courses } = await lengthOutlook(folder);
  if (inFile === undefined) return undefined;
  const further = unit === 'steps' ? vscode.l10n.t('Train to {0} Steps', inFile) : vscode.l10n.t('Train to {0} Epochs', inFile);
  const text = vscode.l10n.t('The experiment asks for a longer run by now: {0}.', details.got ?? '');
  const answer = await vscode.window.showInformationMessage(`${text} ${courseSentence(vscode.l10n.t, courses)}`, further, asStarted);
  if (answer === further) return { [unit]: inFile };
  return answer === asStarted ? { asStarted: true } : 'none';
}
