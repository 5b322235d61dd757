/** Quick fixes at a problem (light bulb, Ctrl+.), and one source action for all that need no choice. */
import * as vscode from 'vscode';
import { type Diagnostics, problemOf } from '../diagnostics.ts';
import { openText, room, SELECTOR, toEdit } from './room.ts';

const FIX_ALL = vscode.CodeActionKind.SourceFixAll.append('distillLab');

export function codeActions(diagnostics: Diagnostics): vscode.Disposable {
  return vscode.languages.registerCodeActionsProvider(SELECTOR, {
    provideCodeActions: async (document, _, { diagnostics: shown, only }) => {
      if (only?.contains(FIX_ALL) === true) return fixAllOf(document);
      // Asked for without a kind, or for quick fixes: not for refactorings.
      return only === undefined || only.intersects(vscode.CodeActionKind.QuickFix) ? quickFixes(diagnostics, document, shown) : [];
    },
  }, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, FIX_ALL] });
}

async function quickFixes(diagnostics: Diagnostics, document: vscode.TextDocument, shown: readonly vscode.Diagnostic[]): Promise<vscode.CodeAction[]> {
  if (shown.length === 0) return [];
  const problems = await diagnostics.problemsOf(document);
  const { fixesFor } = await room();
  const text = openText(document);
  return shown.flatMap((diagnostic) => {
    const problem = problemOf(diagnostic, problems);
    return problem === undefined ? [] : fixesFor(text, problem, vscode.l10n.t).map(({ title, edit, isPreferred }) => {
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.edit = new vscode.WorkspaceEdit();
      action.edit.set(document.uri, [toEdit(document, edit)]);
      action.diagnostics = [diagnostic];
      action.isPreferred = isPreferred;
      return action;
    });
  });
}

async function fixAllOf(document: vscode.TextDocument): Promise<vscode.CodeAction[]> {
  const { fixAll } = await room();
  const edit = fixAll(openText(document));
  if (edit === undefined) return [];
  const action = new vscode.CodeAction(vscode.l10n.t('Fix all slips that have one clear repair'), FIX_ALL);
  action.edit = new vscode.WorkspaceEdit();
  action.edit.set(document.uri, [toEdit(document, edit)]);
  return [action];
}
