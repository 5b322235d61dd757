/** What a chart shows as numbers: a row a place of the axis, a column a line, unsmoothed. */
import { type ChartSpec, type SeriesSpec } from '../../webview/curves/charts.ts';
import { type Point } from '../../webview/curves/decimate.ts';
import { type Source } from '../../webview/curves/samples.ts';
import { type Axis } from '../../webview/model.ts';
import { quoted } from './table.ts';

export interface CsvOptions {
  readonly axis: Axis;
  readonly range: readonly [number, number];
  readonly isHidden: (series: SeriesSpec) => boolean;
}

const X_NAMES: Readonly<Record<Axis, string>> = { step: 'step', epoch: 'epoch', time: 'minutes' };

export function chartCsv(spec: ChartSpec, source: Source, { axis, range, isHidden }: CsvOptions): string {
  const shown = spec.series.filter((series) => !isHidden(series));
  // So many buckets that every value has one of its own.
  const window = { axis, range, buckets: Infinity, smoothing: 0 };
  const lines = spec.kind === 'shares' ? thicknesses(source.shares(shown, { ...window, buckets: 2000 }, () => false)) : shown.map((series) => source.draw(series, window).line);
  const rows = new Map<number, (number | undefined)[]>();
  lines.forEach((line, at) => {
    for (const { x, y } of line) {
      if (!Number.isFinite(y) || x < range[0] || x > range[1]) continue;
      let row = rows.get(x);
      if (row === undefined) rows.set(x, (row = []));
      row[at] = y;
    }
  });
  const head = [X_NAMES[axis], ...shown.map(({ name }) => quoted(spec.unit === undefined ? name : `${name} (${spec.unit})`))];
  const body = [...rows].sort(([a], [b]) => a - b).map(([x, row]) => [x, ...shown.map((_, at) => row[at] ?? '')]);
  return `${[head, ...body].map((row) => row.join(',')).join('\r\n')}\r\n`;
}

/** Of piled edges the layers between them. */
export function thicknesses(edges: readonly (readonly Point[])[]): Point[][] {
  return edges.map((edge, layer) => edge.map(({ x, y }, at) => ({ x, y: y - (edges[layer - 1]?.[at]?.y ?? 0) })));
}
