/** A mark in the gutter on the line that failed the last run, and its reason among the problems, until the line is mended. */
import * as vscode from 'vscode';
import { failureMarkSvg, svgDataUri } from '../../charts/index.ts';
import { readConfig } from '../../store/runFiles.ts';
import { type Diagnostics } from '../diagnostics.ts';
import { type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { isOn } from '../settings.ts';
import { lineEnd } from './lineEnd.ts';
import { sameLine } from './places.ts';
import { themeKind } from './theme.ts';
import { type Drawer } from './visible.ts';

export class Failures implements Drawer, vscode.Disposable {
  readonly #runs: Runs;
  readonly #diagnostics: Diagnostics;
  #type = gutterType();
  #kind = themeKind();
  /** What each document is told, to tell it once. */
  readonly #told = new WeakMap<vscode.TextDocument, string>();
  /** The text that a failed run was made of. */
  readonly #texts = new WeakMap<vscode.TextDocument, { readonly run: string; readonly text: string | undefined }>();

  constructor(runs: Runs, diagnostics: Diagnostics) {
    this.#runs = runs;
    this.#diagnostics = diagnostics;
  }

  async draw(document: vscode.TextDocument, editors: readonly vscode.TextEditor[], isCurrent: () => boolean): Promise<void> {
    this.#followTheme();
    const run = this.#runs.latestOf(document.uri.fsPath);
    const line = run === undefined ? undefined : await this.#lineOf(document, run);
    if (!isCurrent()) return;
    this.#tell(document, run, line);
    // The end of the line alone: a range over the line would mark two when it is split.
    const ranges = line === undefined || !isOn('gutterMarks', document.uri) ? [] : [lineEnd(line)];
    for (const editor of editors) editor.setDecorations(this.#type, ranges);
  }

  dispose(): void {
    this.#type.dispose();
  }

  /** 0-based. */
  async #lineOf(document: vscode.TextDocument, run: Run): Promise<number | undefined> {
    const line = run.error?.line;
    if (run.state !== 'failed' || line === undefined) return undefined;
    let then = this.#texts.get(document);
    if (then?.run !== run.id) {
      then = { run: run.id, text: await readConfig(run.folder) };
      this.#texts.set(document, then);
    }
    return then.text === undefined ? undefined : sameLine(then.text, line - 1, document.getText());
  }

  #tell(document: vscode.TextDocument, run: Run | undefined, line: number | undefined): void {
    const news = line === undefined ? '' : `${run?.id ?? ''} ${line}`;
    if ((this.#told.get(document) ?? '') === news) return;
    this.#told.set(document, news);
    if (run === undefined || line === undefined) this.#diagnostics.clearFailure(document.uri);
    else this.#diagnostics.showFailure(run, line + 1);
  }

  #followTheme(): void {
    const kind = themeKind();
    if (kind === this.#kind) return;
    this.#kind = kind;
    this.#type.dispose();
    this.#type = gutterType();
  }
}

function gutterType(): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({ gutterIconPath: vscode.Uri.parse(svgDataUri(failureMarkSvg(themeKind()))), gutterIconSize: 'contain', rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed });
}
