/** The curves of all runs: one chart a quantity, one line a run or experiment; what the charts share is held here. */
import { chartsOfRuns, chartSvg } from '../../src/comparison/curves.ts';
import { paletteOf } from '../../src/charts/palette.ts';
import { type ChartSpec } from '../curves/charts.ts';
import { ChartView, type Curves } from '../curves/chartView.ts';
import { NO_MARKS } from '../curves/marks.ts';
import { extent, type Source, sourceOfRuns } from '../curves/samples.ts';
import { button, checkbox, element, perFrame, segmented, setText, show, slider } from '../dom.ts';
import { formatCount, formatDuration } from '../format.ts';
import { type Axis } from '../model.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';
import { pngOf } from '../png.ts';
import { without } from './state.ts';

const AXES = [{ value: 'step', label: t('Step') }, { value: 'epoch', label: t('Epoch') }, { value: 'time', label: t('Time') }] as const;
const UNITS: Readonly<Record<Axis, string>> = { step: t('steps'), epoch: t('epochs'), time: t('minutes of training') };
/** Milliseconds of a frame that drawing may take before the rest waits for the next. */
const FRAME_SHARE = 8;

interface Shown {
  readonly view: ChartView;
  /** Of the chart on the page, and of what is written of it. */
  readonly source: Source;
}

export class CurvesBand implements Curves {
  readonly node: HTMLElement;
  readonly redraw = perFrame(() => { this.draw(); });
  readonly #context: Context;
  readonly #tools = element('div', { class: 'tools' });
  readonly #grid = element('div', { class: 'charts' });
  readonly #hint = element('p', { class: 'hint' });
  readonly #place = element('span', { class: 'number place' });
  readonly #waiting = element('p', { class: 'empty' }, t('No value yet.'));
  readonly #seen: IntersectionObserver;
  readonly #moveCursor = perFrame(() => { this.#showCursor(); });
  readonly #paintRest = perFrame(() => { this.#paintSome(); });
  #charts: Shown[] = [];
  #pending: Shown[] = [];
  #signature = '';
  #cursorAt: number | undefined;
  #reset: HTMLButtonElement | undefined;

  constructor(context: Context) {
    this.#context = context;
    this.node = element('section', { class: 'band curves', 'aria-label': t('Curves') }, this.#tools, this.#waiting, this.#grid, this.#hint);
    this.#seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const chart = this.#charts.find(({ view }) => view.node === entry.target);
        if (chart !== undefined) chart.view.visible = entry.isIntersecting;
      }
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.redraw();
    }, { rootMargin: '120px' });
    this.buildTools();
  }

  /** Also after a saved view was taken. */
  buildTools(): void {
    const view = this.#context.view();
    this.#reset = button(t('Show everything'), () => { this.zoom(undefined); }, { class: 'link' });
    this.#tools.replaceChildren(
      element('h2', {}, t('Curves')),
      segmented(t('Axis'), 'axis', AXES, view.axis, (axis) => { this.#setAxis(axis); }),
      slider({ label: t('Smoothing'), low: 0, high: 0.99, step: 0.01, value: view.smoothing, say: (value) => value.toFixed(2), change: (smoothing) => { this.#context.setView({ smoothing }); } }),
      checkbox(t('Logarithmic'), view.logarithmic, (logarithmic) => { this.#context.setView({ logarithmic }); }),
      this.#reset, this.#place,
    );
  }

  /** Runs go at different speeds: a part of one axis is no part of another. */
  #setAxis(axis: Axis): void {
    this.#cursorAt = undefined;
    this.#context.replaceView({ ...without(this.#context.view(), 'zoom'), axis });
  }

  cursor(x: number | undefined, spoken: boolean): void {
    this.#cursorAt = x;
    this.#moveCursor();
    const focused = spoken ? this.#charts.find(({ view }) => view.focused) : undefined;
    if (focused !== undefined) this.#context.announce(`${this.#placeText()}. ${focused.view.describe(x)}`);
  }

  cursorAt(): number | undefined {
    return this.#cursorAt;
  }

  #showCursor(): void {
    for (const { view } of this.#charts) view.showCursor(this.#cursorAt);
    setText(this.#place, this.#placeText());
  }

  #placeText(): string {
    const x = this.#cursorAt;
    if (x === undefined) return '';
    const { axis } = this.#context.view();
    return axis === 'step' ? t('step {0}', formatCount(x)) : axis === 'epoch' ? t('epoch {0}', x.toFixed(2)) : t('after {0}', formatDuration(60 * x));
  }

  zoom(range: [number, number] | undefined): void {
    const view = this.#context.view();
    const [low, high] = this.#extent();
    const cut = range === undefined ? undefined : [Math.max(low, range[0]), Math.min(high, range[1])] as const;
    if (cut === undefined || cut[1] <= cut[0] || (cut[0] <= low && cut[1] >= high)) this.#context.replaceView(without(view, 'zoom'));
    else this.#context.setView({ zoom: cut });
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
    show(this.#tools, specs.length > 0);
    this.#pending = [...this.#charts];
    this.#paintSome();
    const { zoom, axis } = this.#context.view();
    if (this.#reset !== undefined) show(this.#reset, zoom !== undefined);
    const words = [t('x axis: {0}', UNITS[axis]), t('drag to zoom, double-click to see everything'), ...(entries.some(({ runs }) => runs.length > 1) ? [t('bands: mean ± standard deviation over seeds')] : [])];
    setText(this.#hint, specs.length === 0 ? '' : words.join(' · '));
  }

  #paintSome(): void {
    const until = performance.now() + FRAME_SHARE;
    const [view, theme] = [this.#context.view(), this.#context.theme()];
    const range = view.zoom ?? this.#extent();
    for (let chart = this.#pending.shift(); chart !== undefined; chart = this.#pending.shift()) {
      chart.view.update({ view, theme, range, marks: NO_MARKS, waiting: t('No value yet.'), note: '' });
      chart.view.label(UNITS[view.axis]);
      if (performance.now() > until) break;
    }
    if (this.#pending.length > 0) this.#paintRest();
  }

  /** Charts are made anew only when there are other lines to show. */
  #arrange(specs: readonly ChartSpec[]): void {
    const signature = JSON.stringify(specs);
    if (signature === this.#signature) return;
    this.#signature = signature;
    for (const { view } of this.#charts) {
      this.#seen.unobserve(view.node);
      view.destroy();
    }
    this.#charts = specs.map((spec) => {
      const source = sourceOfRuns(this.#context.models);
      const view = new ChartView(spec, this, source);
      view.node.querySelector('figcaption')?.append(this.#saveButtons(spec));
      return { view, source };
    });
    this.#grid.replaceChildren(...this.#charts.map(({ view }) => view.node));
    for (const { view } of this.#charts) this.#seen.observe(view.node);
  }

  #saveButtons(spec: ChartSpec): HTMLElement {
    const make = (kind: 'SVG' | 'PNG', save: () => void): HTMLButtonElement => button(kind, save, { class: 'quiet', 'aria-label': t('Save {0} as {1}', spec.title, kind), title: t('Save this chart as {0}', kind) });
    return element('span', { class: 'savers' },
      make('SVG', () => { this.#context.send({ type: 'save', kind: 'svg', name: spec.title, content: this.svg(spec) }); }),
      make('PNG', () => { void this.#savePng(spec); }));
  }

  async #savePng(spec: ChartSpec): Promise<void> {
    const content = await pngOf(this.svg(spec));
    if (content !== undefined) this.#context.send({ type: 'save', kind: 'png', name: spec.title, content });
  }

  /** On white: such pictures go into papers and mails. */
  svg(spec: ChartSpec): string {
    const view = this.#context.view();
    const isHidden = ({ group }: { readonly group?: string }): boolean => group !== undefined && view.hidden.includes(group);
    return chartSvg(spec, sourceOfRuns(this.#context.models), { axis: view.axis, range: view.zoom ?? this.#extent(), smoothing: view.smoothing, logarithmic: view.logarithmic, isHidden }, paletteOf('light'));
  }

  /** All charts, for a report. */
  svgs(): string[] {
    return this.#charts.map(({ view }) => this.svg(view.spec));
  }
}
