/**
 * After `name:` how AP grew, after each method how its loss fell: drawn behind the end of the line, where nothing moves
 * for it. The large charts are made when somebody asks for one by hovering.
 */
import * as vscode from 'vscode';
import { paletteOf } from '../../charts/index.ts';
import { parseYaml } from '../../experiment/yamlTree.ts';
import { clip } from '../../../webview/format.ts';
import { type LossSeries } from '../../store/losses.ts';
import { type Run } from '../run.ts';
import { type Runs } from '../runs.ts';
import { isOn } from '../settings.ts';
import { apChart, apSpark, chartMarkdown, lastValue, lossChart, lossSpark, sparkUri } from './charts.ts';
import { lineEnd } from './lineEnd.ts';
import { followed, type Place, placesOf } from './places.ts';
import { Losses, runWithAp, runWithLosses, titleOf } from './results.ts';
import { themeKind } from './theme.ts';
import { type Drawer } from './visible.ts';
import { apText, dateFormat, lossText, runsTable } from './words.ts';

interface Mark {
  readonly line: number;
  readonly uri: string;
  readonly text: string;
}

/** What is known of a document's text. An edit is followed by lines; a pause reads the text anew. */
interface Known {
  readonly version: number;
  readonly places: readonly Place[];
}

export class InlineCharts implements Drawer, vscode.HoverProvider, vscode.Disposable {
  readonly #runs: Runs;
  readonly #type = vscode.window.createTextEditorDecorationType({ rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed });
  readonly #losses = new Losses();
  readonly #known = new WeakMap<vscode.TextDocument, Known>();
  readonly #marks = new WeakMap<vscode.TextDocument, readonly Mark[]>();
  /** What each editor shows, to leave it alone when that is what it should. */
  readonly #shown = new WeakMap<vscode.TextEditor, string>();

  constructor(runs: Runs) {
    this.#runs = runs;
  }

  async draw(document: vscode.TextDocument, editors: readonly vscode.TextEditor[], isCurrent: () => boolean): Promise<void> {
    const own = this.#runs.allOf(document.uri.fsPath);
    const run = isOn('inlineCharts.losses', document.uri) ? runWithLosses(own) : undefined;
    const show = (series: LossSeries | undefined): void => {
      const marks = this.#marksOf(document, own, run === undefined || series === undefined ? undefined : { run, series });
      this.#marks.set(document, marks);
      this.#show(marks, editors);
    };
    // Losses of a long run take a moment to be read: the rest does not wait for them.
    show(run === undefined ? undefined : this.#losses.known(run));
    if (run === undefined) return;
    const series = await this.#losses.of(run);
    if (isCurrent()) show(series);
  }

  /** A line that is being typed in is left to the one who types. */
  edited({ document, contentChanges }: vscode.TextDocumentChangeEvent, editors: readonly vscode.TextEditor[]): void {
    const known = this.#known.get(document);
    if (known !== undefined) this.#known.set(document, { ...known, places: followed(known.places, contentChanges).places });
    const { places, touched } = followed(this.#marks.get(document) ?? [], contentChanges);
    this.#marks.set(document, places);
    if (touched) this.#show(places, editors);
  }

  async provideHover(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Hover | undefined> {
    const end = document.lineAt(position.line).range.end;
    const here = this.#placesOf(document).filter(({ line }) => line === position.line);
    if (here.length === 0 || position.isBefore(end)) return undefined;
    const own = this.#runs.allOf(document.uri.fsPath);
    const charts: string[] = [];
    for (const place of here) charts.push(...await this.#chart(place, own, document.uri));
    if (charts.length === 0) return undefined;
    // Neither commands nor HTML: what a run folder says is text.
    const text = new vscode.MarkdownString(`${charts.join('\n\n')}\n\n${runsTable(vscode.l10n.t, own, dateFormat(vscode.env.language))}`);
    return new vscode.Hover(text, new vscode.Range(end, end));
  }

  dispose(): void {
    this.#type.dispose();
  }

  async #chart(place: Place, own: readonly Run[], uri: vscode.Uri): Promise<readonly string[]> {
    const palette = paletteOf(themeKind());
    if (place.what === 'name') {
      const run = isOn('inlineCharts.ap', uri) ? runWithAp(own) : undefined;
      return run === undefined ? [] : [chartMarkdown(apChart(vscode.l10n.t, run), palette)];
    }
    const run = isOn('inlineCharts.losses', uri) ? runWithLosses(own) : undefined;
    const loss = run === undefined ? undefined : (await this.#losses.of(run)).ofMethod(place.method);
    return run === undefined || loss === undefined ? [] : [chartMarkdown(lossChart(vscode.l10n.t, run, clip(titleOf(run, place.method), 40), loss), palette)];
  }

  /** A text that cannot be read keeps its last places. */
  #placesOf(document: vscode.TextDocument): readonly Place[] {
    const known = this.#known.get(document);
    if (known?.version === document.version) return known.places;
    const { data, positions } = parseYaml(document.getText(), document.uri.fsPath);
    const places = data === undefined ? (known?.places ?? []) : placesOf(data, positions);
    this.#known.set(document, { version: document.version, places });
    return places;
  }

  #marksOf(document: vscode.TextDocument, own: readonly Run[], losses: { readonly run: Run; readonly series: LossSeries } | undefined): readonly Mark[] {
    if (own.length === 0) return [];
    const places = this.#placesOf(document);
    const palette = paletteOf(themeKind());
    // As high as a line leaves room for above its base.
    const height = Math.max(9, Math.round(vscode.workspace.getConfiguration('editor', document).get('fontSize', 14)));
    const size = { width: 5 * height, height };
    const marks: Mark[] = [];
    const ap = isOn('inlineCharts.ap', document.uri) ? runWithAp(own) : undefined;
    for (const place of places) {
      const { line } = place;
      if (place.what === 'name') {
        const text = ap === undefined ? undefined : apText(vscode.l10n.t, ap);
        if (ap !== undefined && text !== undefined) marks.push({ line, text, uri: sparkUri(apSpark(ap), size, palette) });
        continue;
      }
      const loss = losses?.series.ofMethod(place.method);
      const last = loss === undefined ? undefined : lastValue(loss.total);
      if (losses === undefined || loss === undefined || last === undefined) continue;
      const isAlone = places.filter((other) => other.line === line).length === 1;
      marks.push({ line, text: lossText(vscode.l10n.t, last, isAlone ? undefined : clip(titleOf(losses.run, place.method), 20)), uri: sparkUri(lossSpark(losses.run, loss), size, palette) });
    }
    return marks;
  }

  #show(marks: readonly Mark[], editors: readonly vscode.TextEditor[]): void {
    const key = JSON.stringify(marks);
    for (const editor of editors) {
      if ((this.#shown.get(editor) ?? '[]') === key) continue;
      this.#shown.set(editor, key);
      editor.setDecorations(this.#type, marks.map(toDecoration));
    }
  }
}

function toDecoration({ line, uri, text }: Mark): vscode.DecorationOptions {
  return {
    range: lineEnd(line),
    renderOptions: {
      before: { contentIconPath: vscode.Uri.parse(uri), margin: '0 0 0 1.5em' },
      after: { contentText: text, color: new vscode.ThemeColor('descriptionForeground'), margin: '0 0 0 0.6em' },
    },
  };
}
