/** The open panels: one a run at most; found again after a reload. */
import * as vscode from 'vscode';
import { inBackground } from './context.ts';
import type * as Made from './panel.ts';
import { type PanelParts, type RunPanel } from './panel.ts';
import { isLive, type Run } from './run.ts';
import { type Runs } from './runs.ts';

export const VIEW_TYPE = 'distillLab.run';

export class Panels implements vscode.Disposable {
  private readonly panels = new Set<RunPanel>();
  /** From before a reload, of runs that are gone: they say so, and take the next run that is shown. */
  private readonly orphans = new Map<vscode.WebviewPanel, string>();
  private readonly parts: PanelParts;
  private readonly runs: Runs;
  private readonly subscriptions: vscode.Disposable;

  constructor(parts: PanelParts) {
    this.parts = parts;
    this.runs = parts.runs;
    this.subscriptions = vscode.Disposable.from(
      vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, { deserializeWebviewPanel: (panel, state) => this.restore(panel, state) }),
      this.runs.onDidChange(() => { inBackground(parts.log, this.reunite()); }),
    );
  }

  /** Shows a run: in its panel, else in one whose run has ended, else in a new one beside the editor. */
  async show(run: Run, { preserveFocus }: { readonly preserveFocus: boolean }): Promise<void> {
    // What follows is done in one go: two who ask at a time get one panel.
    const made = await import('./panel.ts');
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
    const [orphan] = this.orphans.keys();
    if (orphan !== undefined) {
      this.adopt(made, orphan, run);
      orphan.reveal(undefined, preserveFocus);
      return;
    }
    const options = { viewColumn: vscode.ViewColumn.Beside, preserveFocus };
    this.adopt(made, vscode.window.createWebviewPanel(VIEW_TYPE, run.name, options, made.panelOptions(this.parts.extensionUri)), run);
  }

  of(runId: string): RunPanel | undefined {
    return [...this.panels].find((panel) => panel.runId === runId);
  }

  /** Its run is gone. */
  close(runId: string): void {
    this.of(runId)?.close();
  }

  dispose(): void {
    this.subscriptions.dispose();
    // The editor keeps its panels through a reload; only what listens here ends.
    for (const panel of this.panels) panel.detach();
    this.panels.clear();
  }

  private async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const [made, { restoredRunId }] = await Promise.all([import('./panel.ts'), import('./messages.ts'), this.runs.loaded]);
    const id = restoredRunId(state);
    const run = id === undefined ? this.runs.all()[0] : this.runs.byId(id);
    // A run that has a panel already needs no second one.
    if (run === undefined ? id === undefined : this.of(run.id) !== undefined) {
      panel.dispose();
      return;
    }
    panel.webview.options = made.panelOptions(this.parts.extensionUri);
    if (run !== undefined) this.adopt(made, panel, run);
    else if (id !== undefined) await this.mourn(panel, id);
  }

  /** An empty panel would leave open what became of the run. */
  private async mourn(panel: vscode.WebviewPanel, id: string): Promise<void> {
    this.orphans.set(panel, id);
    panel.onDidDispose(() => { this.orphans.delete(panel); });
    const { wordsHtml } = await import('./html.ts');
    panel.webview.html = wordsHtml({ language: vscode.env.language, title: panel.title, sentence: vscode.l10n.t('This run is gone: its folder {0} is not there any more. The next run that you open is shown here.', id) });
  }

  /** A folder may be put back, or its disk be there again. */
  private async reunite(): Promise<void> {
    if (this.orphans.size === 0) return;
    const made = await import('./panel.ts');
    for (const [panel, id] of this.orphans) {
      const run = this.runs.byId(id);
      if (run !== undefined && this.of(id) === undefined) this.adopt(made, panel, run);
    }
  }

  private adopt(made: Pick<typeof Made, 'RunPanel'>, panel: vscode.WebviewPanel, run: Run): void {
    this.orphans.delete(panel);
    const shown = new made.RunPanel(panel, run, this.parts);
    this.panels.add(shown);
    panel.onDidDispose(() => {
      shown.detach();
      this.panels.delete(shown);
    });
  }
}
