/**
 * What is wrong with an experiment file, at its place: problems of the text while it is edited, and the line
 * that made the last run fail, until it is changed or the run goes again.
 */
import path from 'node:path';
import * as vscode from 'vscode';
import { type Span } from '../experiment/positions.ts';
import { type Problem } from '../experiment/problems.ts';
import { inBackground, isExperiment } from './context.ts';
import { errorPage } from './errorPages.ts';
import { type Run } from './run.ts';
import { withRelativePaths } from './settings.ts';

/** Long enough not to flicker while typing, short enough to feel immediate. */
const DEBOUNCE_MS = 250;

const SOURCE = 'distill-lab';

export class Diagnostics implements vscode.Disposable {
  private readonly problems = vscode.languages.createDiagnosticCollection('distill-lab');
  private readonly failures = vscode.languages.createDiagnosticCollection('distill-lab-run');
  private readonly timers = new Map<string, NodeJS.Timeout>();
  /** What the last check of a document found, for its quick fixes. */
  private readonly found = new Map<string, { readonly version: number; readonly problems: readonly Problem[] }>();
  private readonly log: vscode.LogOutputChannel;
  private readonly subscriptions: vscode.Disposable;

  constructor(log: vscode.LogOutputChannel) {
    this.log = log;
    this.subscriptions = vscode.Disposable.from(
      vscode.workspace.onDidOpenTextDocument((document) => { this.schedule(document, 0); }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => { this.schedule(document, DEBOUNCE_MS); }),
      vscode.workspace.onDidCloseTextDocument((document) => { this.forget(document.uri); }),
    );
    for (const document of vscode.workspace.textDocuments) this.schedule(document, 0);
  }

  /** Checks a document now and shows what was found; returns the errors. */
  async check(document: vscode.TextDocument): Promise<readonly Problem[]> {
    const all = await this.read(document);
    return all.filter(({ severity }) => severity === 'error');
  }

  /** Everything that is wrong with the document as it is now, warnings included. */
  async problemsOf(document: vscode.TextDocument): Promise<readonly Problem[]> {
    const found = this.found.get(document.uri.toString());
    return found?.version === document.version ? found.problems : this.read(document);
  }

  private async read(document: vscode.TextDocument): Promise<readonly Problem[]> {
    const { readExperiment } = await import('../experiment/load.ts');
    const { version } = document;
    const { experiment, positions, problems } = readExperiment(document.getText(), document.uri.fsPath);
    const all = [...problems];
    // Paths of the file are followed only where the user trusts it.
    if (experiment !== undefined && vscode.workspace.isTrusted && document.uri.scheme === 'file') {
      const { checkFiles } = await import('../experiment/files.ts');
      all.push(...checkFiles(experiment, path.dirname(document.uri.fsPath), positions));
    }
    // A later change has its own check under way.
    if (document.version === version && !document.isClosed) {
      this.found.set(document.uri.toString(), { version, problems: all });
      this.problems.set(document.uri, all.map((problem) => toDiagnostic(problem, document.uri)));
    }
    return all;
  }

  /** Marks the line of the experiment that made a run fail. @param line 1-based, where edits have moved it since. */
  showFailure({ error, sourceFile }: Run, line = error?.line): void {
    if (error === undefined || line === undefined || sourceFile === undefined) return;
    const diagnostic = new vscode.Diagnostic(wholeLine(line), withRelativePaths(error.message), vscode.DiagnosticSeverity.Error);
    diagnostic.source = vscode.l10n.t('last run');
    diagnostic.code = { value: error.code, target: errorPage(error.code) };
    this.failures.set(vscode.Uri.file(sourceFile), [diagnostic]);
  }

  clearFailure(file: vscode.Uri): void {
    this.failures.delete(file);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    vscode.Disposable.from(this.problems, this.failures, this.subscriptions).dispose();
  }

  private schedule(document: vscode.TextDocument, delay: number): void {
    if (!isExperiment(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.timers.get(key));
    this.timers.set(key, setTimeout(() => {
      this.timers.delete(key);
      inBackground(this.log, this.check(document));
    }, delay));
  }

  private forget(uri: vscode.Uri): void {
    clearTimeout(this.timers.get(uri.toString()));
    this.timers.delete(uri.toString());
    this.found.delete(uri.toString());
    this.problems.delete(uri);
  }
}

/** @param uri of the document, which related places lie in too. */
function toDiagnostic(problem: Problem, uri: vscode.Uri): vscode.Diagnostic {
  const { range, message, expected, got, advice, related = [], idle } = problem;
  const lines = [message];
  if (expected !== undefined) lines.push(vscode.l10n.t('Expected: {0}', expected));
  if (got !== undefined) lines.push(vscode.l10n.t('Got: {0}', got));
  if (advice !== undefined) lines.push(advice);
  const severity = problem.severity === 'error' ? vscode.DiagnosticSeverity.Error : vscode.DiagnosticSeverity.Warning;
  const diagnostic = new vscode.Diagnostic(rangeOf(range), withRelativePaths(lines.join('\n')), severity);
  diagnostic.source = SOURCE;
  diagnostic.code = { value: problem.code, target: errorPage(problem.code) };
  if (idle === true) diagnostic.tags = [vscode.DiagnosticTag.Unnecessary];
  diagnostic.relatedInformation = related.map((each) => new vscode.DiagnosticRelatedInformation(new vscode.Location(uri, rangeOf(each.range)), each.message));
  return diagnostic;
}

/** The top of the file for what does not stand in it. */
function rangeOf(span: Span | undefined): vscode.Range {
  return span === undefined ? new vscode.Range(0, 0, 0, 0) : new vscode.Range(span.line - 1, span.column - 1, span.endLine - 1, span.endColumn - 1);
}

/** The problem that a diagnostic of this collection shows. */
export function problemOf(diagnostic: vscode.Diagnostic, problems: readonly Problem[]): Problem | undefined {
  const { code, source, range } = diagnostic;
  const value = typeof code === 'object' ? code.value : code;
  return source === SOURCE ? problems.find((problem) => problem.code === value && rangeOf(problem.range).isEqual(range) && diagnostic.message.startsWith(withRelativePaths(problem.message))) : undefined;
}

/** @param line 1-based. VS Code cuts the end to the line's real length. */
export function wholeLine(line: number): vscode.Range {
  return new vscode.Range(line - 1, 0, line - 1, Number.MAX_SAFE_INTEGER);
}
