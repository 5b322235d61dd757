/** Keeps something that a page made: where, the user says. */
import * as vscode from 'vscode';
import { explainError } from '../errors.ts';

export interface Kept {
  readonly kind: 'csv' | 'svg' | 'png' | 'md' | 'html';
  /** In words; a name for the file is made of them. */
  readonly name: string;
  readonly content: string | ArrayBuffer;
}

const WORDS: Readonly<Record<Kept['kind'], string>> = { csv: 'CSV', svg: 'SVG', png: 'PNG', md: 'Markdown', html: 'HTML' };

/** @returns the file's name as it is shown; nothing where the user thought better of it or it could not be written */
export async function saveFile(log: vscode.LogOutputChannel, { kind, name, content }: Kept): Promise<string | undefined> {
  const { fileName } = await import('../comparison/fileName.ts');
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const suggested = fileName(name, `.${kind}`);
  const target = await vscode.window.showSaveDialog({ filters: { [WORDS[kind]]: [kind] }, ...(folder !== undefined && { defaultUri: vscode.Uri.joinPath(folder.uri, suggested) }) });
  if (target === undefined) return undefined;
  const shown = vscode.workspace.asRelativePath(target);
  try {
    await vscode.workspace.fs.writeFile(target, typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content));
  } catch (error) {
    log.error(explainError(error));
    await vscode.window.showErrorMessage(vscode.l10n.t('{0} could not be written: {1}', shown, error instanceof Error ? error.message : String(error)));
    return undefined;
  }
  vscode.window.setStatusBarMessage(vscode.l10n.t('Saved: {0}', shown), 5000);
  return shown;
}
