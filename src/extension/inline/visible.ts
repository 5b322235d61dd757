/**
 * When to draw into experiments: those that are seen, at most once a second while runs grow, at once when the look
 * changes, and never between two keystrokes.
 */
import * as vscode from 'vscode';
import { inBackground, isExperiment } from '../context.ts';
import { type Runs } from '../runs.ts';

/** Long enough that a pause is one, short enough that nobody waits for it. */
const TYPING_MS = 700;
const LIVE_MS = 1000;

export interface Drawer {
  /** @param isCurrent whether what was read of the document still holds: to be asked after every wait. */
  draw(document: vscode.TextDocument, editors: readonly vscode.TextEditor[], isCurrent: () => boolean): Promise<void>;
  /** Right after a keystroke: for what must not stay as it is until the pause. */
  edited?(event: vscode.TextDocumentChangeEvent, editors: readonly vscode.TextEditor[]): void;
  closed?(document: vscode.TextDocument): void;
}

/** @param settings sections that change what is drawn. */
export function drawVisible(runs: Runs, log: vscode.LogOutputChannel, settings: readonly string[], drawers: readonly Drawer[]): vscode.Disposable {
  const typing = new Map<vscode.TextDocument, NodeJS.Timeout>();
  let timer: NodeJS.Timeout | undefined;
  let due = Infinity;
  let drawn = 0;
  let drawing = false;
  let disposed = false;

  const look = async (): Promise<void> => {
    for (const [document, editors] of visible()) {
      if (typing.has(document)) continue;
      const { version } = document;
      const isCurrent = (): boolean => !disposed && document.version === version && !document.isClosed && !typing.has(document);
      for (const drawer of drawers) if (isCurrent()) await drawer.draw(document, editors, isCurrent);
    }
  };
  const schedule = (at: number): void => {
    if (disposed || at >= due) return;
    due = at;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // One look at a time: what came meanwhile has its own after it.
      if (drawing) {
        due = Infinity;
        schedule(Date.now() + 100);
        return;
      }
      due = Infinity;
      drawn = Date.now();
      drawing = true;
      inBackground(log, look().finally(() => { drawing = false; }));
    }, Math.max(0, at - Date.now()));
  };
  const now = (): void => { schedule(Date.now()); };

  now();
  return vscode.Disposable.from(
    runs.onDidChange(() => { if (visible().size > 0) schedule(drawn + LIVE_MS); }),
    vscode.window.onDidChangeVisibleTextEditors(now),
    vscode.window.onDidChangeActiveColorTheme(now),
    vscode.workspace.onDidChangeConfiguration((event) => { if (settings.some((section) => event.affectsConfiguration(section))) now(); }),
    vscode.workspace.onDidChangeTextDocument((event) => {
      const { document } = event;
      if (!isExperiment(document) || event.contentChanges.length === 0) return;
      const editors = visible().get(document) ?? [];
      for (const drawer of drawers) drawer.edited?.(event, editors);
      clearTimeout(typing.get(document));
      typing.set(document, setTimeout(() => {
        typing.delete(document);
        now();
      }, TYPING_MS));
    }),
    vscode.workspace.onDidCloseTextDocument((document) => {
      clearTimeout(typing.get(document));
      typing.delete(document);
      for (const drawer of drawers) drawer.closed?.(document);
    }),
    new vscode.Disposable(() => {
      disposed = true;
      for (const pause of [timer, ...typing.values()]) clearTimeout(pause);
    }),
  );
}

/** The experiments on disk that are seen, each with its editors. */
function visible(): ReadonlyMap<vscode.TextDocument, readonly vscode.TextEditor[]> {
  const editors = vscode.window.visibleTextEditors.filter(({ document }) => isExperiment(document) && document.uri.scheme === 'file');
  const byDocument = new Map<vscode.TextDocument, vscode.TextEditor[]>();
  for (const editor of editors) byDocument.set(editor.document, [...(byDocument.get(editor.document) ?? []), editor]);
  return byDocument;
}
