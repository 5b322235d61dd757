/** All that helps to write an experiment, a line a part. Registering costs nothing: the room is opened with the first question. */
import * as vscode from 'vscode';
import { type Context } from '../context.ts';
import { codeActions } from './codeActions.ts';
import { completion } from './completion.ts';
import { hover } from './hover.ts';
import { inlayHints } from './inlayHints.ts';
import { definitions, folding, formatting, outline } from './structure.ts';

export function languageFeatures({ diagnostics, extension, runs }: Pick<Context, 'diagnostics' | 'extension' | 'runs'>): vscode.Disposable {
  return vscode.Disposable.from(
    completion(runs, extension.extensionUri),
    hover(extension.extensionUri),
    codeActions(diagnostics),
    outline(),
    folding(),
    formatting(),
    definitions(),
    inlayHints(),
  );
}
