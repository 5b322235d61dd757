/** Told once a workspace, and never to somebody who does not want it: a run fell back to plain JavaScript. */
import * as vscode from 'vscode';
import { inBackground, type Context } from './context.ts';
import { isOnPlainJavaScript } from './run.ts';

/** In the workspace's memory. */
const TOLD = 'engineNotice.told';
/** In the user's. */
const UNWANTED = 'engineNotice.unwanted';

export function engineNotice(context: Context): vscode.Disposable {
  const { log, runs, extension: { globalState, workspaceState } } = context;
  if (workspaceState.get(TOLD) === true) return vscode.Disposable.from();
  const listening = runs.onDidChange(() => {
    if (!runs.live().some(isOnPlainJavaScript)) return;
    listening.dispose();
    if (globalState.get(UNWANTED) !== true) inBackground(log, tell(context));
  });
  return listening;
}

/** Returns when the notification is gone. */
async function tell({ extension: { globalState, workspaceState } }: Context): Promise<void> {
  await workspaceState.update(TOLD, true);
  const [setUp, never] = [vscode.l10n.t('Set Up Engine'), vscode.l10n.t('Don\'t Show Again')];
  const text = vscode.l10n.t('This run is on plain JavaScript, which is many times slower than native TensorFlow. The engine is set up once, in a folder of its own, and serves the next run.');
  const answer = await vscode.window.showInformationMessage(text, setUp, never);
  if (answer === setUp) await vscode.commands.executeCommand('distillLab.setup');
  if (answer === never) await globalState.update(UNWANTED, true);
}
