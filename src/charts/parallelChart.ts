/**
 * Parallel coordinates: where everything goes, for the page that draws it, and the whole as one SVG text, for files. Pure, and
 * safe to put anywhere: all text is escaped and there are presentation attributes only.
 */
import { clip } from '../../webview/format.ts';
import { type Palette } from './palette.ts';
import { pixel } from './path.ts';
import { escapeXml, label, textWidth } from './text.ts';

export interface Tick {
  /** 0 at the bottom of the axis, 1 at its top. */
  readonly at: number;
  readonly text: string;
}

export interface ParallelAxis {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly ticks: readonly Tick[];
}

export interface ParallelLine {
  readonly key: string;
  readonly name: string;
  /** One an axis, as ticks; undefined where it has no place. */
  readonly at: readonly (number | undefined)[];
  /** The same in words. */
  readonly texts: readonly string[];
  /** By the last axis, from 0 for the best. */
  readonly rank: number;
  readonly isBest: boolean;
}

export interface ParallelChart {
  readonly title: string;
  /** The last one is the metric. */
  readonly axes: readonly ParallelAxis[];
  readonly lines: readonly ParallelLine[];
  /** To compare with, on the last axis. */
  readonly marks: readonly { readonly name: string; readonly at: number; readonly text: string }[];
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const TEXT_SIZE = 11;
const TITLE_SIZE = 13;
const FONT = 'system-ui, -apple-system, "Segoe UI", Ubuntu, sans-serif';
/** Of a label, so that a long value does not take the room of two axes. */
const LONGEST_LABEL = 22;

export interface Layout {
  /** Pixels from the left, one an axis. */
  readonly x: readonly number[];
  readonly top: number;
  readonly bottom: number;
  /** From a tick's place to pixels from the top. */
  readonly y: (at: number) => number;
  /** From pixels to a place on the axis, 0…1. */
  readonly placeAt: (y: number) => number;
}

export function tickLabel({ text }: Tick): string {
  return clip(text, LONGEST_LABEL);
}

/** @param head pixels above the axes' titles, e.g. for a title of the chart. */
export function parallelLayout({ axes, marks }: ParallelChart, { width, height }: Size, head = 0): Layout {
  const widthOf = (axis: ParallelAxis | undefined): number => Math.max(16, ...(axis?.ticks ?? []).map((tick) => textWidth(tickLabel(tick), TEXT_SIZE)));
  const left = 14 + Math.max(widthOf(axes[0]), textWidth(clip(axes[0]?.title ?? '', 28), TEXT_SIZE) / 2 - 8);
  const right = width - 18 - Math.max(widthOf(axes.at(-1)), ...marks.map((mark) => textWidth(markText(mark), TEXT_SIZE)));
  const top = head + 34;
  const hasMissing = axes.some(({ ticks }) => ticks.some(({ at }) => at < 0));
  const bottom = height - (hasMissing ? 38 : 16);
  const step = axes.length > 1 ? (right - left) / (axes.length - 1) : 0;
  return { x: axes.map((_, index) => left + index * step), top, bottom, y: (at) => bottom - at * (bottom - top), placeAt: (y) => Math.min(1, Math.max(0, (bottom - y) / (bottom - top))) };
}

export function markText({ name, text }: { readonly name: string; readonly text: string }): string {
  return `${clip(name, 16)} ${text}`;
}

/** Through all axes on which the line has a place. */
export function linePath({ at }: ParallelLine, { x, y }: Layout): string {
  const points = at.flatMap((place, index) => (place === undefined ? [] : [`${pixel(x[index] ?? 0)} ${pixel(y(place))}`]));
  return points.length < 2 ? '' : `M${points.join('L')}`;
}

/** How strong a line is drawn, 0…1: the better, the stronger. */
export function strengthOf({ rank }: ParallelLine, count: number): number {
  return count < 2 ? 1 : 0.9 - (0.6 * Math.min(rank, count - 1)) / (count - 1);
}

/** @param isFaint lines that are not looked at. */
export function parallelSvg(chart: ParallelChart, size: Size, palette: Palette, isFaint: (line: ParallelLine) => boolean): string {
  const layout = parallelLayout(chart, size, 22);
  const { x, top, bottom, y } = layout;
  const last = chart.axes.length - 1;
  // The best is drawn last and lies on top.
  const lines = chart.lines.toSorted((a, b) => b.rank - a.rank).map((line) => {
    const path = linePath(line, layout);
    if (path === '') return '';
    const look = isFaint(line) ? `stroke="${palette.foreground}" stroke-opacity="0.1" stroke-width="1"` : `stroke="${palette.colours.student}" stroke-opacity="${line.isBest ? 1 : strengthOf(line, chart.lines.length).toFixed(2)}" stroke-width="${line.isBest ? 3 : 1.4}"`;
    const end = line.at[last];
    const dot = line.isBest && end !== undefined ? `<circle cx="${pixel(x[last] ?? 0)}" cy="${pixel(y(end))}" r="4.5" fill="${palette.colours.student}"/>` : '';
    return `<path d="${path}" fill="none" stroke-linejoin="round" ${look}/>${dot}`;
  });
  const halo = `stroke="${palette.background}" stroke-width="3" paint-order="stroke" stroke-linejoin="round"`;
  const axes = chart.axes.map(({ title, unit, ticks }, index) => {
    const at = x[index] ?? 0;
    const isLast = index === last;
    const anchor = index === 0 ? 'start' : isLast ? 'end' : 'middle';
    const place = index === 0 ? Math.max(4, at - textWidth(clip(title, 28), TEXT_SIZE) / 2) : isLast ? size.width - 6 : at;
    const name = `<text x="${pixel(place)}" y="${top - 14}" text-anchor="${anchor}" fill="${palette.foreground}">${label(title, 28)}${unit === undefined ? '' : ` <tspan fill="${palette.muted}">${label(unit, 8)}</tspan>`}</text>`;
    const labels = ticks.map((tick) => `<text x="${pixel(isLast ? at + 8 : at - 8)}" y="${pixel(y(tick.at) + 4)}" text-anchor="${isLast ? 'start' : 'end'}" fill="${palette.muted}" ${halo}>${escapeXml(tickLabel(tick))}</text>`).join('');
    return `<path d="M${pixel(at)} ${top}V${bottom}" stroke="${palette.muted}" stroke-width="${isLast ? 1.6 : 1}"/>${name}${labels}`;
  });
  const marks = chart.marks.map((mark) => `<path d="M${pixel((x[last] ?? 0) - 16)} ${pixel(y(mark.at))}h32" stroke="${palette.colours.control}" stroke-width="1.6" stroke-dasharray="5 3"/><text x="${pixel((x[last] ?? 0) - 20)}" y="${pixel(y(mark.at) + 4)}" text-anchor="end" fill="${palette.colours.control}" ${halo}>${escapeXml(markText(mark))}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${label(describeParallel(chart), 400)}" font-family="${escapeXml(palette.font ?? FONT)}" font-size="${TEXT_SIZE}">`,
    `<rect width="100%" height="100%" fill="${palette.background}"/>`,
    `<text x="8" y="17" font-size="${TITLE_SIZE}" font-weight="600" fill="${palette.foreground}">${label(chart.title, 80)}</text>`,
    ...lines, ...axes, ...marks, '</svg>',
  ].join('');
}

/** What a screen reader says of the picture as a whole. */
export function describeParallel({ title, axes, lines }: ParallelChart): string {
  const best = lines.find(({ isBest }) => isBest);
  const names = axes.map((axis) => axis.title).join(', ');
  return `${title}: ${lines.length} × ${names}${best === undefined ? '' : `; ${best.name}: ${best.texts.at(-1) ?? ''}`}`;
}
