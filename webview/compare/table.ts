/** A table that is sorted by its heads. What stands in it comes from `src/comparison`; here it is only drawn. */
import { heading, type Cell, type Order, type Row, sorted, type Table } from '../../src/comparison/table.ts';
import { button, element } from '../dom.ts';
import { t } from '../words.ts';

export interface TableOptions {
  readonly order: Order | undefined;
  readonly sort: (order: Order | undefined) => void;
  /** Instead of the first cell's text. */
  readonly head?: (row: Row, text: string) => Node;
  /** Beside a figure's difference. */
  readonly mark?: (cell: Cell, column: number) => Node | undefined;
}

export class TableView {
  readonly node: HTMLElement;
  readonly #table = element('table', {});
  #signature = '';

  constructor(label: string) {
    this.node = element('div', { class: 'table', role: 'region', 'aria-label': label, tabindex: 0 }, this.#table);
  }

  /** @param look whatever else the rows' looks depend on */
  show(table: Table, options: TableOptions, look: unknown): void {
    const signature = JSON.stringify([table, options.order, look]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    const { activeElement } = document;
    const focused = activeElement instanceof HTMLElement && this.node.contains(activeElement) ? activeElement.dataset.focus : undefined;
    const shown = sorted(table, options.order);
    const head = element('tr', {}, ...table.columns.map((column) => this.#headCell(column.key, heading(column), column.numeric, column.isKey === true, options)));
    const rows = shown.rows.map((row) => this.#row(row, shown, options));
    this.#table.replaceChildren(element('caption', { class: 'unseen' }, table.title), element('thead', {}, head), element('tbody', {}, ...rows));
    if (focused !== undefined) [...this.node.querySelectorAll<HTMLElement>('[data-focus]')].find((node) => node.dataset.focus === focused)?.focus();
  }

  /** Numbers the greatest first, words in their alphabet; once more turns it round, a third time gives the first order back. */
  #headCell(key: string, title: string, numeric: boolean, isKey: boolean, { order, sort }: TableOptions): HTMLElement {
    const mine = order?.column === key ? order : undefined;
    const next = mine === undefined ? { column: key, descending: numeric } : mine.descending === numeric ? { column: key, descending: !numeric } : undefined;
    const arrow = mine === undefined ? undefined : element('span', { 'aria-hidden': 'true', class: 'arrow' }, mine.descending ? '↓' : '↑');
    const press = button('', () => { sort(next); }, { class: 'sort', 'data-focus': `sort ${key}`, title: t('Sort by {0}', title) });
    press.append(element('span', { class: isKey ? 'key' : undefined }, title), ...(arrow === undefined ? [] : [arrow]));
    return element('th', { scope: 'col', class: numeric ? 'numeric' : undefined, 'aria-sort': mine === undefined ? undefined : mine.descending ? 'descending' : 'ascending' }, press);
  }

  #row(row: Row, { columns }: Table, { head, mark }: TableOptions): HTMLElement {
    return element('tr', { class: row.isBaseline === true ? 'baseline' : undefined }, ...row.cells.map((cell, at) => {
      if (at === 0) return element('th', { scope: 'row' }, head?.(row, cell.text) ?? cell.text);
      const numeric = columns[at]?.numeric === true;
      const change = cell.difference === undefined ? undefined : element('span', { class: 'difference' }, cell.difference.text);
      return element('td', { class: numeric ? 'numeric' : undefined }, element('span', {}, cell.text), change, mark?.(cell, at));
    }));
  }
}
