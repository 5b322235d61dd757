/** A command-line tool under a progress notification that can be cancelled; its lines go to the log. */
import * as vscode from 'vscode';
import { type Context } from './context.ts';
import { nodePath } from './settings.ts';

/** What a line of a tool tells of its progress. */
export interface Told {
  readonly message?: string | undefined;
  /** Of the whole, 0 to 1. */
  readonly share?: number | undefined;
  /** For the log; undefined: nothing. */
  readonly log?: string | undefined;
}

export interface ToolOptions {
  /** Reads each line as it comes. Default: every line is both message and log. */
  readonly read?: (line: string) => Told;
}

const AS_IT_IS = (line: string): Told => ({ log: line, message: line.trim() === '' ? undefined : line.trim().slice(0, 120) });

/** @returns the exit code; `undefined` when it was cancelled, and then only once the tool has cleaned up and ended. */
export async function runWithProgress(context: Context, args: readonly string[], title: string, { read = AS_IT_IS }: ToolOptions = {}): Promise<number | undefined> {
  const { runTool } = await import('./tools.ts');
  context.log.info(`distill-lab ${args.join(' ')}`);
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => {
      abort.abort();
      progress.report({ message: vscode.l10n.t('cancelling') });
    });
    let reached = 0;
    const onLine = (line: string): void => {
      const { message, share = reached, log } = read(line);
      if (log !== undefined) context.log.info(log);
      if (token.isCancellationRequested || (message === undefined && share <= reached)) return;
      progress.report({ ...(message === undefined ? {} : { message }), ...(share > reached ? { increment: 100 * (share - reached) } : {}) });
      reached = Math.max(reached, share);
    };
    const cwd = vscode.workspace.workspaceFolders?.find(({ uri }) => uri.scheme === 'file')?.uri.fsPath ?? context.extension.extensionPath;
    const code = await runTool({ node: nodePath(), cliPath: context.cliPath, args, cwd, onLine, signal: abort.signal });
    context.log.info(code === undefined ? 'cancelled' : `exit code ${code}`);
    return code;
  });
}
