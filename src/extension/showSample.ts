/** The sample's own window: it begins with the experiment, not with an empty editor. */
import * as vscode from 'vscode';
import { inBackground } from './context.ts';

/** Of workspace state: the sample has been shown in this window's folder. */
const SHOWN = 'sampleShown';

/** A window that opens a sample for the first time shows its experiment; everywhere else this does nothing. */
export function showSample({ workspaceState }: vscode.ExtensionContext, log: vscode.LogOutputChannel): void {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (folder === undefined || !/\/distill-lab-sample[^/]*$/.test(folder.path) || workspaceState.get(SHOWN) === true || vscode.window.visibleTextEditors.length > 0) return;
  inBackground(log, (async () => {
    const { exists } = await import('./files.ts');
    const { SAMPLE_EXPERIMENT } = await import('../firstSteps/sample.ts');
    const experiment = vscode.Uri.joinPath(folder, SAMPLE_EXPERIMENT);
    if (!await exists(experiment)) return;
    await workspaceState.update(SHOWN, true);
    await vscode.window.showTextDocument(experiment, { preview: false });
  })());
}
