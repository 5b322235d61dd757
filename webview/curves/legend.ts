/** Names, line samples and values above a chart. A click hides a line, a double click shows it alone. */
import { button, element, setAttribute, setText, svg } from '../dom.ts';
import { type Theme } from '../theme.ts';
import { type SeriesSpec } from './charts.ts';
import { t } from '../words.ts';

export interface LegendActions {
  toggle(series: SeriesSpec): void;
  solo(series: SeriesSpec): void;
}

export class Legend {
  readonly node = element('div', { class: 'legend' });
  readonly #items: { readonly series: SeriesSpec; readonly button: HTMLButtonElement; readonly line: SVGElement; readonly value: HTMLElement }[] = [];

  constructor(series: readonly SeriesSpec[], filled: boolean, actions: LegendActions) {
    for (const spec of series) {
      const line = filled ? svg('rect', { x: 2, y: 1, width: 14, height: 8 }) : svg('line', { x1: 0, x2: 18, y1: 5, y2: 5, 'stroke-width': Math.max(1.5, spec.width), 'stroke-dasharray': spec.dash.join(' ') || undefined });
      const value = element('span', { class: 'number value' });
      const swatch = svg('svg', { width: 18, height: 10, viewBox: '0 0 18 10', 'aria-hidden': 'true' }, line);
      const item = button('', () => { actions.toggle(spec); }, { class: 'legend-item', title: t('{0}: click hides, double-click shows it alone', spec.name) });
      item.append(swatch, element('span', { class: 'name' }, spec.name), value);
      item.addEventListener('dblclick', () => { actions.solo(spec); });
      item.addEventListener('keydown', (event) => { if (event.key === 's') actions.solo(spec); });
      this.#items.push({ series: spec, button: item, line, value });
      this.node.append(item);
    }
  }

  paint(theme: Theme, filled: boolean): void {
    for (const { series, line } of this.#items) setAttribute(line, filled ? 'fill' : 'stroke', theme.colours[series.colour]);
  }

  setHidden(isHidden: (series: SeriesSpec) => boolean): void {
    for (const { series, button: item } of this.#items) item.setAttribute('aria-pressed', String(!isHidden(series)));
  }

  setValues(valueOf: (series: SeriesSpec) => string): void {
    for (const { series, value } of this.#items) setText(value, valueOf(series));
  }
}
