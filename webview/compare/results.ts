/** The tables: results with the keys that differ, and AP by class with bars against the baseline. */
import { paletteOf } from '../../src/charts/palette.ts';
import { classChartSvg } from '../../src/comparison/classChart.ts';
import { lookOf } from '../../src/comparison/curves.ts';
import { type Cell, csv, type Row, sorted, type Table } from '../../src/comparison/table.ts';
import { button, element, setAttribute, setText, show, svg } from '../dom.ts';
import { without } from '../looks.ts';
import { pngOf } from '../png.ts';
import { t } from '../words.ts';
import { type Context } from './context.ts';
import { TableView } from './table.ts';

/** Half of a bar's room, in pixels. */
const BAR = 34;

export class ResultsBand {
  readonly node: HTMLElement;
  readonly #context: Context;
  readonly #view = new TableView(t('Results'));
  readonly #hint = element('p', { class: 'hint' });

  constructor(context: Context) {
    this.#context = context;
    const save = button('CSV', () => { this.#save(); }, { title: t('Save this table as CSV'), class: 'quiet' });
    this.node = element('section', { class: 'band results', 'aria-label': t('Results') }, element('div', { class: 'tools' }, element('h2', {}, t('Results')), element('span', { class: 'end' }, save)), this.#view.node, this.#hint);
  }

  #save(): void {
    const { results } = this.#context.comparison();
    this.#context.send({ type: 'save', kind: 'csv', name: 'results', content: csv(sorted(results, this.#context.view().order)) });
  }

  draw(): void {
    const { results, baseline } = this.#context.comparison();
    const view = this.#context.view();
    this.#view.show(results, {
      order: view.order,
      sort: (order) => { if (order === undefined) this.#context.replaceView(without(this.#context.view(), 'order')); else this.#context.setView({ order }); },
      head: (row, text) => this.#head(row, text),
    }, [baseline?.key, this.#context.order(), this.#context.themeKey()]);
    setText(this.#hint, baseline === undefined ? t('Pin a run to see what the others differ by.') : t('Differences are against {0}; of the same seeds they are made seed by seed.', baseline.name));
  }

  /** Line sample, name, pin. */
  #head(row: Row, text: string): Node {
    const pinned = row.isBaseline === true;
    const pin = button('', () => {
      if (pinned) this.#context.replaceView(without(this.#context.view(), 'baseline'));
      else this.#context.setView({ baseline: row.key });
    }, { class: 'pin', 'aria-pressed': String(pinned), 'aria-label': t('{0}: baseline', text), title: pinned ? t('Take the pin away') : t('Show differences against this run'), 'data-focus': `pin ${row.key}` });
    pin.append(pinIcon(pinned));
    const name = button(text, () => { this.#context.send({ type: 'open', id: row.key }); }, { class: 'link name', title: t('Open the run panel of {0}', text), 'data-focus': `open ${row.key}` });
    return element('span', { class: 'row-head' }, pin, sample(this.#context, row.key), name);
  }
}

export class ClassesBand {
  readonly node: HTMLElement;
  readonly #context: Context;
  readonly #view = new TableView(t('AP by class'));

  constructor(context: Context) {
    this.#context = context;
    const savers = (['svg', 'png', 'csv'] as const).map((kind) => {
      const [name, title] = [kind.toUpperCase(), kind === 'csv' ? t('Save this table as CSV') : t('Save this chart as {0}', kind.toUpperCase())];
      return button(name, () => { this.#save(kind); }, { title, 'aria-label': t('Save {0} as {1}', t('AP by class'), name), class: 'quiet' });
    });
    this.node = element('section', { class: 'band classes', 'aria-label': t('AP by class') }, element('div', { class: 'tools' }, element('h2', {}, t('AP by class')), element('span', { class: 'end' }, ...savers)), this.#view.node);
  }

  #save(kind: 'svg' | 'png' | 'csv'): void {
    const { classes } = this.#context.comparison();
    const svg = this.svg();
    if (classes === undefined || svg === undefined) return;
    const keep = (content: string | ArrayBuffer): void => { this.#context.send({ type: 'save', kind, name: 'classes', content }); };
    if (kind === 'csv') keep(csv(sorted(classes, this.#context.view().classOrder)));
    else if (kind === 'svg') keep(svg);
    else void pngOf(svg).then((png) => { if (png !== undefined) keep(png); });
  }

  /** The bars of the table in its order, on white. */
  svg(): string | undefined {
    const { classes, baseline } = this.#context.comparison();
    return classes && classChartSvg({ classes: sorted(classes, this.#context.view().classOrder), baseline, order: this.#context.order() }, paletteOf('light'));
  }

  draw(): void {
    const { classes } = this.#context.comparison();
    show(this.node, classes !== undefined);
    if (classes === undefined) return;
    const greatest = Math.max(1e-9, ...differences(classes).map(Math.abs));
    const theme = this.#context.theme();
    this.#view.show(classes, {
      order: this.#context.view().classOrder,
      sort: (order) => { if (order === undefined) this.#context.replaceView(without(this.#context.view(), 'classOrder')); else this.#context.setView({ classOrder: order }); },
      mark: (cell, at) => barOf(cell, greatest, theme.colours[lookOf(this.#context.order().indexOf(classes.columns[at]?.key ?? '')).colour], theme.muted),
    }, [this.#context.comparison().baseline?.key, this.#context.themeKey()]);
  }
}

const differences = ({ rows }: Table): number[] => rows.flatMap(({ cells }) => cells.flatMap(({ difference }) => difference?.value ?? []));

/** To the right of the middle what is better than the baseline, to the left what is worse. */
function barOf({ difference }: Cell, greatest: number, colour: string, axis: string): Node | undefined {
  if (difference === undefined) return undefined;
  const length = Math.max(0.5, (Math.abs(difference.value) / greatest) * BAR);
  const bar = svg('rect', { x: difference.value < 0 ? BAR - length : BAR, y: 3, width: length, height: 8, fill: colour });
  return svg('svg', { class: 'bar', width: 2 * BAR, height: 14, 'aria-hidden': 'true' }, bar, svg('path', { d: `M${BAR} 0v14`, stroke: axis }));
}

/** The run's line as the curves draw it. */
export function sample(context: Context, key: string): SVGElement {
  const { colour, dash } = lookOf(context.order().indexOf(key));
  const line = svg('line', { x1: 0, x2: 20, y1: 5, y2: 5, 'stroke-width': 2, 'stroke-dasharray': dash.join(' ') || undefined });
  setAttribute(line, 'stroke', context.theme().colours[colour]);
  return svg('svg', { width: 20, height: 10, viewBox: '0 0 20 10', 'aria-hidden': 'true', class: 'sample' }, line);
}

function pinIcon(pinned: boolean): SVGElement {
  return svg('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true', class: 'icon' },
    svg('path', { d: 'M5.5 2.5h5v1l-.9.6.4 3.4 1.9 1.4v1.1H8.6V14h-1.2v-4H4.1V8.9L6 7.5l.4-3.4-.9-.6z', fill: pinned ? 'currentColor' : 'none', stroke: 'currentColor', 'stroke-width': 1 }));
}

