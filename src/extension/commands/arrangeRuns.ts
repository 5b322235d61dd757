/** Order, groups and choice of the runs view. Remembered with the workspace. */
import * as vscode from 'vscode';
import { type RunState } from '../../experiment/record.ts';
import { type SortKey } from '../../store/arrange.ts';
import { type CommandFactory, type Context } from '../context.ts';
import { stateWord } from '../words.ts';

const STATES: readonly RunState[] = ['preparing', 'running', 'stopping', 'stopped', 'finished', 'failed', 'killed', 'lost'];

export const sortRuns: CommandFactory = ({ runsView }) => async () => {
  const { sort } = runsView.arrangement;
  const orders: readonly (readonly [SortKey, string])[] = [
    ['newest', vscode.l10n.t('Newest first')], ['ap', vscode.l10n.t('Best AP first')], ['gain', vscode.l10n.t('Largest gain first')],
    ['name', vscode.l10n.t('By name')], ['size', vscode.l10n.t('Largest on disk first')],
  ];
  const items = orders.map(([key, label]) => ({ label, key, ...(key === sort ? { description: vscode.l10n.t('now') } : {}) }));
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: vscode.l10n.t('Order of runs') });
  if (chosen !== undefined) await runsView.arrange({ sort: chosen.key });
};

export const filterRuns: CommandFactory = (context) => async () => {
  const { text, states } = context.runsView.arrangement;
  const byText = { label: vscode.l10n.t('By words…'), description: text };
  const byState = { label: vscode.l10n.t('By state…'), description: states.map((state) => stateWord(vscode.l10n.t, state)).join(', ') };
  const all = { label: vscode.l10n.t('Show All Runs') };
  const chosen = await vscode.window.showQuickPick([byText, byState, ...(text === '' && states.length === 0 ? [] : [all])], { placeHolder: vscode.l10n.t('Which runs to show') });
  if (chosen === byText) await askText(context);
  else if (chosen === byState) await askStates(context);
  else if (chosen === all) await context.runsView.arrange({ text: '', states: [] });
};

async function askText({ runsView }: Context): Promise<void> {
  const text = await vscode.window.showInputBox({ title: vscode.l10n.t('Filter Runs'), value: runsView.arrangement.text, prompt: vscode.l10n.t('Words of the name, the experiment, the methods or the state; all must be found.') });
  if (text !== undefined) await runsView.arrange({ text: text.trim() });
}

async function askStates({ runs, runsView }: Context): Promise<void> {
  const { states } = runsView.arrangement;
  const items = STATES.map((state) => ({ label: stateWord(vscode.l10n.t, state), description: String(runs.all().filter((run) => run.state === state).length), state, picked: states.includes(state) }));
  const chosen = await vscode.window.showQuickPick(items, { canPickMany: true, placeHolder: vscode.l10n.t('States to show; none: all') });
  if (chosen !== undefined) await runsView.arrange({ states: chosen.map(({ state }) => state) });
}

export const clearFilter: CommandFactory = ({ runsView }) => () => runsView.arrange({ text: '', states: [] });
export const groupRuns: CommandFactory = ({ runsView }) => () => runsView.arrange({ isGrouped: true });
export const flattenRuns: CommandFactory = ({ runsView }) => () => runsView.arrange({ isGrouped: false });
export const refreshRuns: CommandFactory = ({ runsView }) => () => runsView.refresh();
