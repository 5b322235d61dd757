/**
 * Groups of bars that lie on their side as one SVG text: a group a thing that has a name, a bar in it for each series. Pure, and as
 * safe as a chart of lines: escaped text and presentation attributes only.
 */
import { type ColourRole } from '../../webview/colourRole.ts';
import { clip, formatTick } from '../../webview/format.ts';
import { type Palette } from './palette.ts';
import { pixel } from './path.ts';
import { type Extent, linearScale, type Scale } from './scale.ts';
import { escapeXml, label, textWidth } from './text.ts';

export interface BarSeries {
  readonly name: string;
  readonly colour: ColourRole;
  /** By group, as in the chart's names; undefined is no bar. */
  readonly values: readonly (number | undefined)[];
  /** What stands at a bar's end. */
  readonly texts: readonly (string | undefined)[];
}

export interface BarChart {
  readonly title: string;
  readonly unit?: string;
  readonly names: readonly string[];
  readonly series: readonly BarSeries[];
  /** Under the axis, e.g. what was left out. */
  readonly note?: string;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Ubuntu, sans-serif';
const [TITLE_SIZE, TEXT_SIZE] = [13, 11];
const [ROW, BAR, SPACE] = [17, 11, 7];
/** A single bar is as high as its text. */
const LONE_BAR = 13;
const SAMPLE = 12;
const LONGEST_NAME = 32;
const TOP = 24;

export function barChartSvg(chart: BarChart, width: number, palette: Palette): string {
  const { names, series, note } = chart;
  const bar = series.length === 1 ? LONE_BAR : BAR;
  const legend = legendRows(series, width);
  const top = TOP + legend.length * ROW + 6;
  const group = series.length * bar + SPACE;
  const bottom = top + names.length * group;
  const height = bottom + (note === undefined ? 26 : 44);
  const extent = extentOf(series);
  const wordWidth = (texts: readonly (string | undefined)[]): number => Math.max(0, ...texts.map((text) => textWidth(text ?? '', TEXT_SIZE)));
  const room = 6 + wordWidth(series.flatMap(({ texts }) => texts));
  const left = 16 + Math.min(width / 3, wordWidth(names.map((name) => clip(name, LONGEST_NAME)))) + (extent[0] < 0 ? room : 0);
  const right = width - 8 - room;
  const x = linearScale(extent, [left, right], Math.max(2, Math.floor((right - left) / 80)));
  const rows = names.map((name, at) => {
    const y = top + at * group + SPACE / 2;
    const bars = series.map((one, index) => barOf(one, at, { y: y + index * bar, height: bar - 2, x, palette }));
    return `<text x="8" y="${pixel(y + (series.length * bar) / 2 + 3)}" fill="${palette.foreground}">${label(name, LONGEST_NAME)}</text>${bars.join('')}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label(chart.title, 400)}" font-family="${escapeXml(palette.font ?? FONT)}" font-size="${TEXT_SIZE}">`,
    `<rect width="100%" height="100%" fill="${palette.background}"/>`,
    title(chart, palette), ...legend.map((row, at) => legendRow(row, TOP + at * ROW, palette)),
    axis(x, { top, bottom, palette }), ...rows,
    note === undefined ? '' : `<text x="8" y="${height - 8}" fill="${palette.muted}">${label(note, 120)}</text>`,
    '</svg>',
  ].join('');
}

/** Bars begin at 0, so it is always there. */
function extentOf(series: readonly BarSeries[]): Extent {
  const values = series.flatMap(({ values }) => values.filter((value): value is number => value !== undefined && Number.isFinite(value)));
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  return low === high ? [0, 1] : [low, high];
}

interface Place {
  readonly y: number;
  readonly height: number;
  readonly x: Scale;
  readonly palette: Palette;
}

function barOf({ values, texts, colour }: BarSeries, at: number, { y, height, x, palette }: Place): string {
  const value = values[at];
  if (value === undefined || !Number.isFinite(value)) return '';
  const [from, to] = [Math.min(x.at(0), x.at(value)), Math.max(x.at(0), x.at(value))];
  const words = `<text x="${pixel(value < 0 ? from - 4 : to + 4)}" y="${pixel(y + height / 2 + 4)}"${value < 0 ? ' text-anchor="end"' : ''} fill="${palette.muted}">${label(texts[at] ?? '', 40)}</text>`;
  return `<rect x="${pixel(from)}" y="${pixel(y)}" width="${pixel(Math.max(0.5, to - from))}" height="${height}" fill="${palette.colours[colour]}"/>${words}`;
}

function axis(x: Scale, { top, bottom, palette }: { readonly top: number; readonly bottom: number; readonly palette: Palette }): string {
  const crisp = (value: number): number => Math.round(value) + 0.5;
  const grid = x.ticks.map((tick) => `M${crisp(x.at(tick))} ${top}V${bottom}`).join('');
  const labels = x.ticks.map((tick) => `<text x="${pixel(x.at(tick))}" y="${bottom + 15}" text-anchor="middle">${formatTick(tick)}</text>`).join('');
  return `<path d="${grid}" stroke="${palette.grid}" fill="none"/><path d="M${crisp(x.at(0))} ${top}V${bottom}" stroke="${palette.muted}" fill="none"/><g fill="${palette.muted}">${labels}</g>`;
}

function title({ title, unit }: BarChart, palette: Palette): string {
  const behind = unit === undefined ? '' : `<tspan font-weight="400" font-size="${TEXT_SIZE}" fill="${palette.muted}" dx="5">${label(unit, 40)}</tspan>`;
  return `<text x="8" y="17" font-size="${TITLE_SIZE}" font-weight="600" fill="${palette.foreground}">${label(title, 80)}${behind}</text>`;
}

interface LegendItem {
  readonly text: string;
  readonly colour: ColourRole;
  readonly x: number;
}

/** In the order of the bars of a group, which is what tells them apart where colours do not. */
function legendRows(series: readonly BarSeries[], width: number): LegendItem[][] {
  const rows: LegendItem[][] = [[]];
  let x = 8;
  for (const { name, colour } of series) {
    const text = clip(name, 40);
    const wide = SAMPLE + 6 + textWidth(text, TEXT_SIZE) + 16;
    if (x > 8 && x + wide - 16 > width - 8) {
      rows.push([]);
      x = 8;
    }
    rows.at(-1)?.push({ text, colour, x });
    x += wide;
  }
  return rows;
}

function legendRow(items: readonly LegendItem[], top: number, palette: Palette): string {
  return items.map(({ text, colour, x }) =>
    `<rect x="${pixel(x)}" y="${top + 5}" width="${SAMPLE}" height="8" fill="${palette.colours[colour]}"/><text x="${pixel(x + SAMPLE + 6)}" y="${top + 13}" fill="${palette.foreground}">${escapeXml(text)}</text>`).join('');
}
