/** The one panel in which runs are compared; found again after a reload. */
import * as vscode from 'vscode';
import { type ToHost, type ToPage } from '../../webview/compare/contract.ts';
import { type Followed } from './compared.ts';
import { inBackground } from './context.ts';
import { type PanelParts } from './panel.ts';
import { type Run } from './run.ts';
import { type Shell } from './shell.ts';
import { type SweepStatus } from '../sweep/status.ts';
import { type Sweeps } from './sweeps.ts';

export const COMPARE_VIEW_TYPE = 'distillLab.compare';

type Save = Extract<ToHost, { type: 'save' }>;

export interface ComparisonParts extends PanelParts {
  readonly sweeps: Sweeps;
}

type Makings = Awaited<ReturnType<typeof makings>>;

/** What a panel is made of. Loaded with the first one. */
async function makings() {
  const [{ Followed: Following }, { Shell: Frame }, { panelOptions }] = await Promise.all([import('./compared.ts'), import('./shell.ts'), import('./panel.ts')]);
  return { Followed: Following, Shell: Frame, panelOptions };
}

export class Comparisons implements vscode.Disposable {
  private readonly parts: ComparisonParts;
  private readonly subscriptions: vscode.Disposable;
  private open: { readonly panel: vscode.WebviewPanel; readonly followed: Followed; readonly shell: Shell; readonly subscriptions: vscode.Disposable } | undefined;
  private ids: readonly string[] = [];
  /** Id of the sweep that is compared as a whole: its runs join as they come. */
  private sweep: string | undefined;
  /** The page is there and listens. */
  private awake = false;

  constructor(parts: ComparisonParts) {
    this.parts = parts;
    this.subscriptions = vscode.Disposable.from(
      vscode.window.registerWebviewPanelSerializer(COMPARE_VIEW_TYPE, { deserializeWebviewPanel: (panel, state) => this.restore(panel, state) }),
      parts.runs.onDidChange(() => { if (this.awake && this.open !== undefined) inBackground(parts.log, this.open.followed.look()); }),
      parts.sweeps.onDidChange(() => { this.followSweep(); }),
    );
  }

  /** Ids of what is compared now. */
  get compared(): readonly string[] {
    return this.open === undefined ? [] : this.ids;
  }

  async show(runs: readonly Run[]): Promise<void> {
    this.sweep = undefined;
    await this.compare(runs.map(({ id }) => id));
  }

  async showSweep(sweep: SweepStatus): Promise<void> {
    this.sweep = sweep.id;
    await this.compare(sweep.runs.map(({ id }) => id));
  }

  private async compare(ids: readonly string[]): Promise<void> {
    this.ids = ids;
    // What follows is done in one go: two who ask at a time get one panel.
    const made = await makings();
    if (this.open === undefined) {
      this.adopt(made, vscode.window.createWebviewPanel(COMPARE_VIEW_TYPE, vscode.l10n.t('Comparison'), vscode.ViewColumn.Active, made.panelOptions(this.parts.extensionUri)));
      return;
    }
    this.open.panel.reveal();
    if (this.awake) inBackground(this.parts.log, this.open.followed.begin(this.ids, this.sweep));
  }

  private followSweep(): void {
    const sweep = this.sweep === undefined ? undefined : this.parts.sweeps.byId(this.sweep);
    const ids = sweep?.runs.map(({ id }) => id) ?? [];
    // What is deleted stays as it was last read.
    if (this.open === undefined || ids.every((id) => this.ids.includes(id))) return;
    this.ids = [...this.ids.filter((id) => !ids.includes(id)), ...ids];
    if (this.awake) inBackground(this.parts.log, this.open.followed.change(this.ids));
  }

  dispose(): void {
    this.subscriptions.dispose();
    // The editor keeps its panels through a reload; only what listens here ends.
    this.letGo();
  }

  private async restore(panel: vscode.WebviewPanel, state: unknown): Promise<void> {
    const [made, { restoredRuns, restoredSweep }] = await Promise.all([makings(), import('./compareMessages.ts'), this.parts.sweeps.loaded]);
    const sweep = this.parts.sweeps.byId(restoredSweep(state) ?? '');
    const ids = sweep !== undefined ? sweep.runs.map(({ id }) => id) : restoredRuns(state).filter((id) => this.parts.runs.byId(id) !== undefined);
    if (ids.length === 0 || this.open !== undefined) {
      panel.dispose();
      return;
    }
    this.ids = ids;
    this.sweep = sweep?.id;
    panel.webview.options = made.panelOptions(this.parts.extensionUri);
    this.adopt(made, panel);
  }

  private adopt({ Followed: Following, Shell: Frame }: Makings, panel: vscode.WebviewPanel): void {
    const { extensionUri, log, runs } = this.parts;
    const icon = vscode.Uri.joinPath(extensionUri, 'media', 'language', 'file.svg');
    panel.iconPath = { light: icon, dark: icon };
    const followed = new Following(runs, (message) => { this.post(message); });
    const shell = new Frame(panel, { extensionUri, log, name: 'compare' });
    const subscriptions = vscode.Disposable.from(
      shell,
      panel.webview.onDidReceiveMessage((message: unknown) => { inBackground(log, this.receive(message)); }),
      // A hidden page is thrown away: when it is back it says `ready` and gets everything again.
      panel.onDidChangeViewState(() => { if (!panel.visible) this.sleep(); }),
      panel.onDidDispose(() => { this.letGo(); }),
    );
    this.open = { panel, followed, shell, subscriptions };
  }

  private letGo(): void {
    this.sleep();
    this.open?.subscriptions.dispose();
    this.open = undefined;
  }

  private sleep(): void {
    this.awake = false;
    this.open?.followed.end();
  }

  private post(message: ToPage): void {
    if (this.open !== undefined) inBackground(this.parts.log, Promise.resolve(this.open.panel.webview.postMessage(message)));
  }

  private async receive(data: unknown): Promise<void> {
    const { parseCompareMessage } = await import('./compareMessages.ts');
    const message = parseCompareMessage(data);
    if (message === undefined) this.parts.log.warn('The page of the comparison sent a message that nobody knows; it was dropped.');
    else await this.answer(message);
  }

  private async answer(message: ToHost): Promise<void> {
    switch (message.type) {
      case 'ready': {
        this.awake = true;
        this.open?.shell.arrived();
        await this.open?.followed.begin(this.ids, this.sweep);
        return;
      }
      case 'choose': { await vscode.commands.executeCommand('distillLab.compare'); return; }
      case 'open': { if (this.ids.includes(message.id)) await vscode.commands.executeCommand('distillLab.openPanel', message.id); return; }
      case 'writeBest': { if (this.sweep !== undefined || this.ids.length > 0) await vscode.commands.executeCommand('distillLab.writeBest', this.sweep ?? this.parts.runs.byId(this.ids[0] ?? '')?.sweep?.id, message.metric); return; }
      case 'pictures': { await this.picture(message.id, async (folder) => (await import('./pictures.ts')).picturesMessage(folder, message.folder)); return; }
      case 'image': { await this.picture(message.id, async (folder) => (await import('./pictures.ts')).imageMessage(folder, message.file)); return; }
      case 'save': { await this.save(message); return; }
    }
  }

  /** Of compared runs only, whatever the page asks for. */
  private async picture(id: string, read: (folder: string) => Promise<Extract<ToPage, { type: 'of' }>['message']>): Promise<void> {
    const run = this.ids.includes(id) ? this.parts.runs.byId(id) : undefined;
    if (run === undefined) return;
    try {
      this.post({ type: 'of', id, message: await read(run.folder) });
    } catch (error) {
      const { explainError } = await import('../errors.ts');
      this.parts.log.warn(explainError(error));
      this.post({ type: 'of', id, message: { type: 'problem', message: error instanceof Error ? error.message : String(error) } });
    }
  }

  private async save(made: Save): Promise<void> {
    const { saveFile } = await import('./saveFile.ts');
    const name = await saveFile(this.parts.log, made);
    if (name !== undefined) this.post({ type: 'saved', name });
  }
}
