/** The curves of all runs: one chart a quantity, one line a run or experiment; what the charts share is held here. */
import { chartCsv } from '../../src/comparison/chartCsv.ts';
import { chartsOfRuns, chartSvg } from '../../src/comparison/curves.ts';
import { paletteOf } from '../../src/charts/palette.ts';
import { type FileKind } from '../contract.ts';
import { CurveTools, cutTo, placeText, UNITS } from '../curves/axis.ts';
import { ChartView, type Curves } from '../curves/chartView.ts';
import { type ChartSpec } from '../curves/charts.ts';
import { NO_MARKS } from '../curves/marks.ts';
import { extent, sourceOfRuns } from '../curves/samples.ts';
import { Turns } from '../curves/turns.ts';
import { element, perFrame, setText, show } from '../dom.ts';
import { without } from '../looks.ts';
import { type Axis } from '../model.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';
import { pngOf } from '../png.ts';

export class CurvesBand implements Curves {
  readonly node: HTMLElement;
  readonly redraw = perFrame(() => { this.draw(); });
  readonly #context: Context;
  readonly #tools: CurveTools;
  readonly #grid = element('div', { class: 'charts' });
  readonly #hint = element('p', { class: 'hint' });
  readonly #waiting = element('p', { class: 'empty' }, t('No value yet.'));
  readonly #seen: IntersectionObserver;
  readonly #moveCursor = perFrame(() => { this.#showCursor(); });
  readonly #turns = new Turns<ChartView>();
  #charts: ChartView[] = [];
  #signature = '';
  #cursorAt: number | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.#tools = new CurveTools({ setAxis: (axis) => { this.#setAxis(axis); }, change: (change) => { context.setView(change); }, showEverything: () => { this.zoom(undefined); } });
    this.#tools.build(context.view());
    this.node = element('section', { class: 'band curves', 'aria-label': t('Curves') }, this.#tools.node, this.#waiting, this.#grid, this.#hint);
    this.#seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const chart = this.#charts.find(({ node }) => node === entry.target);
        if (chart !== undefined) chart.visible = entry.isIntersecting;
      }
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.redraw();
    }, { rootMargin: '120px' });
  }

  /** Runs go at different speeds: a part of one axis is no part of another. */
  #setAxis(axis: Axis): void {
    this.#cursorAt = undefined;
    this.#context.replaceView({ ...without(this.#context.view(), 'zoom'), axis });
  }

  cursor(x: number | undefined, spoken: boolean): void {
    this.#cursorAt = x;
    this.#moveCursor();
    const focused = spoken ? this.#charts.find((chart) => chart.focused) : undefined;
    if (focused !== undefined) this.#context.announce(`${placeText(x, this.#context.view().axis)}. ${focused.describe(x)}`);
  }

  cursorAt(): number | undefined {
    return this.#cursorAt;
  }

  #showCursor(): void {
    for (const chart of this.#charts) chart.showCursor(this.#cursorAt);
    this.#tools.showPlace(this.#cursorAt, this.#context.view().axis);
  }

  zoom(range: [number, number] | undefined): void {
    const zoom = cutTo(range, this.#extent());
    if (zoom === undefined) this.#context.replaceView(without(this.#context.view(), 'zoom'));
    else this.#context.setView({ zoom });
  }

  toggle(keys: readonly string[], hidden: boolean): void {
    const others = this.#context.view().hidden.filter((key) => !keys.includes(key));
    this.#context.setView({ hidden: hidden ? [...others, ...keys] : others });
  }

  /** As far as the longest of them goes. */
  #extent(): [number, number] {
    const { axis } = this.#context.view();
    const ends = [...this.#context.models.values()].filter((model) => model.arms.size > 0 || model.evaluations.size > 0).map((model) => extent(model, axis)[1]);
    return [0, ends.length === 0 ? 1 : Math.max(...ends)];
  }

  draw(): void {
    const { entries } = this.#context.comparison();
    const specs = chartsOfRuns({ entries, order: this.#context.order(), models: this.#context.models });
    this.#arrange(specs);
    show(this.#waiting, specs.length === 0);
    show(this.#tools.node, specs.length > 0);
    const [view, theme] = [this.#context.view(), this.#context.theme()];
    const { zoom, axis } = view;
    const range = zoom ?? this.#extent();
    this.#turns.paint(this.#charts, (chart) => {
      chart.update({ view, theme, range, marks: NO_MARKS, waiting: t('No value yet.'), note: '' });
      chart.label(UNITS[axis]);
    });
    this.#tools.showZoomed(zoom !== undefined);
    const words = [t('x axis: {0}', UNITS[axis]), t('drag to zoom, double-click to see everything'), ...(entries.some(({ runs }) => runs.length > 1) ? [t('bands: mean ± standard deviation over seeds')] : [])];
    setText(this.#hint, specs.length === 0 ? '' : words.join(' · '));
  }

  /** Charts are made anew only when there are other lines to show. */
  #arrange(specs: readonly ChartSpec[]): void {
    const signature = JSON.stringify(specs);
    if (signature === this.#signature) return;
    this.#signature = signature;
    for (const chart of this.#charts) {
      this.#seen.unobserve(chart.node);
      chart.destroy();
    }
    this.#charts = specs.map((spec) => new ChartView(spec, this, sourceOfRuns(this.#context.models), (kind, chart) => { this.#save(kind, chart); }));
    this.#grid.replaceChildren(...this.#charts.map(({ node }) => node));
    for (const { node } of this.#charts) this.#seen.observe(node);
  }

  #save(kind: FileKind, { spec, isHidden }: ChartView): void {
    const keep = (content: string | ArrayBuffer): void => { this.#context.send({ type: 'save', kind, name: spec.title, content }); };
    const { axis, zoom } = this.#context.view();
    if (kind === 'csv') keep(chartCsv(spec, sourceOfRuns(this.#context.models), { axis, range: zoom ?? this.#extent(), isHidden }));
    else if (kind === 'svg') keep(this.svg(spec));
    else void pngOf(this.svg(spec)).then((png) => { if (png !== undefined) keep(png); });
  }

  /** On white: such pictures go into papers and mails. */
  svg(spec: ChartSpec): string {
    const view = this.#context.view();
    const isHidden = ({ group }: { readonly group?: string }): boolean => group !== undefined && view.hidden.includes(group);
    return chartSvg(spec, sourceOfRuns(this.#context.models), { axis: view.axis, range: view.zoom ?? this.#extent(), smoothing: view.smoothing, logarithmic: view.logarithmic, isHidden }, paletteOf('light'));
  }

  /** All charts, for a report. */
  svgs(): string[] {
    return this.#charts.map(({ spec }) => this.svg(spec));
  }
}
