/** A table as data, whoever draws it: the page, a terminal, CSV, Markdown, HTML. */
export interface Column {
  readonly key: string;
  readonly title: string;
  readonly unit?: string | undefined;
  readonly numeric: boolean;
  /** Measured: has a spread over seeds and a difference from the baseline. */
  readonly isFigure?: boolean;
  /** A key of the experiment that is not the same in all. */
  readonly isKey?: boolean;
}

export interface Cell {
  /** As people read it. */
  readonly text: string;
  /** In the column's unit; what the table is sorted by. */
  readonly value?: number | undefined;
  readonly sd?: number | undefined;
  /** Against the baseline, in the column's unit. */
  readonly difference?: { readonly text: string; readonly value: number; readonly sd?: number | undefined } | undefined;
}

export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
  readonly isBaseline?: boolean;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

/** Rows without a value come last whichever way it goes; equal ones stay as they were. */
export function sorted(table: Table, order: Order | undefined): Table {
  const at = table.columns.findIndex(({ key }) => key === order?.column);
  if (order === undefined || at < 0) return table;
  const sign = order.descending ? -1 : 1;
  const numeric = table.columns[at]?.numeric === true;
  const rows = [...table.rows].sort((left, right) => {
    const [a, b] = [left.cells[at], right.cells[at]];
    if (!numeric) return sign * (a?.text ?? '').localeCompare(b?.text ?? '', 'en', { numeric: true });
    if (a?.value === undefined || b?.value === undefined) return Number(a?.value === undefined) - Number(b?.value === undefined);
    return sign * (a.value - b.value);
  });
  return { ...table, rows };
}

/** The text of a cell with what it differs by: `47.5 ± 0.4 (+1.2)`. */
export function cellText({ text, difference }: Cell): string {
  return difference === undefined ? text : `${text} (${difference.text})`;
}

export function heading({ title, unit }: Column): string {
  return unit === undefined ? title : `${title} (${unit})`;
}

/** RFC 4180. Spread and difference have columns of their own, so that a spreadsheet can calculate with them. */
export function csv(table: Table): string {
  const parts = table.columns.map((column, at) => ({
    column, at,
    sd: column.numeric && table.rows.some(({ cells }) => cells[at]?.sd !== undefined),
    difference: column.numeric && table.rows.some(({ cells }) => cells[at]?.difference !== undefined),
  }));
  const head = parts.flatMap(({ column, sd, difference }) => [heading(column), ...(sd ? [`${column.title} sd`] : []), ...(difference ? [`${column.title} against baseline`] : [])]);
  const rows = table.rows.map(({ cells }) => parts.flatMap(({ column, at, sd, difference }) => {
    const cell = cells[at];
    return [
      column.numeric ? number(cell?.value) : quoted(cell?.text ?? ''),
      ...(sd ? [number(cell?.sd)] : []), ...(difference ? [number(cell?.difference?.value)] : []),
    ];
  }));
  return [head.map(quoted), ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

/** As exact as it is; what is undefined is empty. */
const number = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? '' : String(Number(value.toPrecision(12))));

/** A spreadsheet would calculate what begins like a formula: an apostrophe makes it words. */
export function quoted(text: string): string {
  const words = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
}
