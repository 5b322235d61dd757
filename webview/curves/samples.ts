/** From a series to what is drawn of it: position on the axis, smoothing, decimation to the width at hand. */
import { type Arm } from '../../src/experiment/record.ts';
import { type Column, indexAt } from '../columns.ts';
import { type ArmHistory, type Axis, type RunModel } from '../model.ts';
import { type Quantity, type SeriesSpec } from './charts.ts';
import { type Point, bucketMeans, minMax } from './decimate.ts';
import { type BandPoint, type Joined, type Measured, type Row, meanOfRows, meanOfSteps } from './mean.ts';
import { Smoother } from './smooth.ts';

export interface Window {
  readonly axis: Axis;
  readonly range: readonly [number, number];
  /** About the number of pixels. */
  readonly buckets: number;
  /** 0 … 0.99. */
  readonly smoothing: number;
}

export interface Drawn {
  readonly line: Point[];
  /** The unsmoothed values, where `line` is smoothed. */
  readonly raw: Point[];
  /** Spread around the line, where it is a mean. */
  readonly band?: readonly BandPoint[];
}

/** Where a chart has its lines from: a run, or several. Each chart has one of its own. */
export interface Source {
  draw(series: SeriesSpec, window: Window): Drawn;
  /** The value at a place of the axis, or the last one: unsmoothed, as it was measured. */
  valueAt(series: SeriesSpec, axis: Axis, x: number | undefined): number | undefined;
  shares(series: readonly SeriesSpec[], window: Window, isHidden: (series: SeriesSpec) => boolean): Point[][];
}

/** Lines of one run. */
export function sourceOf(model: RunModel): Source {
  const samples = new Samples();
  return {
    draw: (series, window) => samples.draw(model, series, window),
    valueAt: (series, axis, x) => samples.valueAt(model, series, axis, x),
    shares: (series, window, isHidden) => shares(model, series, window, isHidden),
  };
}

/** Lines of several runs, each series of those that it names. */
export function sourceOfRuns(models: ReadonlyMap<string, RunModel>): Source {
  const samples = new Map<string, Samples>();
  const runsOf = ({ runs = [] }: SeriesSpec): { readonly model: RunModel; readonly own: Samples }[] => runs.flatMap((id) => {
    const model = models.get(id);
    if (model === undefined) return [];
    const own = samples.get(id) ?? new Samples();
    samples.set(id, own);
    return [{ model, own }];
  });
  return {
    draw: (series, window) => {
      const [first, ...others] = runsOf(series);
      if (first === undefined) return NOTHING;
      if (others.length === 0) return first.own.draw(first.model, series, window);
      const all = [first, ...others];
      const { line, band } = isPlaced(series.quantity) ? meanOfSteps(all.map(({ model }) => placed(model, series.quantity, window.axis))) : meanOfSamples(all, series, window);
      return { line, raw: [], band };
    },
    valueAt: (series, axis, x) => {
      const values = runsOf(series).flatMap(({ model, own }) => own.valueAt(model, series, axis, x) ?? []).filter(Number.isFinite);
      return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
    },
    shares: (series) => series.map(() => []),
  };
}

function meanOfSamples(runs: readonly { readonly model: RunModel; readonly own: Samples }[], series: SeriesSpec, window: Window): Joined {
  const rows = runs.flatMap(({ model, own }): Row[] => {
    const row = own.row(model, series, window);
    return row === undefined ? [] : [{ xs: row.factor === 1 ? row.xs : row.xs.map((x) => x * row.factor), ys: row.ys }];
  });
  // A mean over few samples is as jagged as the samples: half as many parts as a line's own buckets look calmer.
  return meanOfRows(rows, window.range, Math.max(20, Math.round(window.buckets / 2)));
}

const NOTHING: Drawn = { line: [], raw: [] };

/** The axis as one row and a factor, so that no second row of 100,000 numbers is made for epochs or minutes. */
function axisOf(model: RunModel, history: ArmHistory, axis: Axis): { readonly xs: Float64Array; readonly factor: number } {
  if (axis === 'time') return { xs: history.elapsed.view(), factor: 1 / 60 };
  return { xs: history.steps.view(), factor: axis === 'step' ? 1 : 1 / Math.max(1, model.started?.stepsPerEpoch ?? 1) };
}

function columnOf(history: ArmHistory, quantity: Quantity): Column | undefined {
  switch (quantity.from) {
    case 'part': return history.parts.get(quantity.part);
    case 'learningRate': return history.learningRate;
    case 'gradientNorm': return history.gradientNorm;
    case 'parts':
    case 'gain':
    case 'evaluation': return undefined;
  }
}

/** The learning rate is set, not measured: smoothing it would show what never was. */
const isNoisy = (quantity: Quantity): boolean => quantity.from !== 'learningRate' && !isPlaced(quantity);

/** Measured at some steps only. */
const isPlaced = (quantity: Quantity): quantity is Extract<Quantity, { from: 'evaluation' | 'gain' }> => quantity.from === 'evaluation' || quantity.from === 'gain';

/** A control is there to compare with: its noise would only hide the student's. */
export const hasRaw = (series: SeriesSpec): boolean => isNoisy(series.quantity) && series.colour !== 'control';

export class Samples {
  readonly #smoothers = new Map<string, Smoother>();

  draw(model: RunModel, series: SeriesSpec, window: Window): Drawn {
    const { quantity } = series;
    if (isPlaced(quantity)) return { line: placed(model, quantity, window.axis), raw: [] };
    const history = model.arms.get(quantity.arm);
    const column = history === undefined ? undefined : columnOf(history, quantity);
    if (history === undefined || column === undefined) return NOTHING;
    const { xs, factor } = axisOf(model, history, window.axis);
    const range = [window.range[0] / factor, window.range[1] / factor] as const;
    const drawn = (ys: Column, buckets: number): Point[] => scaled(minMax(xs, ys, range, buckets, history.breaks), factor);
    if (window.smoothing === 0 || !isNoisy(quantity)) return { line: drawn(column, window.buckets), raw: [] };
    const smooth = this.#smoother(series.key).update(column.view(), window.smoothing, history.generation);
    // What is smooth needs fewer points to look it.
    const buckets = Math.round(window.buckets * (window.smoothing > 0.8 ? 0.4 : 0.7));
    return { line: drawn(smooth, buckets), raw: hasRaw(series) ? drawn(column, window.buckets) : [] };
  }

  /** What a line is drawn of, smoothed, in full. */
  row(model: RunModel, series: SeriesSpec, { axis, smoothing }: Window): { readonly xs: Float64Array; readonly ys: Float64Array; readonly factor: number } | undefined {
    const { quantity } = series;
    const history = isPlaced(quantity) ? undefined : model.arms.get(quantity.arm);
    const column = history === undefined ? undefined : columnOf(history, quantity);
    if (history === undefined || column === undefined) return undefined;
    const ys = smoothing === 0 || !isNoisy(quantity) ? column.view() : this.#smoother(series.key).update(column.view(), smoothing, history.generation).view();
    return { ...axisOf(model, history, axis), ys };
  }

  #smoother(key: string): Smoother {
    let smoother = this.#smoothers.get(key);
    if (smoother === undefined) this.#smoothers.set(key, (smoother = new Smoother()));
    return smoother;
  }

  /** The value at a place of the axis, or the last one: unsmoothed, as it was measured. */
  valueAt(model: RunModel, series: SeriesSpec, axis: Axis, x: number | undefined): number | undefined {
    const { quantity } = series;
    if (isPlaced(quantity)) return placed(model, quantity, axis).findLast((point) => x === undefined || point.x <= x)?.y;
    const history = model.arms.get(quantity.arm);
    const column = history === undefined ? undefined : columnOf(history, quantity);
    if (history === undefined || column === undefined || column.length === 0) return undefined;
    if (x === undefined) return column.last;
    const { xs, factor } = axisOf(model, history, axis);
    // The nearest sample, not the one before: the cross-hair stands between pixels.
    const before = indexAt(xs, x / factor);
    const after = Math.min(before + 1, xs.length - 1);
    const nearer = before < 0 || Math.abs((xs[after] ?? 0) * factor - x) < Math.abs((xs[before] ?? 0) * factor - x) ? after : before;
    return x > (xs.at(-1) ?? 0) * factor * 1.02 + 1e-9 ? undefined : column.at(nearer);
  }
}

function scaled(points: Point[], factor: number): Point[] {
  if (factor !== 1) for (const point of points) point.x *= factor;
  return points;
}

/** AP, or points of it gained, in per cent. */
function placed(model: RunModel, quantity: Quantity, axis: Axis): Measured[] {
  if (quantity.from === 'gain') return model.gains().map(({ step, value }) => ({ step, x: model.position('student', step, axis), y: 100 * value }));
  if (quantity.from !== 'evaluation') return [];
  const { subject, metric } = quantity;
  const arm: Arm = subject === 'teacher' ? 'student' : subject;
  return (model.evaluations.get(subject) ?? []).map(({ step, metrics }) => ({ step, x: model.position(arm, step, axis), y: metrics[metric] < 0 ? NaN : 100 * metrics[metric] }));
}

/**
 * Shares of the parts in their sum, in per cent, as the upper edges of layers on common places: the layers are summed here,
 * hidden ones left out of the pile but not of the sum, so that the chart has nothing to stack.
 */
export function shares(model: RunModel, series: readonly SeriesSpec[], window: Window, isHidden: (series: SeriesSpec) => boolean = () => false): Point[][] {
  const history = model.arms.get('student');
  if (history === undefined || history.length === 0) return series.map(() => []);
  const { xs, factor } = axisOf(model, history, window.axis);
  const parts = series.map(({ quantity }) => (quantity.from === 'part' ? [quantity.part] : quantity.from === 'parts' ? quantity.parts : []));
  const names = parts.flat();
  const range = [window.range[0] / factor, window.range[1] / factor] as const;
  const means = bucketMeans(xs, names.map((name) => history.parts.get(name) ?? []), range, Math.max(2, Math.round(window.buckets / 4)));
  const rowOf = new Map(names.map((name, index) => [name, means.rows[index]]));
  const sizeOf = (of: readonly string[], at: number): number => of.reduce((sum, name) => sum + Math.abs(rowOf.get(name)?.[at] ?? 0), 0);
  const totals = means.xs.map((_, at) => sizeOf(names, at));
  const pile = means.xs.map(() => 0);
  return series.map((spec, index) => {
    if (isHidden(spec)) return [];
    return means.xs.map((_, at) => {
      const total = totals[at] ?? 0;
      const edge = (pile[at] ?? 0) + (total > 0 ? (100 * sizeOf(parts[index] ?? [], at)) / total : 0);
      pile[at] = edge;
      return { x: (means.xs[at] ?? 0) * factor, y: edge };
    });
  });
}

/** The whole extent of the data on an axis; never empty. */
export function extent(model: RunModel, axis: Axis): [number, number] {
  let high = 0;
  for (const [arm, history] of model.arms) high = Math.max(high, model.position(arm, history.lastStep, axis) || 0);
  for (const [subject, list] of model.evaluations) {
    const last = list.at(-1);
    if (subject !== 'teacher' && last !== undefined) high = Math.max(high, model.position(subject, last.step, axis) || 0);
  }
  return [0, high > 0 ? high : 1];
}
