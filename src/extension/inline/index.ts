/** What runs leave in the experiment that they were made of. Loaded when the first experiment is seen. */
import * as vscode from 'vscode';
import { inBackground, isExperiment, LANGUAGE, type Context } from '../context.ts';

export function inlineResults(context: Pick<Context, 'log' | 'runs' | 'diagnostics'>): vscode.Disposable {
  const parts: vscode.Disposable[] = [];
  const start = async (): Promise<void> => {
    const [{ InlineCharts }, { Failures }, { drawVisible }] = await Promise.all([import('./inlineCharts.ts'), import('./failures.ts'), import('./visible.ts')]);
    const charts = new InlineCharts(context.runs);
    const failures = new Failures(context.runs, context.diagnostics);
    parts.push(charts, failures,
      vscode.languages.registerHoverProvider({ language: LANGUAGE, scheme: 'file' }, charts),
      drawVisible(context.runs, context.log, ['distillLab.inlineCharts', 'distillLab.gutterMarks', 'editor.fontSize'], [charts, failures]));
  };
  const startOnce = (): void => {
    if (!vscode.window.visibleTextEditors.some(({ document }) => isExperiment(document))) return;
    first.dispose();
    inBackground(context.log, start());
  };
  const first = vscode.window.onDidChangeVisibleTextEditors(startOnce);
  startOnce();
  return new vscode.Disposable(() => { vscode.Disposable.from(first, ...parts).dispose(); });
}
