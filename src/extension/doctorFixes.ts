/** Carries out what the doctor advises. */
import * as vscode from 'vscode';
import { type Context } from './context.ts';
import { type Finding, type Fix } from './findings.ts';

/** @returns whether another look is worth it: false where the user is led elsewhere. */
export async function carryOut(context: Context, { fix }: Finding): Promise<boolean> {
  if (fix === undefined) return true;
  switch (fix.do) {
    case 'setup': return run('distillLab.setup');
    case 'setupAnew': return run('distillLab.setup', 'anew');
    case 'chooseNode': return chooseNode();
    case 'freeDisk': return freeDisk(context);
    case 'type': return type(fix);
    case 'read': return read(context, fix.page);
  }
}

async function run(command: string, ...args: readonly unknown[]): Promise<boolean> {
  await vscode.commands.executeCommand(command, ...args);
  return true;
}

/** It asks for a password: the user reads it, and presses Enter. */
async function type({ command }: Extract<Fix, { do: 'type' }>): Promise<boolean> {
  const terminal = vscode.window.createTerminal({ name: 'Distill Lab' });
  terminal.show();
  terminal.sendText(command, false);
  return Promise.resolve(false);
}

async function read(context: Context, page: string): Promise<boolean> {
  await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.joinPath(context.extension.extensionUri, 'docs', page));
  return false;
}

async function chooseNode(): Promise<boolean> {
  const own = { label: vscode.l10n.t('The editor’s own Node.js'), detail: process.execPath };
  const other = { label: vscode.l10n.t('Another Node.js …'), detail: vscode.l10n.t('20.9 or newer') };
  const chosen = await vscode.window.showQuickPick([own, other], { placeHolder: vscode.l10n.t('Node.js that runs are started with') });
  if (chosen === undefined) return false;
  const file = chosen === other ? (await vscode.window.showOpenDialog({ canSelectMany: false, title: vscode.l10n.t('Node.js that runs are started with') }))?.[0]?.fsPath : undefined;
  if (chosen === other && file === undefined) return false;
  const settings = vscode.workspace.getConfiguration('distillLab');
  await settings.update('nodePath', file, vscode.ConfigurationTarget.Global);
  // A folder's own choice would win.
  if (settings.inspect('nodePath')?.workspaceValue !== undefined) await settings.update('nodePath', undefined, vscode.ConfigurationTarget.Workspace);
  return true;
}

/** Runs are what takes the room: their own way of cleaning up where there is one, else their folder. */
async function freeDisk({ runs }: Context): Promise<boolean> {
  const commands = await vscode.commands.getCommands(true);
  if (commands.includes('distillLab.cleanUp')) return run('distillLab.cleanUp');
  const folder = runs.all()[0]?.folder;
  if (folder !== undefined) await vscode.commands.executeCommand('revealInExplorer', vscode.Uri.file(folder));
  return false;
}
