/** What a person writes about runs: another name, and pins. Kept in a small file in the run folder, which keeps its own name. */
import * as vscode from 'vscode';
import { type Command, type CommandFactory, type Context } from '../context.ts';
import { chooseRuns } from './targets.ts';

export const rename: CommandFactory = (context) => async (...args) => {
  const [run] = await chooseRuns(context, args, { none: vscode.l10n.t('There is no run yet.'), ask: vscode.l10n.t('Run to rename') });
  if (run === undefined) return;
  const { LONGEST_TITLE, writeNote } = await import('../../store/index.ts');
  const title = await vscode.window.showInputBox({
    title: vscode.l10n.t('Rename Run'), value: run.name, placeHolder: run.experimentName,
    prompt: vscode.l10n.t('For display only: the folder keeps its name. Empty: the name of the experiment.'),
    validateInput: (value) => (value.trim().length > LONGEST_TITLE ? vscode.l10n.t('At most {0} characters.', LONGEST_TITLE) : undefined),
  });
  if (title === undefined) return;
  await writeNote(run.folder, { title: title.trim() === run.experimentName ? '' : title });
  await context.runs.refresh(run.folder);
};

export const pin: CommandFactory = (context) => setPin(context, true);
export const unpin: CommandFactory = (context) => setPin(context, false);

function setPin(context: Context, pinned: boolean): Command {
  return async (...args) => {
    const runs = await chooseRuns(context, args, { none: vscode.l10n.t('There is no run yet.'), ask: pinned ? vscode.l10n.t('Run to pin') : vscode.l10n.t('Run to unpin') });
    const { writeNote } = await import('../../store/index.ts');
    for (const run of runs) {
      await writeNote(run.folder, { pinned });
      await context.runs.refresh(run.folder);
    }
  };
}
