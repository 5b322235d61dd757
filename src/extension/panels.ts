/** The open panels: one a run at most; found again after a reload. */
import * as vscode from 'vscode';
import { panelOptions, RunPanel, type PanelParts } from './panel.ts';
import { isLive, type Run } from './run.ts';
import { type Runs } from './runs.ts';

export const VIEW_TYPE = 'distillLab.run';

export class Panels implements vscode.Disposable {
  private readonly panels = new Set<RunPanel>();
  private readonly parts: PanelParts;
  private readonly runs: Runs;
  private readonly serializer: vscode.Disposable;

  constructor(parts: PanelParts) {
    this.parts = parts;
    this.runs = parts.runs;
    this.serializer = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
      deserializeWebviewPanel: (panel, state) => this.restore(panel, state),
    });
  }

  /** Shows a run: in its panel, else in one whose run has ended, else in a new one beside the editor. */
  show(run: Run, { preserveFocus }: { readonly preserveFocus: boolean }): void {
    const shown = this.of(run.id);
    if (shown !== undefined) {
      shown.reveal(preserveFocus);
      return;
    }
    const idle = [...this.panels].find(({ runId }) => {
      const other = this.runs.byId(runId);
      return other === undefined || !isLive(other);
    });
    if (idle !== undefined) {
      idle.show(run);
      idle.reveal(preserveFocus);
      return;
    }
    const options = { viewColumn: vscode.ViewColumn.Beside, preserveFocus };
    this.adopt(vscode.window.createWebviewPanel(VIEW_TYPE, run.name, options, panelOptions(this.parts.extensionUri)), run);
  }

  of(runId: string): RunPanel | undefined {
    return [...this.panels].find((panel) => panel.runId === runId);
  }

  /** Its run is gone. */
  close(runId: string): void {
    this.of(runId)?.close();
  }

  dispose(): void {
    this.serializer.dispose();
    // The editor keeps its panels through a reload; only what listens here ends.
    for (const panel of this.panels) panel.detach();
    this.panels.clear();
  }

  private async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const { restoredRunId } = await import('./messages.ts');
    await this.runs.loaded;
    const id = restoredRunId(state);
    const run = id === undefined ? this.runs.all()[0] : this.runs.byId(id);
    // A run that is gone, or one that has a panel already, needs no second one.
    if (run === undefined || this.of(run.id) !== undefined) {
      panel.dispose();
      return;
    }
    panel.webview.options = panelOptions(this.parts.extensionUri);
    this.adopt(panel, run);
  }

  private adopt(panel: vscode.WebviewPanel, run: Run): void {
    const shown = new RunPanel(panel, run, this.parts);
    this.panels.add(shown);
    panel.onDidDispose(() => {
      shown.detach();
      this.panels.delete(shown);
    });
  }
}
