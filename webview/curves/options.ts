/** Chart.js options of one chart: fixed at its making but for colours, ranges and the kind of the y axis. */
import { type ChartDataset, type ChartOptions, type Scale } from 'chart.js';
import { formatCount, formatTick } from '../format.ts';
import { type Axis } from '../model.ts';
import { type Theme, faint } from '../theme.ts';
import { type ChartSpec, type ReferenceSpec, type SeriesSpec } from './charts.ts';
import { type Point } from './decimate.ts';
import { hasRaw } from './samples.ts';

/** The same in all charts, so that one column's frames stand exactly under each other. */
const Y_WIDTH = 44;

/** Few, short and horizontal: nothing has to be measured, turned or skipped with every update. */
const PLAIN_TICKS = { autoSkip: false, minRotation: 0, maxRotation: 0, sampleSize: 3 } as const;

export type LineData = ChartDataset<'line', Point[]>;

export function chartOptions(spec: ChartSpec, resized: () => void): ChartOptions<'line'> {
  const right = spec.series.some((series) => series.axis === 'right');
  return {
    animation: false, parsing: false, normalized: true, responsive: true, maintainAspectRatio: false, events: [],
    layout: { padding: { top: 6, right: 10 } },
    onResize: resized,
    scales: {
      x: { type: 'linear', min: 0, max: 1, border: { display: false }, ticks: { ...PLAIN_TICKS, includeBounds: false, maxTicksLimit: 6 } },
      y: {
        type: 'linear', border: { display: false }, ticks: { ...PLAIN_TICKS, maxTicksLimit: 5, callback: (value) => formatTick(Number(value)) },
        afterFit: (scale: Scale) => { scale.width = Y_WIDTH; },
        ...(spec.kind === 'evaluation' && { beginAtZero: true }),
        ...(spec.kind === 'shares' && { min: 0, max: 100 }),
      },
      // Inside the frame, so that this chart's frame is as wide as the others'.
      ...(right && { right: { type: 'linear', position: 'right', border: { display: false }, grid: { display: false }, ticks: { ...PLAIN_TICKS, mirror: true, maxTicksLimit: 4, padding: 2, z: 1, callback: (value) => formatTick(Number(value)) } } }),
    },
  };
}

/** Colours and font after a change of theme. */
export function applyTheme(options: ChartOptions<'line'>, theme: Theme): void {
  const font = { family: theme.font, size: theme.fontSize };
  for (const scale of Object.values(options.scales ?? {})) {
    if (scale === undefined) continue;
    Object.assign(scale.ticks ?? {}, { color: theme.muted, font });
    scale.grid = { ...scale.grid, color: theme.grid, tickLength: 4, drawTicks: false };
  }
}

export function applyAxes(options: ChartOptions<'line'>, axis: Axis, range: readonly [number, number], logarithmic: boolean, kind: ChartSpec['kind']): void {
  const { x, y, right } = options.scales ?? {};
  if (x !== undefined) {
    [x.min, x.max] = range;
    if (x.ticks !== undefined) x.ticks.callback = (value) => tickOf(Number(value), axis);
  }
  const type = logarithmic && (kind === 'losses' || kind === 'rates') ? 'logarithmic' : 'linear';
  for (const scale of [y, right]) if (scale !== undefined && scale.type !== type) Object.assign(scale, { type });
}

/** Room above the highest reference line for its name, in per cent of AP. */
export function makeRoom(options: ChartOptions<'line'>, references: readonly ReferenceSpec[]): void {
  const y = options.scales?.y;
  const highest = Math.max(0, ...references.map((reference) => 100 * reference.value));
  if (y !== undefined && highest > 0) Object.assign(y, { suggestedMax: highest * 1.14 });
}

/** Labels of the shared axis: the unit stands once, under the curves' toolbar. */
function tickOf(value: number, axis: Axis): string {
  if (axis === 'step') return value >= 1e5 ? formatTick(value) : formatCount(value);
  return Number(value.toFixed(2)).toString();
}

export interface Lines {
  readonly line: LineData;
  readonly raw?: LineData;
  /** Edges of the band around a mean; what lies between them is filled. */
  readonly low?: LineData;
  readonly high?: LineData;
}

/** The line and, where there is one, the faint line of the raw values behind it. */
export function datasetsOf(series: SeriesSpec, theme: Theme, filled: boolean): Lines {
  const colour = theme.colours[series.colour];
  const common = { data: [] as Point[], spanGaps: false, pointRadius: 0, pointHitRadius: 0, tension: 0, yAxisID: series.axis === 'right' ? 'right' : 'y', borderJoinStyle: 'round' as const };
  const width = series.width * (theme.highContrast ? 1.4 : 1);
  const line: LineData = {
    ...common, borderColor: colour, backgroundColor: filled ? faint(colour, 0.55) : colour, borderWidth: filled ? 0.75 : width, borderDash: [...series.dash], order: 0,
    ...(series.point !== undefined && { pointStyle: series.point, pointRadius: series.width > 1.5 ? 3 : 2.2, pointBorderWidth: 0 }),
  };
  if ((series.runs?.length ?? 0) > 1) return { line, ...bandOf(colour, theme) };
  if (filled || !hasRaw(series)) return { line };
  const raw: LineData = { ...common, borderColor: faint(colour, theme.highContrast ? 0.5 : theme.dark ? 0.28 : 0.32), borderWidth: 1, borderDash: [], order: 1 };
  return { line, raw };
}

function bandOf(colour: string, theme: Theme): Pick<Lines, 'low' | 'high'> {
  const edge = { spanGaps: false, pointRadius: 0, pointHitRadius: 0, borderWidth: theme.highContrast ? 1 : 0, borderColor: faint(colour, 0.6), yAxisID: 'y', order: 2 } as const;
  return { low: { ...edge, data: [] }, high: { ...edge, data: [], fill: '-1', backgroundColor: faint(colour, theme.dark ? 0.2 : 0.16) } };
}
