/** All that helps to write an experiment, a line a part. Registering costs nothing: the room is opened with the first question. */
import * as vscode from 'vscode';
import { type Context } from '../context.ts';
import { codeActions } from './codeActions.ts';

export function languageFeatures({ diagnostics }: Pick<Context, 'diagnostics'>): vscode.Disposable {
  return vscode.Disposable.from(
    codeActions(diagnostics),
  );
}
