/** Parallel coordinates: an axis a key that differs, a line a combination, brushes by dragging and by keys. */
import { paletteOf } from '../../src/charts/palette.ts';
import { describeParallel, type Layout, linePath, markText, type ParallelChart, type ParallelLine, parallelLayout, parallelSvg, strengthOf, tickLabel } from '../../src/charts/parallelChart.ts';
import { textWidth } from '../../src/charts/text.ts';
import { type Metric } from '../../src/comparison/best.ts';
import { metricsOf, parallelOf } from '../../src/comparison/parallel.ts';
import { button, element, perFrame, select, setAttribute, setText, show, svg } from '../dom.ts';
import { clip } from '../format.ts';
import { pngOf } from '../png.ts';
import { t } from '../words.ts';
import { BrushHandles } from './brush.ts';
import { isWithin } from './brushRange.ts';
import { type Context } from './context.ts';

const HEIGHT = 340;
const LEAST_WIDTH = 560;
/** Pixels to either side of an axis that take a drag. */
const REACH = 14;

export class ParallelBand {
  readonly node: HTMLElement;
  readonly redraw = perFrame(() => { this.draw(); });
  readonly #context: Context;
  readonly #tools = element('div', { class: 'tools' });
  readonly #room = element('div', { class: 'parallel-room' });
  readonly #said = element('p', { class: 'parallel-said', 'aria-live': 'polite' });
  readonly #hint = element('p', { class: 'hint' }, t('Drag along an axis to choose a part of it, or move its ends with the arrow keys; Delete takes the choice away. Arrow keys on the lines walk from the best to the worst.'));
  readonly #handles: BrushHandles;
  #chart: ParallelChart | undefined;
  #layout: Layout | undefined;
  #signature = '';
  #toolsSignature = '';
  #walked: number | undefined;
  #paths: readonly SVGElement[] = [];

  constructor(context: Context) {
    this.#context = context;
    this.node = element('section', { class: 'band parallel', 'aria-label': t('Keys and results'), hidden: true }, this.#tools, this.#room, this.#said, this.#hint);
    this.#handles = new BrushHandles({
      brushOf: (key) => this.#context.view().brushes[key],
      setBrush: (key, brush) => { this.#setBrush(key, brush); },
      placesOn: (index) => [...new Set(this.#chart?.lines.flatMap(({ at }) => at[index] ?? []) ?? [])].sort((a, b) => a - b),
    });
    new ResizeObserver(() => { this.redraw(); }).observe(this.#room);
  }

  draw(): void {
    const comparison = this.#context.comparison();
    const metrics = metricsOf(comparison.entries);
    const metric = metrics.find((one) => one === this.#context.view().metric) ?? metrics[0];
    const chart = metric === undefined ? undefined : parallelOf(comparison, metric);
    this.#chart = chart;
    show(this.node, chart !== undefined);
    if (chart === undefined || metric === undefined) return;
    this.#drawTools(metrics, metric);
    const width = Math.max(LEAST_WIDTH, this.#room.clientWidth);
    const signature = JSON.stringify([chart, width, this.#context.themeKey()]);
    if (signature !== this.#signature) {
      this.#signature = signature;
      this.#walked = undefined;
      this.#build(chart, width);
    }
    this.#look(chart);
  }

  #drawTools(metrics: readonly Metric[], metric: Metric): void {
    const { sweep } = this.#context.comparison();
    const hasBrush = Object.keys(this.#context.view().brushes).length > 0;
    const signature = JSON.stringify([metrics, metric, sweep?.id, hasBrush]);
    if (signature === this.#toolsSignature) return;
    this.#toolsSignature = signature;
    const focused = this.#tools.contains(document.activeElement) ? document.activeElement?.getAttribute('data-focus') ?? document.activeElement?.getAttribute('name') : undefined;
    const options = metrics.map((value) => ({ value, label: value === 'gain' ? t('gain over control') : value }));
    const save = (kind: 'SVG' | 'PNG', act: () => void): HTMLButtonElement => button(kind, act, { class: 'quiet', 'aria-label': t('Save {0} as {1}', t('Keys and results'), kind), title: t('Save this chart as {0}', kind) });
    this.#tools.replaceChildren(
      element('h2', {}, t('Keys and results')),
      select(t('Best by'), 'metric', options, metric, (value) => { this.#context.setView({ metric: value }); }),
      ...(hasBrush ? [button(t('Show all lines'), () => { this.#context.setView({ brushes: {} }); }, { class: 'link', 'data-focus': 'all' })] : []),
      element('span', { class: 'end actions' },
        ...(sweep === undefined ? [] : [button(t('Write Best as Experiment'), () => { this.#context.send({ type: 'writeBest', metric }); }, { 'data-focus': 'write', title: t('The combination with the best mean over its finished seeds, as a file of its own beside the experiment') })]),
        element('span', { class: 'actions' },
          save('SVG', () => { const content = this.svg(); if (content !== undefined) this.#context.send({ type: 'save', kind: 'svg', name: 'parallel', content }); }),
          save('PNG', () => { void this.#savePng(); }))),
    );
    if (typeof focused === 'string') this.#tools.querySelector<HTMLElement>(`[data-focus="${focused}"], [name="${focused}"]`)?.focus();
  }

  #build(chart: ParallelChart, width: number): void {
    const layout = parallelLayout(chart, { width, height: HEIGHT });
    this.#layout = layout;
    const theme = this.#context.theme();
    const walked = this.#room.contains(document.activeElement) ? document.activeElement?.getAttribute('data-focus') : undefined;
    const paths = chart.lines.map((line) => svg('path', { d: linePath(line, layout), fill: 'none', 'stroke-linejoin': 'round', class: 'line' }));
    this.#paths = paths;
    const order = chart.lines.map((_, index) => index).sort((a, b) => (chart.lines[b]?.rank ?? 0) - (chart.lines[a]?.rank ?? 0));
    const hits = order.map((index) => this.#hit(chart.lines[index], index, layout));
    const lines = svg('g', { tabindex: 0, role: 'group', class: 'lines', 'data-focus': 'lines', 'aria-label': t('{0} combinations, arrow keys walk from the best to the worst', chart.lines.length) }, ...order.flatMap((index) => paths[index] ?? []), ...hits);
    lines.addEventListener('keydown', (event) => { this.#walk(event); });
    lines.addEventListener('blur', () => { this.#point(undefined); });
    const axes = chart.axes.map((axis, index) => this.#axis(chart, index, layout, axis.title));
    const marks = chart.marks.flatMap((mark) => {
      const at = layout.x.at(-1) ?? 0;
      return [svg('path', { d: `M${at - 16} ${layout.y(mark.at)}h32`, stroke: theme.colours.control, 'stroke-width': 1.6, 'stroke-dasharray': '5 3' }), svg('text', { x: at - 20, y: layout.y(mark.at) + 4, 'text-anchor': 'end', fill: theme.colours.control, class: 'halo' }, markText(mark))];
    });
    const picture = svg('svg', { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: 'group', 'aria-label': describeParallel(chart), class: 'parallel-chart', 'font-size': theme.fontSize }, lines, ...axes, ...marks);
    this.#room.replaceChildren(picture);
    if (typeof walked === 'string') [...picture.querySelectorAll<SVGElement>('[data-focus]')].find((node) => node.getAttribute('data-focus') === walked)?.focus();
  }

  #axis(chart: ParallelChart, index: number, layout: Layout, title: string): SVGElement {
    const axis = chart.axes[index];
    const theme = this.#context.theme();
    const at = layout.x[index] ?? 0;
    const isLast = index === chart.axes.length - 1;
    const name = clip(title, 28);
    const place = index === 0 ? Math.max(4, at - textWidth(name, theme.fontSize) / 2) : isLast ? at + Math.min(40, textWidth(name, theme.fontSize)) : at;
    const labels = (axis?.ticks ?? []).map((tick) => svg('text', { x: isLast ? at + 10 : at - 10, y: layout.y(tick.at) + 4, 'text-anchor': isLast ? 'start' : 'end', fill: theme.muted, class: 'halo' }, tickLabel(tick)));
    const room = svg('rect', { x: at - REACH, y: layout.top - 6, width: 2 * REACH, height: layout.bottom - layout.top + 12, fill: 'transparent', class: 'axis-room' });
    const group = svg('g', { class: 'axis', 'data-axis': axis?.key },
      svg('path', { d: `M${at} ${layout.top}V${layout.bottom}`, stroke: theme.muted, 'stroke-width': isLast ? 1.6 : 1 }),
      svg('text', { x: place, y: layout.top - 14, 'text-anchor': index === 0 ? 'start' : isLast ? 'end' : 'middle', fill: theme.foreground, class: 'halo' }, svg('title', {}, title), `${name}${axis?.unit === undefined ? '' : ` ${axis.unit}`}`),
      ...labels, room, ...this.#handles.build({ key: axis?.key ?? '', title, index, x: at, layout, colour: theme.foreground, say: (where) => this.#nearest(index, where) }));
    this.#handles.drag(room, axis?.key ?? '', layout);
    return group;
  }

  /** A place on an axis in words: the value of the line that is nearest to it. */
  #nearest(index: number, where: number): string {
    const lines = this.#chart?.lines ?? [];
    const best = lines.reduce<ParallelLine | undefined>((nearest, line) => (Math.abs((line.at[index] ?? 9) - where) < Math.abs((nearest?.at[index] ?? 9) - where) ? line : nearest), undefined);
    return best?.texts[index] ?? '';
  }

  /** A wide path that nobody sees takes the pointer. */
  #hit(line: ParallelLine | undefined, index: number, layout: Layout): SVGElement {
    const hit = svg('path', { d: line === undefined ? '' : linePath(line, layout), fill: 'none', stroke: 'transparent', 'stroke-width': 10, class: 'hit' });
    hit.addEventListener('pointerenter', () => { this.#point(index); });
    hit.addEventListener('pointerleave', () => { this.#point(undefined); });
    hit.addEventListener('click', () => { if (line !== undefined) this.#context.send({ type: 'open', id: line.key }); });
    return hit;
  }

  #walk(event: KeyboardEvent): void {
    const lines = this.#chart?.lines ?? [];
    const order = lines.map((_, index) => index).filter((index) => lines[index] !== undefined && !this.#isFaint(lines[index])).sort((a, b) => (lines[a]?.rank ?? 0) - (lines[b]?.rank ?? 0));
    const now = this.#walked === undefined ? -1 : order.indexOf(this.#walked);
    const steps: Partial<Record<string, number>> = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: order.length - 1 };
    const line = this.#walked === undefined ? undefined : lines[this.#walked];
    if (event.key === 'Enter' && line !== undefined) this.#context.send({ type: 'open', id: line.key });
    const next = steps[event.key];
    if (next === undefined || order.length === 0) return;
    event.preventDefault();
    this.#point(order[Math.min(order.length - 1, Math.max(0, next))]);
  }

  #point(index: number | undefined): void {
    this.#walked = index;
    if (this.#chart !== undefined) this.#look(this.#chart);
  }

  #setBrush(key: string, brush: readonly [number, number] | undefined): void {
    const others = Object.entries(this.#context.view().brushes).filter(([name]) => name !== key);
    this.#context.setView({ brushes: Object.fromEntries(brush === undefined ? others : [...others, [key, brush]]) });
  }

  readonly #isFaint = (line: ParallelLine): boolean => {
    const { brushes } = this.#context.view();
    return !(this.#chart?.axes ?? []).every(({ key }, index) => isWithin(line.at[index], brushes[key]));
  };

  /** Strength, width and words; nothing is made anew. */
  #look(chart: ParallelChart): void {
    const { colours, foreground } = this.#context.theme();
    for (const [index, line] of chart.lines.entries()) {
      const path = this.#paths[index];
      if (path === undefined) continue;
      const [faint, pointed] = [this.#isFaint(line), index === this.#walked];
      setAttribute(path, 'stroke', pointed ? foreground : faint ? foreground : colours.student);
      setAttribute(path, 'stroke-opacity', pointed ? 1 : faint ? 0.1 : line.isBest ? 1 : strengthOf(line, chart.lines.length));
      setAttribute(path, 'stroke-width', pointed || line.isBest ? 3 : 1.5);
    }
    if (this.#layout !== undefined) this.#handles.look(this.#layout);
    const best = chart.lines.find(({ isBest }) => isBest);
    const pointed = this.#walked === undefined ? undefined : chart.lines[this.#walked];
    const inside = chart.lines.filter((line) => !this.#isFaint(line)).length;
    const words = [
      ...(inside < chart.lines.length ? [t('{0} of {1} combinations', inside, chart.lines.length)] : []),
      pointed !== undefined ? sentence(pointed, chart) : best === undefined ? t('No combination has finished yet.') : t('Best: {0}', sentence(best, chart)),
    ];
    setText(this.#said, words.join(' · '));
  }

  /** As it is looked at, on white. */
  svg(): string | undefined {
    return this.#chart === undefined ? undefined : parallelSvg(this.#chart, { width: Math.max(LEAST_WIDTH, this.#room.clientWidth), height: HEIGHT + 22 }, paletteOf('light'), this.#isFaint);
  }

  async #savePng(): Promise<void> {
    const made = this.svg();
    const content = made === undefined ? undefined : await pngOf(made);
    if (content !== undefined) this.#context.send({ type: 'save', kind: 'png', name: 'parallel', content });
  }
}

/** `fgd, learningRate 0.01: AP 43.1 ± 0.4`. */
function sentence(line: ParallelLine, { axes }: ParallelChart): string {
  return t('{0}: {1} {2}', line.name, axes.at(-1)?.title ?? '', line.texts.at(-1) ?? '');
}

