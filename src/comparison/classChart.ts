/** AP by class as a picture: against a baseline what each class won or lost, without one AP itself. Pure. */
import { barChartSvg } from '../charts/barChart.ts';
import { type Palette } from '../charts/palette.ts';
import { t } from '../../webview/words.ts';
import { lookOf, MOST_LINES } from './curves.ts';
import { type Table } from './table.ts';

/** More rows than this are a table, not a picture. */
const MOST_SHOWN = 100;
const WIDTH = 640;

export interface ClassChartOptions {
  /** In the order in which it is looked at. */
  readonly classes: Table;
  /** Of the entry that differences are against. */
  readonly baseline?: { readonly key: string; readonly name: string } | undefined;
  /** Ids of all runs in the order of the choice: what gives each its colour. */
  readonly order: readonly string[];
}

export function classChartSvg({ classes, baseline, order }: ClassChartOptions, palette: Palette): string {
  const rows = classes.rows.slice(0, MOST_SHOWN);
  const columns = classes.columns.map((column, at) => ({ ...column, at })).slice(1).filter(({ key }) => key !== baseline?.key).slice(0, MOST_LINES);
  const series = columns.map(({ key, title, at }) => ({
    name: title, colour: lookOf(order.indexOf(key)).colour,
    values: rows.map(({ cells }) => (baseline === undefined ? cells[at]?.value : cells[at]?.difference?.value)),
    texts: rows.map(({ cells }) => (baseline === undefined ? cells[at]?.text : cells[at]?.difference?.text)),
  }));
  return barChartSvg({
    title: classes.title, unit: baseline === undefined ? t('in {0}', '%') : t('in % points against {0}', baseline.name), names: rows.map(({ cells }) => cells[0]?.text ?? ''), series,
    ...(classes.rows.length > rows.length && { note: t('{0} of {1} classes', rows.length, classes.rows.length) }),
  }, WIDTH, palette);
}
