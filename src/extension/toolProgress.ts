/** A command-line tool under a progress notification that can be cancelled; its lines go to the log. */
import * as vscode from 'vscode';
import { type Context } from './context.ts';
import { nodePath } from './settings.ts';

/** @returns the exit code; `undefined` when it was cancelled. */
export async function runWithProgress(context: Context, args: readonly string[], title: string): Promise<number | undefined> {
  const { runTool } = await import('./tools.ts');
  context.log.info(`distill-lab ${args.join(' ')}`);
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title, cancellable: true }, async (progress, token) => {
    const abort = new AbortController();
    token.onCancellationRequested(() => { abort.abort(); });
    const onLine = (line: string): void => {
      context.log.info(line);
      if (line.trim() !== '') progress.report({ message: line.trim().slice(0, 120) });
    };
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? context.extension.extensionPath;
    const code = await runTool({ node: nodePath(), cliPath: context.cliPath, args, cwd, onLine, signal: abort.signal });
    context.log.info(code === undefined ? 'cancelled' : `exit code ${code}`);
    return code;
  });
}
