/** Which charts several runs have in common, and which lines are in them; and such a chart as an SVG. Pure. */
import { lineChartSvg } from '../charts/lineChart.ts';
import { type Palette } from '../charts/palette.ts';
import { type ColourRole } from '../../webview/colourRole.ts';
import { type ChartSpec, type Quantity, type SeriesSpec } from '../../webview/curves/charts.ts';
import { type Source, type Window } from '../../webview/curves/samples.ts';
import { clip, formatAp, spaced } from '../../webview/format.ts';
import { type Axis, groupOf, partOf, type RunModel } from '../../webview/model.ts';
import { t } from '../../webview/words.ts';
import { thicknesses } from './chartCsv.ts';
import { type Entry } from './run.ts';

/** More lines than this in one chart are told apart by nobody. */
export const MOST_LINES = 12;
const MOST_CHARTS = 40;

/** Nobody's own colours first: blue is the teacher's, grey the control's. With each a dash, so that colour is never all. */
const COLOURS: readonly ColourRole[] = ['student', 'part0', 'part2', 'part3', 'truth', 'part1', 'part4', 'part7', 'part5', 'part6', 'foreground', 'part8'];
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4]];

export interface Look {
  readonly colour: ColourRole;
  readonly dash: readonly number[];
}

/** @param index place of the run among those that are compared */
export function lookOf(index: number): Look {
  return { colour: COLOURS[index % COLOURS.length] ?? 'foreground', dash: DASHES[index % DASHES.length] ?? [] };
}

export interface CurvesOf {
  readonly entries: readonly Entry[];
  /** All ids, in the order of the choice: a run keeps its colour when seeds are joined. */
  readonly order: readonly string[];
  readonly models: ReadonlyMap<string, RunModel>;
}

export function chartsOfRuns({ entries, order, models }: CurvesOf): readonly ChartSpec[] {
  const shown = entries.slice(0, MOST_LINES);
  const lines = (quantity: Quantity, isThere: (model: RunModel) => boolean, more: Partial<SeriesSpec> = {}): SeriesSpec[] => shown.flatMap((entry) => {
    const runs = entry.runs.map(({ id }) => id).filter((id) => {
      const model = models.get(id);
      return model !== undefined && isThere(model);
    });
    if (runs.length === 0) return [];
    return [{ key: clip(entry.key, 100), name: clip(entry.name, 32), ...lookOf(order.indexOf(entry.key)), width: 1.6, quantity, runs, group: entry.key, ...more }];
  });
  const all = [...models.values()];
  const parts = [...new Set(all.flatMap((model) => model.partNames()))];
  const titleOf = (group: string): string => (group === 'detection' ? t('Detection') : all.find((model) => model.partNames().some((part) => groupOf(part) === group))?.titleOf(group) ?? group);
  const scored = (metric: 'AP' | 'AP50'): ChartSpec => ({
    key: metric.toLowerCase(), title: metric, unit: '%', kind: 'evaluation', references: [],
    series: lines({ from: 'evaluation', subject: 'student', metric }, (model) => model.evaluations.has('student'), { point: 'circle', width: 1.8 }),
  });
  const charts: ChartSpec[] = [
    scored('AP'), scored('AP50'),
    { key: 'gain', title: t('Gain over control'), unit: '%', kind: 'evaluation', references: [], series: lines({ from: 'gain' }, (model) => model.gains().length > 0, { point: 'circle', width: 1.8 }) },
    { key: 'total', title: t('Total loss'), kind: 'losses', references: [], series: lines({ from: 'part', arm: 'student', part: 'total' }, (model) => model.arms.has('student')) },
    ...parts.map((part): ChartSpec => ({
      key: `part:${part}`.slice(0, 100), title: clip(groupOf(part) === part ? spaced(part) : `${titleOf(groupOf(part))}: ${spaced(partOf(part))}`, 48), kind: 'losses', references: [],
      series: lines({ from: 'part', arm: 'student', part }, (model) => model.arms.get('student')?.parts.has(part) ?? false),
    })),
  ];
  return charts.filter(({ series }) => series.length > 0).slice(0, MOST_CHARTS);
}

export interface SvgOptions {
  readonly axis: Axis;
  /** Left out: everything. */
  readonly range: readonly [number, number];
  readonly smoothing: number;
  readonly logarithmic: boolean;
  readonly isHidden?: (series: SeriesSpec) => boolean;
  readonly size?: { readonly width: number; readonly height: number };
}

const X_TITLES: Readonly<Record<Axis, string>> = { step: t('steps'), epoch: t('epochs'), time: t('minutes of training') };
const SIZE = { width: 640, height: 360 };

/** As it is looked at: the same lines, part of the axis, smoothing and scale. */
export function chartSvg(spec: ChartSpec, source: Source, options: SvgOptions, palette: Palette): string {
  const { axis, range, smoothing, logarithmic, isHidden = () => false, size = SIZE } = options;
  const window: Window = { axis, range, buckets: Math.round(size.width / 2), smoothing };
  const shown = spec.series.filter((one) => !isHidden(one));
  // Piled up in the page; a line chart shows how thick each layer is.
  const layers = spec.kind === 'shares' ? thicknesses(source.shares(shown, window, () => false)) : [];
  const series = shown.map((one, at) => {
    const { line, band } = spec.kind === 'shares' ? { line: layers[at] ?? [], band: undefined } : source.draw(one, window);
    const inside = ({ x }: { readonly x: number }): boolean => x >= range[0] && x <= range[1];
    return { name: one.name, colour: one.colour, dash: one.dash, width: one.width, points: line.filter(inside), ...(one.point !== undefined && { marks: one.point }), ...(band !== undefined && { band: band.filter(inside) }) };
  });
  return lineChartSvg({
    title: spec.title, ...(spec.unit !== undefined && { unit: t('in {0}', spec.unit) }), xTitle: X_TITLES[axis], series,
    references: spec.references.map(({ name, colour, value, dash }) => ({ name: `${name} ${formatAp(value)}`, colour, value: 100 * value, dash })),
    // A picture has one y axis: what the page sets against two shares one where orders of magnitude are steps.
    scale: (logarithmic && spec.kind === 'losses') || spec.series.some((one) => one.axis === 'right') ? 'log' : 'linear', opaque: true,
  }, size, palette);
}
