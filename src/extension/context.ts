/** What every part of the extension shares. Built once in `activate`; parts receive it and keep no globals. */
import type * as vscode from 'vscode';
import { type Comparisons } from './comparisons.ts';
import { type Diagnostics } from './diagnostics.ts';
import { type Panels } from './panels.ts';
import { type Runs } from './runs.ts';
import { type RunsView } from './runsView/view.ts';
import { type Sweeps } from './sweeps.ts';
import { type Trash } from './trash.ts';

export interface Context {
  readonly extension: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly runs: Runs;
  readonly sweeps: Sweeps;
  readonly runsView: RunsView;
  readonly trash: Trash;
  readonly panels: Panels;
  readonly comparisons: Comparisons;
  readonly diagnostics: Diagnostics;
  /** `dist/cli.js` of this extension: also the child of every run. */
  readonly cliPath: string;
}

/** What a command does. Thrown errors are shown and logged by the one who calls it. */
export type Command = (...args: readonly unknown[]) => Promise<void>;

/** Makes a command out of the shared context. */
export type CommandFactory = (context: Context) => Command;

export const LANGUAGE = 'distill-yaml';
export const EXPERIMENT_GLOB = '**/*.distill.{yaml,yml}';

export function isExperiment(document: vscode.TextDocument): boolean {
  return document.languageId === LANGUAGE;
}

/** For `void`ed promises: a failure in the background is logged, not lost and not shown. */
export function inBackground(log: vscode.LogOutputChannel, work: Promise<unknown>): void {
  work.catch((error: unknown) => { log.error(error instanceof Error ? error : String(error)); });
}
