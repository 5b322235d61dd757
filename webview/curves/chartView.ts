/** One chart with its title, legend and cross-hair. Drawing only what is in sight, at most once a frame. */
import { type ChartOptions, type Chart as ChartType } from 'chart.js';
import { type FileKind, type Looks } from '../contract.ts';
import { button, element, setText, show } from '../dom.ts';
import { formatTick, formatValue } from '../format.ts';
import { type Theme } from '../theme.ts';
import { type ChartSpec, type SeriesSpec } from './charts.ts';
import { type Point } from './decimate.ts';
import { listenToDrag } from './drag.ts';
import { Legend } from './legend.ts';
import { type Marks, NO_MARKS, marksPlugin } from './marks.ts';
import { applyAxes, applyTheme, chartOptions, datasetsOf, makeRoom } from './options.ts';
import { referencesPlugin } from './references.ts';
import { Chart } from './register.ts';
import { type Source, type Window } from './samples.ts';
import { t } from '../words.ts';

/** What the charts tell each other through the band that holds them. */
export interface Curves {
  /** Place on the x axis, undefined when the pointer leaves. */
  cursor(x: number | undefined, spoken: boolean): void;
  cursorAt(): number | undefined;
  zoom(range: [number, number] | undefined): void;
  toggle(keys: readonly string[], hidden: boolean): void;
  redraw(): void;
}

/** How charts are looked at. */
export type CurveView = Pick<Looks, 'hidden' | 'axis' | 'smoothing' | 'logarithmic'>;

export interface Frame {
  readonly view: CurveView;
  readonly theme: Theme;
  readonly range: readonly [number, number];
  readonly marks: Marks;
  /** In words, where there is nothing to draw yet. */
  readonly waiting: string;
  /** Beside the title: the gain. */
  readonly note: string;
}

/** Milliseconds. */
const LABEL_EVERY = 2000;

export class ChartView {
  readonly node: HTMLElement;
  spec: ChartSpec;
  visible = true;
  readonly #chart: ChartType<'line', Point[]>;
  readonly #legend: Legend;
  readonly #source: Source;
  readonly #plot: HTMLElement;
  readonly #cursor = element('div', { class: 'cross-hair', hidden: true });
  readonly #waiting = element('p', { class: 'waiting', hidden: true });
  readonly #note = element('span', { class: 'note number' });
  readonly #curves: Curves;
  #frame: Frame | undefined;
  #marks: Marks = NO_MARKS;
  #themed: Theme | undefined;
  #lines: readonly ReturnType<typeof datasetsOf>[] = [];
  #labelled = -Infinity;

  /** @param save offers to keep the chart as a file; without it nothing is offered */
  constructor(spec: ChartSpec, curves: Curves, source: Source, save?: (kind: FileKind, chart: ChartView) => void) {
    this.spec = spec;
    this.#source = source;
    this.#curves = curves;
    this.#legend = new Legend(spec.series, spec.kind === 'shares', { toggle: (series) => { this.#toggle(series); }, solo: (series) => { this.#solo(series); } });
    const canvas = element('canvas', { 'aria-hidden': 'true' });
    this.#plot = element('div', { class: 'plot', role: 'img', tabindex: 0, 'aria-label': spec.title, 'aria-description': t('Arrow keys move the cross-hair, plus and minus zoom, Escape shows everything.') }, canvas, this.#cursor, this.#waiting);
    const title = element('h3', {}, spec.title, ...(spec.unit === undefined ? [] : [element('span', { class: 'unit' }, ` ${t('in {0}', spec.unit)}`)]));
    this.node = element('figure', { class: 'chart', 'data-chart': spec.key }, element('figcaption', {}, title, this.#note, ...(save === undefined ? [] : [this.#savers(save)])), this.#legend.node, this.#plot);
    const options = chartOptions(spec, () => { curves.redraw(); });
    this.#chart = new Chart<'line', Point[]>(canvas, { type: 'line', data: { datasets: [] }, options, plugins: [referencesPlugin(() => ({ references: this.spec.references, theme: this.#themed })), marksPlugin(() => this.#marks)] });
    this.#listen(canvas);
  }

  destroy(): void {
    this.#chart.destroy();
    this.node.remove();
  }

  #savers(save: (kind: FileKind, chart: ChartView) => void): HTMLElement {
    const { title } = this.spec;
    return element('span', { class: 'savers' }, ...(['svg', 'png', 'csv'] as const).map((kind) => {
      const name = kind.toUpperCase();
      return button(name, () => { save(kind, this); }, { class: 'quiet', 'aria-label': t('Save {0} as {1}', title, name), title: t('Save this chart as {0}', name) });
    }));
  }

  #listen(canvas: HTMLCanvasElement): void {
    this.#plot.append(listenToDrag(canvas, () => this.#chart.chartArea, (from, to) => {
      const x = this.#chart.scales.x;
      if (x !== undefined) this.#curves.zoom([x.getValueForPixel(from) ?? 0, x.getValueForPixel(to) ?? 0]);
    }));
    canvas.addEventListener('pointermove', (event) => {
      const area = this.#chart.chartArea;
      const inside = event.offsetX >= area.left && event.offsetX <= area.right;
      this.#curves.cursor(inside ? this.#chart.scales.x?.getValueForPixel(event.offsetX) : undefined, false);
    });
    canvas.addEventListener('pointerleave', () => { this.#curves.cursor(undefined, false); });
    canvas.addEventListener('dblclick', () => { this.#curves.zoom(undefined); });
    this.#plot.addEventListener('keydown', (event) => { if (this.#key(event)) event.preventDefault(); });
    this.#plot.addEventListener('blur', () => { this.#curves.cursor(undefined, false); });
  }

  #key(event: KeyboardEvent): boolean {
    const frame = this.#frame;
    if (frame === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    const [low, high] = frame.range;
    // The band's place, not the one drawn last: keys may repeat faster than frames.
    const at = this.#curves.cursorAt() ?? high;
    const move = (x: number): void => { this.#curves.cursor(Math.max(low, Math.min(high, x)), true); };
    const step = ((high - low) / 100) * (event.shiftKey ? 10 : 1);
    switch (event.key) {
      case 'ArrowLeft': move(at - step); return true;
      case 'ArrowRight': move(at + step); return true;
      case 'Home': move(low); return true;
      case 'End': move(high); return true;
      case '+': case '=': this.#curves.zoom([Math.max(low, at - (high - low) / 4), Math.min(high, at + (high - low) / 4)]); return true;
      case '-': this.#curves.zoom([low - (high - low) / 2, high + (high - low) / 2]); return true;
      case 'Escape': case '0': this.#curves.zoom(undefined); return true;
      default: return false;
    }
  }

  #at: number | undefined;

  #keyOf(series: SeriesSpec): string {
    return series.group ?? `${this.spec.key}/${series.key}`;
  }

  readonly isHidden = (series: SeriesSpec): boolean => this.#frame?.view.hidden.includes(this.#keyOf(series)) ?? false;

  #toggle(series: SeriesSpec): void {
    this.#curves.toggle([this.#keyOf(series)], !this.isHidden(series));
  }

  /** Everything else away; once more brings it back. */
  #solo(series: SeriesSpec): void {
    const others = this.spec.series.filter((other) => other !== series);
    const alone = others.every(this.isHidden);
    this.#curves.toggle([this.#keyOf(series)], false);
    this.#curves.toggle(others.map((other) => this.#keyOf(other)), !alone);
  }

  update(frame: Frame): void {
    this.#frame = frame;
    this.#marks = frame.marks;
    if (!this.visible) return;
    const { view, theme } = frame;
    const options = this.#chart.options;
    if (theme !== this.#themed) this.#retheme(theme, options);
    applyAxes(options, view.axis, frame.range, view.logarithmic, this.spec.kind);
    makeRoom(options, this.spec.references);
    const points = this.#fill(frame);
    this.#chart.update('none');
    const blank = points === 0 && this.spec.references.length === 0;
    show(this.#waiting, blank);
    this.#plot.classList.toggle('blank', blank);
    setText(this.#waiting, frame.waiting);
    setText(this.#note, frame.note);
    this.#legend.setHidden(this.isHidden);
    this.showCursor(this.#at);
  }

  #retheme(theme: Theme, options: ChartOptions<'line'>): void {
    this.#themed = theme;
    const filled = this.spec.kind === 'shares';
    applyTheme(options, theme);
    this.#legend.paint(theme, filled);
    this.#lines = this.spec.series.map((series) => datasetsOf(series, theme, filled));
    this.#chart.data.datasets = this.#lines.flatMap(({ line, raw, low, high }) => [line, raw, low, high].filter((set) => set !== undefined));
  }

  /** @returns how many points there are to see */
  #fill(frame: Frame): number {
    const { view, range } = frame;
    const window: Window = { axis: view.axis, range, buckets: Math.max(60, Math.round((this.#chart.width || 360) * 0.5)), smoothing: view.smoothing };
    const stacked = this.spec.kind === 'shares' ? this.#source.shares(this.spec.series, window, this.isHidden) : undefined;
    let below: number | undefined;
    let points = 0;
    this.spec.series.forEach((series, index) => {
      const { line, raw, low, high } = this.#lines[index] ?? {};
      if (line === undefined) return;
      const hidden = this.isHidden(series);
      const drawn = hidden ? { line: [], raw: [] } : stacked === undefined ? this.#source.draw(series, window) : { line: stacked[index] ?? [], raw: [] };
      line.data = drawn.line;
      if (stacked !== undefined && !hidden) {
        line.fill = below ?? 'origin';
        below = index;
      }
      line.hidden = hidden;
      if (raw !== undefined) Object.assign(raw, { data: drawn.raw, hidden: hidden || drawn.raw.length === 0 });
      const band = hidden || !('band' in drawn) ? [] : drawn.band ?? [];
      if (low !== undefined) low.data = band.map((point) => ({ x: point.x, y: point.low }));
      if (high !== undefined) high.data = band.map((point) => ({ x: point.x, y: point.high }));
      // A lone first point would be a line without length.
      if (series.point === undefined) line.pointRadius = drawn.line.length === 1 ? 2.5 : 0;
      points += hidden ? 1 : drawn.line.length;
    });
    return points;
  }

  /** The cross-hair's line and the values of all lines there; without one the last values stand. */
  showCursor(x: number | undefined): void {
    this.#at = x;
    const frame = this.#frame;
    if (frame === undefined || !this.visible) return;
    const { chartArea: area } = this.#chart;
    const pixel = x === undefined ? undefined : this.#chart.scales.x?.getPixelForValue(x);
    const seen = pixel !== undefined && pixel >= area.left - 1 && pixel <= area.right + 1;
    show(this.#cursor, seen);
    if (seen) {
      this.#cursor.style.transform = `translateX(${Math.round(pixel)}px)`;
      this.#cursor.style.top = `${area.top}px`;
      this.#cursor.style.height = `${area.bottom - area.top}px`;
    }
    this.#legend.setValues((series) => this.valueOf(series, x));
  }

  valueOf(series: SeriesSpec, x: number | undefined): string {
    const frame = this.#frame;
    if (frame === undefined) return '';
    const value = this.#source.valueAt(series, frame.view.axis, x);
    if (this.spec.kind === 'shares') return this.#shareOf(series, x);
    if (this.spec.kind === 'evaluation') return value === undefined || Number.isNaN(value) ? '' : value.toFixed(1);
    return value === undefined ? '' : formatValue(value);
  }

  /** A layer's thickness: its edge less that of the layer below. */
  #shareOf(series: SeriesSpec, x: number | undefined): string {
    const index = this.spec.series.indexOf(series);
    const edge = (at: number): number | undefined => {
      const line = this.#lines[at]?.line.data ?? [];
      return (x === undefined ? line.at(-1) : line.find((candidate) => candidate.x >= x))?.y;
    };
    const own = edge(index);
    if (own === undefined) return '';
    for (let at = index - 1; at >= 0; at -= 1) {
      const below = edge(at);
      if (below !== undefined) return formatTick(Number((own - below).toPrecision(2)));
    }
    return formatTick(Number(own.toPrecision(2)));
  }

  /** The values at the cross-hair as a sentence. */
  describe(x: number | undefined): string {
    return `${this.spec.title}: ${this.spec.series.map((series) => `${series.name} ${this.valueOf(series, x) || t('none')}`).join(', ')}`;
  }

  /** What a screen reader says of the chart; not with every frame, for each change wakes it. */
  label(unit: string): void {
    const now = performance.now();
    if (now - this.#labelled < LABEL_EVERY) return;
    this.#labelled = now;
    this.#plot.setAttribute('aria-label', t('{0}. Axis in {1}.', this.describe(undefined), unit));
  }

  get focused(): boolean {
    return this.#plot.contains(document.activeElement);
  }
}

