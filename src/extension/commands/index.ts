/** All commands, by the last part of their names in `package.json`. */
import * as vscode from 'vscode';
import { type Command, type Context } from '../context.ts';

export const COMMAND_NAMES = [
  'run', 'stop', 'resume', 'trainFurther', 'kill', 'openPanel', 'create', 'sample', 'walkthrough', 'doctor', 'setup', 'showLog', 'report',
  'goToFailure', 'compare', 'openFromView', 'openLog', 'openConfig', 'openExperiment', 'revealFolder', 'exportStudent', 'rename', 'pin',
  'unpin', 'deleteRuns', 'cleanUp', 'sortRuns', 'filterRuns', 'clearFilter', 'groupRuns', 'flattenRuns', 'refreshRuns', 'runSweep',
  'pauseSweep', 'resumeSweep', 'stopSweep', 'showSweep', 'compareSweep', 'writeBest', 'openSweepLog', 'deleteSweep',
] as const;
export type CommandName = (typeof COMMAND_NAMES)[number];

export function registerCommands(context: Context): vscode.Disposable {
  const made = new Map<CommandName, Command>();
  return vscode.Disposable.from(...COMMAND_NAMES.map((name) => vscode.commands.registerCommand(`distillLab.${name}`, async (...args: unknown[]) => {
    try {
      const { COMMANDS } = await import('./all.ts');
      const command = made.get(name) ?? COMMANDS[name](context);
      made.set(name, command);
      await command(...args);
    } catch (error) {
      await failed(context, error);
    }
  })));
}

/** A command that fails says so once, with one action, and leaves the whole story in the log. */
async function failed(context: Context, error: unknown): Promise<void> {
  const [{ explainError }, { showError }] = await Promise.all([import('../../errors.ts'), import('../notifications.ts')]);
  context.log.error(explainError(error));
  await showError(context, error);
}
