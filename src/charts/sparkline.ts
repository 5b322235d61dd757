/** A line of the size of a word: no axes, no text; what it shows is said beside it. */
import { type ColourRole } from '../../webview/colourRole.ts';
import { type Size } from './lineChart.ts';
import { type Palette } from './palette.ts';
import { decimated, linePath, pixel, type Point } from './path.ts';
import { extentOf, linearScale } from './scale.ts';

export interface SparkSeries {
  readonly colour: ColourRole;
  readonly points: readonly Point[];
  readonly dash?: readonly number[];
}

export interface Spark {
  /** The first lies on top and has its last point marked. */
  readonly series: readonly SparkSeries[];
  /** Values to compare with, as lines across. */
  readonly references?: readonly { readonly colour: ColourRole; readonly value: number }[];
  /** The x axis goes at least to here: what is still to come is room that stays free. */
  readonly until?: number;
}

const STROKE = 1.5;
const DOT = 2;

export function sparklineSvg({ series, references = [], until = NaN }: Spark, { width, height }: Size, palette: Palette): string {
  const steps = extentOf([until, ...series.flatMap(({ points }) => points.map(({ x }) => x))]) ?? [0, 1];
  const values = extentOf([...series.flatMap(({ points }) => points.map(({ y }) => y)), ...references.map(({ value }) => value)]) ?? [0, 1];
  const x = linearScale(steps, [DOT, width - DOT - 1], 1);
  // A flat line runs through the middle.
  const y = values[0] === values[1] ? { at: (): number => height / 2 } : linearScale(values, [height - DOT, DOT], 1);
  const across = references.map(({ colour, value }) => `<path d="M0 ${Math.floor(y.at(value)) + 0.5}H${width}" stroke="${palette.colours[colour]}" stroke-width="1"/>`);
  const lines = series.toReversed().map(({ colour, points, dash = [] }) => {
    const path = linePath(decimated(points, width), x.at, y.at);
    return path === '' ? '' : `<path d="${path}" stroke="${palette.colours[colour]}" stroke-width="${STROKE}" stroke-linejoin="round"${dash.length === 0 ? ' stroke-linecap="round"' : ` stroke-dasharray="${dash.join(' ')}"`}/>`;
  });
  const first = series[0];
  const end = first?.points.findLast((point) => Number.isFinite(point.y));
  const dot = first === undefined || end === undefined ? '' : `<circle cx="${pixel(x.at(end.x))}" cy="${pixel(y.at(end.y))}" r="${DOT}" fill="${palette.colours[first.colour]}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" fill="none">${across.join('')}${lines.join('')}${dot}</svg>`;
}
