/** The experiment of a run as it was started, to read: a document of its own, so that nobody edits a record by mistake. */
import * as vscode from 'vscode';
import { type Runs } from './runs.ts';

export const CONFIG_SCHEME = 'distill-run';

export function runConfigs(runs: Runs): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(CONFIG_SCHEME, {
    provideTextDocumentContent: async ({ query }) => {
      await runs.loaded;
      const run = runs.byId(query);
      const { readConfig } = await import('../store/index.ts');
      const text = run === undefined ? undefined : await readConfig(run.folder);
      return text ?? `# ${vscode.l10n.t('The experiment of this run is not there any more.')}\n`;
    },
  });
}
