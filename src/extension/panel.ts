/**
 * One panel that shows one run. The page keeps nothing but how it is looked at: hidden, it is thrown away, and
 * when it comes back it says `ready` and gets everything again from the run folder.
 */
import * as vscode from 'vscode';
import { explainError } from '../errors.ts';
import { type Action, type RunHeader, type SoFar, type ToHost, type ToPage } from '../../webview/contract.ts';
import { inBackground } from './context.ts';
import { openMethodPage } from './methodPage.ts';
import { type RunChange, type Watch } from '../store/index.ts';
import { type Run } from './run.ts';
import { type Runs } from './runs.ts';
import { withRelativePaths } from './settings.ts';
import { Shell } from './shell.ts';

export interface PanelParts {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  readonly runs: Runs;
}

/** So many events a message: the page paints the first part while the rest is on its way. */
const EVENTS_A_MESSAGE = 5000;

export function panelOptions(extensionUri: vscode.Uri): vscode.WebviewOptions & vscode.WebviewPanelOptions {
  return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(extensionUri, 'dist')] };
}

export class RunPanel {
  private readonly panel: vscode.WebviewPanel;
  private readonly parts: PanelParts;
  private readonly subscriptions: vscode.Disposable;
  private readonly shell: Shell;
  private run: Run;
  /** Lives while the page does; a page that is hidden or loading has none. */
  private watch: Watch | undefined;
  /** Counts the pages: an answer that was on its way to an earlier one is dropped. */
  private page = 0;
  private header = '';
  private every: Every = {};

  constructor(panel: vscode.WebviewPanel, run: Run, parts: PanelParts) {
    this.panel = panel;
    this.parts = parts;
    this.run = run;
    const icon = vscode.Uri.joinPath(parts.extensionUri, 'media', 'language', 'file.svg');
    panel.iconPath = { light: icon, dark: icon };
    panel.title = run.name;
    this.shell = new Shell(panel, { extensionUri: parts.extensionUri, log: parts.log, name: 'webview' });
    this.subscriptions = vscode.Disposable.from(
      this.shell,
      panel.webview.onDidReceiveMessage((message: unknown) => { inBackground(parts.log, this.receive(message)); }),
      panel.onDidChangeViewState(() => { if (!panel.visible) this.sleep(); }),
    );
  }

  get runId(): string {
    return this.run.id;
  }

  /** Turns the panel to another run. */
  show(run: Run): void {
    this.run = run;
    this.panel.title = run.name;
    if (this.watch !== undefined) inBackground(this.parts.log, this.wake());
  }

  reveal(preserveFocus: boolean): void {
    this.panel.reveal(undefined, preserveFocus);
  }

  close(): void {
    this.panel.dispose();
  }

  /** Lets go of the panel without closing it. */
  detach(): void {
    this.sleep();
    this.subscriptions.dispose();
  }

  private async receive(data: unknown): Promise<void> {
    const { parseMessage } = await import('./messages.ts');
    const message = parseMessage(data);
    if (message === undefined) this.parts.log.warn('The page sent a message that nobody knows; it was dropped.');
    else await this.answer(message);
  }

  private async answer(message: ToHost): Promise<void> {
    switch (message.type) {
      case 'ready': {
        this.shell.arrived();
        await this.wake();
        return;
      }
      case 'action': { await this.act(message.action); return; }
      case 'methodPage': { await openMethodPage(this.parts.extensionUri, message.method); return; }
      case 'save': {
        const { saveFile } = await import('./saveFile.ts');
        await saveFile(this.parts.log, { ...message, name: `${this.run.name} ${message.name}` });
        return;
      }
      case 'pictures': {
        await this.orProblem(async () => {
          const { picturesMessage } = await import('./pictures.ts');
          this.post(await picturesMessage(this.run.folder, message.folder));
        });
        return;
      }
      case 'image': {
        await this.orProblem(async () => {
          const { imageMessage } = await import('./pictures.ts');
          this.post(await imageMessage(this.run.folder, message.file));
        });
        return;
      }
    }
  }

  private async act(action: Action): Promise<void> {
    const commands: Readonly<Record<Action, string>> = {
      stop: 'stop', kill: 'kill', resume: 'resume', further: 'trainFurther', report: 'report', log: 'showLog', line: 'goToFailure',
    };
    await vscode.commands.executeCommand(`distillLab.${commands[action]}`, this.run.id);
  }

  private async orProblem(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.parts.log.warn(explainError(error));
      this.post({ type: 'problem', message: error instanceof Error ? error.message : String(error) });
    }
  }

  /**
   * The page is there and knows nothing: it gets what is known of the run already, since a long record takes its time, then every
   * event so far, then what comes.
   */
  private async wake(): Promise<void> {
    this.sleep();
    const { page } = this;
    const { readResolved, watchRun } = await import('../store/index.ts');
    const resolved = await readResolved(this.run.folder).catch(() => undefined);
    if (page !== this.page) return;
    this.every = { pictures: resolved?.experiment.pictures.every, evaluate: resolved?.experiment.evaluate.every };
    this.tellHeader(soFarOf(this.run));
    this.post({ type: 'events', events: [], reset: true });
    this.watch = watchRun(this.run.folder, (change) => { if (page === this.page) this.send(change); });
  }

  private sleep(): void {
    this.page += 1;
    this.header = '';
    this.watch?.dispose();
    this.watch = undefined;
  }

  private send({ run, events, reset, more }: RunChange): void {
    // A record that is only half read would tell the past as the present.
    if (!more) {
      this.run = run;
      this.panel.title = run.name;
      this.tellHeader();
    }
    if (events.length === 0 && !reset) return;
    for (let first = 0; first === 0 || first < events.length; first += EVENTS_A_MESSAGE) {
      this.post({ type: 'events', events: events.slice(first, first + EVENTS_A_MESSAGE), reset: reset && first === 0 });
    }
  }

  private tellHeader(soFar?: SoFar): void {
    const header = { ...headerOf(this.run, this.every), ...(soFar === undefined ? {} : { soFar }) };
    const text = JSON.stringify(header);
    if (text !== this.header) this.post({ type: 'header', header });
    this.header = text;
  }

  private post(message: ToPage): void {
    // Resolves to false when the page went away meanwhile: it asks again when it is back.
    inBackground(this.parts.log, Promise.resolve(this.panel.webview.postMessage(message)));
  }
}

/** Steps between recordings, as the experiment says; left out there, it is a tenth of the run. */
interface Every {
  readonly pictures?: number | undefined;
  readonly evaluate?: number | undefined;
}

/** What is known of a run that has something to read. */
function soFarOf({ lastStep, totalSteps, progress, summary, engine }: Run): SoFar | undefined {
  if (lastStep === undefined) return undefined;
  return {
    arm: lastStep.arm, step: lastStep.step, total: totalSteps, progress: progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0,
    ...(summary === undefined ? {} : { summary }),
    ...(engine === undefined ? {} : { device: `${engine.device} · ${engine.precision}` }),
  };
}

function headerOf({ id, name, state, reason, error, logTail, totalSteps, damage }: Run, every: Every): RunHeader {
  const tenth = totalSteps > 0 ? Math.ceil(totalSteps / 10) : undefined;
  const { pictures = tenth, evaluate = tenth } = every;
  return {
    id, name, state, hasLine: error?.line !== undefined,
    ...(reason === undefined ? {} : { reason: withRelativePaths(reason) }),
    ...(logTail.length === 0 ? {} : { logTail: logTail.map(withRelativePaths) }),
    ...(damage === undefined ? {} : { damage }),
    ...(pictures === undefined ? {} : { picturesEvery: pictures }),
    ...(evaluate === undefined ? {} : { evaluateEvery: evaluate }),
  };
}
