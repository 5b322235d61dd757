import * as vscode from 'vscode';

/** Behind the last letter of a line (0-based): VS Code takes a column that is too large back to the line's end. */
export function lineEnd(line: number): vscode.Range {
  return new vscode.Range(line, Number.MAX_SAFE_INTEGER, line, Number.MAX_SAFE_INTEGER);
}
