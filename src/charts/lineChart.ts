/**
 * A chart of lines as one SVG text, for what has no page to draw on: hovers, reports, exports. Pure, and safe to put
 * anywhere: all text is escaped and there are presentation attributes only, no style, script, link or reference.
 */
import { type ColourRole } from '../../webview/colourRole.ts';
import { clip, formatTick } from '../../webview/format.ts';
import { type Palette } from './palette.ts';
import { type BandPoint, bandPath, decimated, linePath, pixel, type Point } from './path.ts';
import { type Extent, extentOf, linearScale, logScale, padded, type Scale } from './scale.ts';
import { escapeXml, label, textWidth } from './text.ts';

export interface Series {
  readonly name: string;
  readonly colour: ColourRole;
  /** Sorted by x; a y of NaN breaks the line. */
  readonly points: readonly Point[];
  readonly dash?: readonly number[];
  readonly width?: number;
  /** Each point is marked: for series of few. */
  readonly marks?: 'circle' | 'triangle' | 'rect';
  /** Spread around the line, e.g. mean ± sd. */
  readonly band?: readonly BandPoint[];
}

/** A value to compare with: a line across. */
export interface Reference {
  readonly name: string;
  readonly colour: ColourRole;
  readonly value: number;
  readonly dash?: readonly number[];
}

export interface LineChart {
  readonly title: string;
  /** Stands behind the title. */
  readonly unit?: string;
  /** Under the x axis: `step`. */
  readonly xTitle?: string;
  readonly series: readonly Series[];
  readonly references?: readonly Reference[];
  readonly scale?: 'linear' | 'log';
  /** The x axis goes at least to here. */
  readonly until?: number;
  /** Fills the background: for pictures that stand alone. Left out, it is transparent. */
  readonly opaque?: boolean;
  /** What a screen reader says. Default: the title. */
  readonly description?: string;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Ubuntu, sans-serif';
const [TITLE_SIZE, TEXT_SIZE] = [13, 11];
const REFERENCE_DASH = [7, 4];
/** Rows of the legend; the title is in the first. */
const TOP = 4;
const ROW = 17;
const SAMPLE = 20;

export function lineChartSvg(chart: LineChart, size: Size, palette: Palette): string {
  const legend = legendRows(chart, size.width - 8);
  const top = TOP + legend.length * ROW + 7;
  const bottom = size.height - (chart.xTitle === undefined ? 22 : 36);
  const yExtent = valueExtent(chart);
  const yScale = chart.scale === 'log' ? logScale : linearScale;
  const y = yScale(yExtent, [bottom, top], Math.max(2, Math.floor((bottom - top) / 34)));
  const left = 14 + Math.max(12, ...y.ticks.map((tick) => textWidth(formatTick(tick), TEXT_SIZE)));
  const right = size.width - 14;
  const x = linearScale(extentOf([chart.until ?? NaN, ...chart.series.flatMap(({ points }) => points.map((point) => point.x))]) ?? [0, 1], [left, right], Math.max(2, Math.floor((right - left) / 80)));
  const frame: Frame = { left, right, top, bottom, x, y, palette };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${label(chart.description ?? chart.title, 400)}" font-family="${escapeXml(palette.font ?? FONT)}" font-size="${TEXT_SIZE}">`,
    chart.opaque === true ? `<rect width="100%" height="100%" fill="${palette.background}"/>` : '',
    title(chart, palette),
    ...legend.map((row, index) => legendRow(row, TOP + index * ROW, palette)),
    axes(chart, frame, size),
    ...(chart.references ?? []).map((reference) => referenceLine(reference, frame)),
    ...chart.series.map((series) => band(series, frame)),
    // First named, last drawn: it lies on top.
    ...chart.series.toReversed().map((series) => line(series, frame)),
    '</svg>',
  ].join('');
}

interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly x: Scale;
  readonly y: Scale;
  readonly palette: Palette;
}

/** Of everything that is drawn; a logarithmic scale knows only what lies above 0. */
function valueExtent({ series, references = [], scale }: LineChart): Extent {
  const values = [
    ...series.flatMap(({ points, band = [] }) => [...points.map(({ y }) => y), ...band.flatMap(({ low, high }) => [low, high])]),
    ...references.map(({ value }) => value),
  ];
  const extent = extentOf(values, scale === 'log');
  if (scale === 'log') return extent === undefined ? [1, 10] : [extent[0] / 1.1, extent[1] * 1.1];
  return extent === undefined ? [0, 1] : padded(extent);
}

function title({ title, unit }: LineChart, palette: Palette): string {
  const behind = unit === undefined ? '' : `<tspan font-weight="400" font-size="${TEXT_SIZE}" fill="${palette.muted}" dx="5">${label(unit, 20)}</tspan>`;
  return `<text x="8" y="17" font-size="${TITLE_SIZE}" font-weight="600" fill="${palette.foreground}">${label(title, 80)}${behind}</text>`;
}

function titleWidth({ title, unit }: LineChart): number {
  // Bold letters are wider.
  return 1.08 * textWidth(clip(title), TITLE_SIZE) + (unit === undefined ? 0 : 5 + textWidth(clip(unit, 20), TEXT_SIZE));
}

interface LegendItem {
  readonly text: string;
  readonly colour: ColourRole;
  readonly dash: readonly number[];
  readonly width: number;
  readonly x: number;
}

const MOST_NAMED = 12;
const legendWidth = (text: string): number => SAMPLE + 6 + textWidth(text, TEXT_SIZE) + 14;

/** Names side by side, as many in a row as fit; the first stand beside the title. */
function legendRows(chart: LineChart, width: number): LegendItem[][] {
  const { series, references = [] } = chart;
  const entries = [
    ...series.map(({ name, colour, dash = [], width: stroke = 1.6 }) => ({ text: name, colour, dash, width: stroke })),
    ...references.map(({ name, colour, dash = REFERENCE_DASH }) => ({ text: name, colour, dash, width: 1.2 })),
  ].slice(0, MOST_NAMED);
  const rows: LegendItem[][] = [[]];
  let x = 8 + titleWidth(chart) + 18;
  for (const entry of entries) {
    const text = clip(entry.text, 40);
    if (x + legendWidth(text) - 14 > width) {
      rows.push([]);
      x = 8;
    }
    rows.at(-1)?.push({ ...entry, text, x });
    x += legendWidth(text);
  }
  return rows;
}

function legendRow(items: readonly LegendItem[], top: number, palette: Palette): string {
  const middle = top + ROW / 2;
  return items.map(({ text, colour, dash, width, x }) =>
    `<path d="M${pixel(x)} ${middle}h${SAMPLE}" stroke="${palette.colours[colour]}" stroke-width="${width}"${dashed(dash)}/><text x="${pixel(x + SAMPLE + 6)}" y="${middle + 4}" fill="${palette.foreground}">${escapeXml(text)}</text>`).join('');
}

const dashed = (dash: readonly number[]): string => (dash.length === 0 ? '' : ` stroke-dasharray="${dash.join(' ')}"`);

function axes({ xTitle }: LineChart, { left, right, top, bottom, x, y, palette }: Frame, size: Size): string {
  // On whole pixels and a half: a line of one pixel stays one pixel.
  const crisp = (value: number): number => Math.round(value) + 0.5;
  const grid = y.ticks.map((tick) => `M${pixel(left)} ${crisp(y.at(tick))}H${pixel(right)}`).join('');
  const yLabels = y.ticks.map((tick) => `<text x="${pixel(left - 6)}" y="${pixel(y.at(tick) + 4)}" text-anchor="end">${formatTick(tick)}</text>`).join('');
  const xLabels = x.ticks.map((tick) => `<text x="${pixel(x.at(tick))}" y="${bottom + 16}" text-anchor="${anchor(x.at(tick), tick, size.width)}">${formatTick(tick)}</text>`).join('');
  const below = xTitle === undefined ? '' : `<text x="${pixel((left + right) / 2)}" y="${bottom + 30}" text-anchor="middle">${label(xTitle, 30)}</text>`;
  const marks = x.ticks.map((tick) => `M${crisp(x.at(tick))} ${crisp(bottom)}v4`).join('');
  return `<path d="${grid}" stroke="${palette.grid}" fill="none"/><path d="M${pixel(left)} ${crisp(bottom)}H${pixel(right)}${marks}M${pixel(left)} ${crisp(bottom)}V${top}" stroke="${palette.muted}" stroke-opacity="0.6" fill="none"/><g fill="${palette.muted}">${yLabels}${xLabels}${below}</g>`;
}

/** A label at the right end must not leave the picture. */
function anchor(at: number, tick: number, width: number): 'middle' | 'end' {
  return at + textWidth(formatTick(tick), TEXT_SIZE) / 2 > width ? 'end' : 'middle';
}

function referenceLine({ colour, value, dash = REFERENCE_DASH }: Reference, { left, right, y, palette }: Frame): string {
  const at = y.at(value);
  return Number.isFinite(at) ? `<path d="M${pixel(left)} ${pixel(at)}H${pixel(right)}" stroke="${palette.colours[colour]}" stroke-width="1.2"${dashed(dash)}/>` : '';
}

function band({ colour, band: points = [] }: Series, { x, y, palette }: Frame): string {
  const outline = bandPath(points, x.at, y.at);
  return outline === '' ? '' : `<path d="${outline}" fill="${palette.colours[colour]}" fill-opacity="0.18"/>`;
}

function line({ colour, points, dash = [], width = 1.6, marks }: Series, { left, right, x, y, palette }: Frame): string {
  const path = linePath(decimated(points, right - left), x.at, y.at);
  if (path === '') return '';
  const stroke = palette.colours[colour];
  const drawn = `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-linejoin="round" stroke-linecap="${dash.length === 0 ? 'round' : 'butt'}"${dashed(dash)}/>`;
  if (marks === undefined || points.length > (right - left) / 6) return drawn;
  const places = points.map((point) => [x.at(point.x), y.at(point.y)] as const).filter(([px, py]) => Number.isFinite(px) && Number.isFinite(py));
  return `${drawn}<path d="${places.map(([px, py]) => markPath(marks, px, py)).join('')}" fill="${stroke}"/>`;
}

function markPath(kind: NonNullable<Series['marks']>, x: number, y: number): string {
  if (kind === 'circle') return `M${pixel(x - 2.5)} ${pixel(y)}a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0`;
  if (kind === 'rect') return `M${pixel(x - 2.2)} ${pixel(y - 2.2)}h4.4v4.4h-4.4Z`;
  return `M${pixel(x)} ${pixel(y - 3)}l3 5h-6Z`;
}
