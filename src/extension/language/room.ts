/** The language room from the editor's side: its bundle, opened when first needed, and its plain data as VS Code's. */
import path from 'node:path';
import * as vscode from 'vscode';
import type * as Room from '../../language/index.ts';
import { type OpenText, type TextEdit, type TextRange } from '../../language/types.ts';
import { LANGUAGE } from '../context.ts';

/** Experiments and nothing else: other YAML files have their own extensions. */
export const SELECTOR: vscode.DocumentSelector = { language: LANGUAGE };

/** `dist/language.js`. Evaluated once, with the first experiment. */
export async function room(): Promise<typeof Room> {
  return import('../../language/index.ts');
}

export function openText(document: vscode.TextDocument): OpenText {
  return { text: document.getText(), file: document.uri.fsPath };
}

/** The folder that relative paths of this experiment start at. */
export function baseFolder(document: vscode.TextDocument): string {
  return path.dirname(document.uri.fsPath);
}

export function toRange(document: vscode.TextDocument, { start, end }: TextRange): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}

export function toEdit(document: vscode.TextDocument, { range, text }: TextEdit): vscode.TextEdit {
  return vscode.TextEdit.replace(toRange(document, range), text);
}
