/** Train Further…: makes a run longer, also a finished one, and goes on with it in the same run folder. */
import * as vscode from 'vscode';
import { type CommandFactory } from '../context.ts';
import { lengthOf, lengthProblem, lengthPrompt, suggestedLength } from '../lengthWords.ts';
import { isLengthenable } from '../run.ts';
import { goOn } from './resume.ts';
import { asLabel, chooseRun, isTrusted } from './targets.ts';

export const trainFurther: CommandFactory = (context) => async (target) => {
  if (!await isTrusted()) return;
  const run = await chooseRun(context, target, isLengthenable, { none: vscode.l10n.t('There is no run that could be trained further.'), ask: vscode.l10n.t('Run to train further') });
  if (run === undefined || !isLengthenable(run)) return;
  const { lengthOutlook } = await import('../../launch/index.ts');
  const outlook = await lengthOutlook(run.folder);
  const value = suggestedLength(outlook);
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Train {0} Further', asLabel(run.name)), prompt: lengthPrompt(vscode.l10n.t, outlook), value, valueSelection: [0, value.length],
    validateInput: (typed) => lengthProblem(vscode.l10n.t, typed, outlook), ignoreFocusOut: true,
  });
  if (text === undefined) return;
  await goOn(context, run, { [outlook.unit]: lengthOf(text) });
};
