/**
 * Table of contents of the extension: every part once, in the order in which a user meets them.
 * Nothing heavy is loaded here; parts import what they need when they first need it.
 */
import * as vscode from 'vscode';
import { codeLens } from './codeLens.ts';
import { registerCommands } from './commands/index.ts';
import { Comparisons } from './comparisons.ts';
import { inBackground, type Context } from './context.ts';
import { contextKeys } from './contextKeys.ts';
import { Diagnostics } from './diagnostics.ts';
import { engineNotice } from './engineNotice.ts';
import { errorPages } from './errorPages.ts';
import { languageFeatures } from './language/index.ts';
import { inlineResults } from './inline/index.ts';
import { Panels } from './panels.ts';
import { runConfigs } from './runConfigs.ts';
import { Runs } from './runs.ts';
import { RunsView } from './runsView/view.ts';
import { showSample } from './showSample.ts';
import { statusBar } from './statusBar.ts';
import { Sweeps } from './sweeps.ts';
import { Trash } from './trash.ts';

export function activate(extension: vscode.ExtensionContext): void {
  const begin = performance.now();
  const log = vscode.window.createOutputChannel('Distill Lab', { log: true });
  const runs = new Runs(log, extension.workspaceState);
  const sweeps = new Sweeps(runs, log, extension.workspaceState);
  const runsView = new RunsView(runs, sweeps, { log, memory: extension.workspaceState });
  const trash = new Trash(log);
  const diagnostics = new Diagnostics(log);
  const panels = new Panels({ extensionUri: extension.extensionUri, log, runs });
  const comparisons = new Comparisons({ extensionUri: extension.extensionUri, log, runs, sweeps });
  const cliPath = vscode.Uri.joinPath(extension.extensionUri, 'dist', 'cli.js').fsPath;
  const context: Context = { extension, log, runs, sweeps, runsView, trash, panels, comparisons, diagnostics, cliPath };

  extension.subscriptions.push(
    log, runs, sweeps, runsView, trash, diagnostics, panels, comparisons,
    registerCommands(context),
    codeLens(runs, sweeps),
    languageFeatures(context),
    errorPages(extension.extensionUri),
    inlineResults(context),
    statusBar(runs),
    contextKeys(runs, sweeps),
    runConfigs(runs),
    engineNotice(context),
    runs.onDidEnd((run) => {
      diagnostics.showFailure(run);
      inBackground(log, import('./notifications.ts').then(({ tellEnd }) => tellEnd(context, run)));
    }),
    sweeps.onDidEnd((sweep) => { inBackground(log, import('./notifications.ts').then(({ tellSweepEnd }) => tellSweepEnd(context, sweep))); }),
  );
  showSample(extension, log);
  log.info(`activated in ${(performance.now() - begin).toFixed(1)} ms`);
}
