/** The experiment of a run as it was started, to read: a document of its own, so that nobody edits a record by mistake. */
import * as vscode from 'vscode';
import { type Run } from './run.ts';
import { type Runs } from './runs.ts';
import { plain } from './runsView/texts.ts';

const SCHEME = 'distill-run';

export function configUri(run: Run): vscode.Uri {
  return vscode.Uri.from({ scheme: SCHEME, path: `/${plain(run.name).replaceAll(/[\\/]/g, '-')}/experiment.yaml`, query: run.id });
}

export function runConfigs(runs: Runs): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: async ({ query }) => {
      await runs.loaded;
      const run = runs.byId(query);
      const { readConfig } = await import('../store/index.ts');
      const text = run === undefined ? undefined : await readConfig(run.folder);
      return text ?? `# ${vscode.l10n.t('The experiment of this run is not there any more.')}\n`;
    },
  });
}
