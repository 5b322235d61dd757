/** The curves: their toolbar, the grid of charts, and what they share: axis, zoom, cross-hair. */
import { paletteOf } from '../../src/charts/palette.ts';
import { chartCsv } from '../../src/comparison/chartCsv.ts';
import { chartSvg } from '../../src/comparison/curves.ts';
import { type FileKind, type RunHeader, type ViewState } from '../contract.ts';
import { element, perFrame, setText } from '../dom.ts';
import { curvesWaiting, evaluationWaiting } from '../empty.ts';
import { formatAp, formatCount, formatGain } from '../format.ts';
import { without } from '../looks.ts';
import { type Axis, type RunModel } from '../model.ts';
import { pngOf } from '../png.ts';
import { type Theme } from '../theme.ts';
import { CurveTools, cutTo, placeText, UNITS } from './axis.ts';
import { ChartView, type Curves } from './chartView.ts';
import { type ChartSpec, chartsOf } from './charts.ts';
import { type Marks } from './marks.ts';
import { extent, sourceOf } from './samples.ts';
import { Turns } from './turns.ts';
import { t } from '../words.ts';

export interface BandContext {
  readonly model: RunModel;
  view(): ViewState;
  setView(change: Partial<ViewState>): void;
  replaceView(view: ViewState): void;
  theme(): Theme;
  header(): RunHeader | undefined;
  readonly announce: (text: string) => void;
  readonly save: (kind: FileKind, name: string, content: string | ArrayBuffer) => void;
}

/** Half a pixel of a wide chart, as a part of the x axis; and the milliseconds that even less may wait. */
const SMALLEST_CHANGE = 1500;
const LONGEST_WAIT = 1000;

export class CurvesBand implements Curves {
  readonly node: HTMLElement;
  readonly #drawSoon = perFrame(() => { this.#drawOrWait(); });
  readonly #context: BandContext;
  readonly #grid = element('div', { class: 'charts' });
  readonly #tools: CurveTools;
  readonly #legend = element('p', { class: 'hint' });
  readonly #seen: IntersectionObserver;
  readonly #moveCursor = perFrame(() => { this.#showCursor(); });
  readonly #turns = new Turns<ChartView>();
  /** The last drawing: how far the data went, and what else there was. */
  #drawn: { readonly end: number; readonly events: string; readonly at: number } | undefined;
  #later: number | undefined;
  #charts: ChartView[] = [];
  #signature = '';
  #cursorAt: number | undefined;

  constructor(context: BandContext) {
    this.#context = context;
    this.#tools = new CurveTools({ setAxis: (axis) => { this.#setAxis(axis); }, change: (change) => { this.#change(change); }, showEverything: () => { this.zoom(undefined); } });
    this.buildTools();
    this.node = element('section', { class: 'band curves', 'aria-label': t('Curves') }, this.#tools.node, this.#grid, this.#legend);
    this.#seen = new IntersectionObserver((entries) => { this.#notice(entries); }, { rootMargin: '120px' });
  }

  /** Also after another run's view was taken. */
  buildTools(): void {
    this.#tools.build(this.#context.view());
  }

  #change(change: Partial<ViewState>): void {
    this.#context.setView(change);
    this.redraw();
  }

  /** The zoom stays on the same steps when the axis changes its unit. */
  #setAxis(axis: Axis): void {
    const { model } = this.#context;
    const { zoom, axis: before } = this.#context.view();
    const moved = zoom?.map((x) => model.position('student', model.stepAt('student', x, before), axis));
    const [low, high] = moved ?? [];
    this.#context.replaceView(without({ ...this.#context.view(), axis }, 'zoom'));
    if (low !== undefined && high !== undefined && high > low) this.#context.setView({ zoom: [low, high] });
    this.#cursorAt = undefined;
    this.redraw();
  }

  cursor(x: number | undefined, spoken: boolean): void {
    this.#cursorAt = x;
    this.#moveCursor();
    if (!spoken) return;
    const focused = this.#charts.find((chart) => chart.focused);
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
    const view = this.#context.view();
    const zoom = cutTo(range, extent(this.#context.model, view.axis));
    if (zoom === undefined) this.#context.replaceView(without(view, 'zoom'));
    else this.#context.setView({ zoom });
    this.redraw();
  }

  toggle(keys: readonly string[], hidden: boolean): void {
    const others = this.#context.view().hidden.filter((key) => !keys.includes(key));
    this.#change({ hidden: hidden ? [...others, ...keys] : others });
  }

  /** Something about the looking changed: drawn in the next frame whatever the data. */
  readonly redraw = (): void => {
    this.#drawn = undefined;
    this.#drawSoon();
  };

  /** There are new events. */
  readonly refresh = (): void => { this.#drawSoon(); };

  /** Ten steps more of a hundred thousand change no pixel: then only the numbers follow at once, and the lines within a second. */
  #drawOrWait(): void {
    const { model } = this.#context;
    const { axis, zoom } = this.#context.view();
    const [, end] = zoom ?? extent(model, axis);
    const events = JSON.stringify([model.checkpoints.length, model.resumes.length, [...model.evaluations].map(([subject, list]) => [subject, list.length]), [...model.arms].map(([arm, history]) => [arm, history.generation, history.parts.size])]);
    const drawn = this.#drawn;
    const same = drawn?.events === events && zoom === undefined;
    if (drawn === undefined || !same || Math.abs(end - drawn.end) > end / SMALLEST_CHANGE || performance.now() - drawn.at > LONGEST_WAIT) {
      window.clearTimeout(this.#later);
      this.#later = undefined;
      this.#drawn = { end, events, at: performance.now() };
      this.draw();
      return;
    }
    for (const chart of this.#charts) chart.showCursor(this.#cursorAt);
    this.#later ??= window.setTimeout(this.redraw, LONGEST_WAIT);
  }

  draw(): void {
    const { model } = this.#context;
    const [view, theme, header] = [this.#context.view(), this.#context.theme(), this.#context.header()];
    const specs = chartsOf(model);
    this.#arrange(specs);
    const shared = { view, theme, range: view.zoom ?? extent(model, view.axis), marks: this.#marks(theme) };
    const [waiting, waitingForAp, gain] = [curvesWaiting(model, header), evaluationWaiting(model, header), gainNote(model)];
    this.#turns.paint(this.#charts, (chart) => {
      const isAp = chart.spec.kind === 'evaluation';
      chart.update({ ...shared, waiting: isAp ? waitingForAp : waiting, note: isAp ? gain : '' });
      chart.label(UNITS[view.axis]);
    });
    this.#tools.showZoomed(view.zoom !== undefined);
    setText(this.#legend, this.#hint(shared.marks, view.axis));
  }

  /** Charts are made anew only when there are other lines to show, not with every event. */
  #arrange(specs: readonly ChartSpec[]): void {
    const signature = JSON.stringify(specs.map((spec) => [spec.key, spec.title, spec.series.map((series) => series.key)]));
    if (signature !== this.#signature) {
      this.#signature = signature;
      for (const chart of this.#charts) {
        this.#seen.unobserve(chart.node);
        chart.destroy();
      }
      this.#charts = specs.map((spec) => new ChartView(spec, this, sourceOf(this.#context.model), (kind, chart) => { this.#save(kind, chart); }));
      this.#grid.replaceChildren(...this.#charts.map((chart) => chart.node));
      for (const chart of this.#charts) this.#seen.observe(chart.node);
    }
    specs.forEach((spec, index) => {
      const chart = this.#charts[index];
      // The same lines, but references may have moved.
      if (chart !== undefined) chart.spec = { ...spec, series: chart.spec.series };
    });
  }

  /** As it is looked at: the lines that are shown, in the part of the axis that is shown. */
  #save(kind: FileKind, { spec, isHidden }: ChartView): void {
    const { model, save } = this.#context;
    const { axis, zoom, smoothing, logarithmic } = this.#context.view();
    const look = { axis, range: zoom ?? extent(model, axis), isHidden };
    if (kind === 'csv') {
      save(kind, spec.title, chartCsv(spec, sourceOf(model), look));
      return;
    }
    // On white: such pictures go into papers and mails.
    const svg = chartSvg(spec, sourceOf(model), { ...look, smoothing, logarithmic }, paletteOf('light'));
    if (kind === 'svg') save(kind, spec.title, svg);
    else void pngOf(svg).then((png) => { if (png !== undefined) save(kind, spec.title, png); });
  }

  #notice(entries: readonly IntersectionObserverEntry[]): void {
    for (const entry of entries) {
      const chart = this.#charts.find((candidate) => candidate.node === entry.target);
      if (chart === undefined || chart.visible === entry.isIntersecting) continue;
      chart.visible = entry.isIntersecting;
      if (chart.visible) this.redraw();
    }
  }

  #marks(theme: Theme): Marks {
    const { model } = this.#context;
    const { axis } = this.#context.view();
    const arm = model.arms.has('student') || model.arms.size === 0 ? 'student' : model.currentArm;
    return {
      checkpoints: model.checkpoints.filter((mark) => mark.arm === arm).map((mark) => ({ x: model.position(arm, mark.step, axis), best: mark.kind === 'best' })),
      resumes: model.resumes.filter((mark) => mark.arm === arm).map((mark) => model.position(arm, mark.step, axis)),
      colour: theme.muted, accent: theme.foreground,
    };
  }

  #hint(marks: Marks, axis: Axis): string {
    const words = [t('x axis: {0}', UNITS[axis]), t('drag to zoom, double-click to see everything')];
    if (marks.checkpoints.length > 0) words.push(t('▴ checkpoint, larger where it was the best'));
    if (marks.resumes.length > 0) words.push(t('┊ resumed'));
    const dropped = [...this.#context.model.arms.values()].reduce((sum, history) => sum + history.droppedParts.size, 0);
    if (dropped > 0) words.push(t('{0} more parts are not shown', formatCount(dropped)));
    return words.join(' · ');
  }
}

function gainNote(model: RunModel): string {
  const student = model.lastEvaluation('student');
  if (student === undefined || !(student.metrics.AP >= 0)) return '';
  const gain = model.gain();
  if (gain === undefined) return `AP ${formatAp(student.metrics.AP)}`;
  return gain.step === student.step ? t('AP {0} ({1} over control)', formatAp(student.metrics.AP), formatGain(gain.value)) : t('AP {0} ({1} over control at step {2})', formatAp(student.metrics.AP), formatGain(gain.value), formatCount(gain.step));
}
