/** The shell of a page in an editor's tab: loaded, and loaded anew where the page does not come up. */
import * as vscode from 'vscode';
import { newNonce, pageHtml } from './html.ts';

/** How long a page may take to say that it is there; then it is loaded anew. Twice as long each time, for the machine may be slow. */
const PATIENCE_MS = 4000;
const MOST_PATIENCE_MS = 32_000;
/** Where this process was busy meanwhile, the page's word may lie unread: timers come before messages. */
const LAST_WORD_MS = 250;

export interface ShellParts {
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  /** Of the page's script and style sheet in `dist`. */
  readonly name: string;
}

/**
 * An editor that restores several tabs at once on a busy machine may load a page before what serves its files is ready: script and
 * style sheet are then never had, and the tab stays empty for good.
 */
export class Shell implements vscode.Disposable {
  readonly #panel: vscode.WebviewPanel;
  readonly #parts: ShellParts;
  readonly #watching: vscode.Disposable;
  #isThere = false;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(panel: vscode.WebviewPanel, parts: ShellParts) {
    this.#panel = panel;
    this.#parts = parts;
    this.#watching = panel.onDidChangeViewState(() => {
      // A hidden page is thrown away, and loaded by the editor itself when it is seen again.
      if (!panel.visible) this.#isThere = false;
      if (!this.#isThere) this.#wait();
    });
    this.#load();
  }

  /** The page has said that it is there. */
  arrived(): void {
    this.#isThere = true;
    this.#tries = 0;
    clearTimeout(this.#timer);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#watching.dispose();
  }

  #load(): void {
    const { webview, title } = this.#panel;
    const { extensionUri, name } = this.#parts;
    const address = (file: string): string => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, 'dist', file)).toString();
    webview.html = pageHtml({
      cspSource: webview.cspSource, script: address(`${name}.js`), style: address(`${name}.css`),
      nonce: newNonce(), language: vscode.env.language, title, words: vscode.l10n.bundle,
    });
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.#panel.visible) return;
    const patience = Math.min(PATIENCE_MS * 2 ** this.#tries, MOST_PATIENCE_MS);
    this.#timer = setTimeout(() => {
      this.#timer = setTimeout(() => {
        this.#tries += 1;
        this.#parts.log.warn(`The page of ${this.#panel.title} did not come up within ${patience / 1000} s; it is loaded anew.`);
        this.#load();
      }, LAST_WORD_MS);
    }, patience);
  }
}
