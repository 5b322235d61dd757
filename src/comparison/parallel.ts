/** The keys that differ and a metric as parallel coordinates: an axis a key, a line a combination. Pure. */
import { type ParallelAxis, type ParallelChart, type ParallelLine, type Tick } from '../charts/parallelChart.ts';
import { extentOf, linearScale, logScale, padded } from '../charts/scale.ts';
import { clip, formatAp, formatGain, formatTick } from '../../webview/format.ts';
import { t } from '../../webview/words.ts';
import { bestEntry, isControl, measureMetric, type Metric, METRICS } from './best.ts';
import { type Comparison } from './compare.ts';
import { type KeyRow, showValue } from './keys.ts';
import { type Entry } from './run.ts';
import { type Spread, spread } from './statistics.ts';

/** Further axes are read by nobody. */
const MOST_AXES = 10;
const MOST_WORDS = 24;
/** From this ratio on values are set at equal distances of their magnitude. */
const LOGARITHMIC_FROM = 20;
/** Few values have a label each. */
const MOST_LABELLED = 7;
/** Below the axis: where a key is left out. */
const MISSING = -0.09;

/** The metrics that at least one entry has. */
export function metricsOf(entries: readonly Entry[]): readonly Metric[] {
  return METRICS.filter((metric) => entries.some((entry) => !isControl(entry) && spread(entry, measureMetric(metric)) !== undefined));
}

/** Undefined where there is nothing to see: no key that differs, or fewer than two combinations. */
export function parallelOf({ entries, keys }: Pick<Comparison, 'entries' | 'keys'>, metric: Metric): ParallelChart | undefined {
  const shown = entries.flatMap((entry, index) => (isControl(entry) ? [] : [{ entry, index, figure: spread(entry, measureMetric(metric)) }]));
  const rows = keys.map(({ key, values }): KeyRow => ({ key, values: shown.map(({ index }) => values[index]) })).filter(({ values }) => new Set(values.map(showValue)).size > 1).slice(0, MOST_AXES);
  if (rows.length === 0 || shown.length < 2) return undefined;
  const columns = rows.map(columnOf);
  const controls = entries.filter(isControl).flatMap((entry) => {
    const figure = metric === 'gain' ? undefined : spread(entry, measureMetric(metric));
    return figure === undefined ? [] : [{ name: entry.name, mean: figure.mean }];
  });
  const means = [...shown.flatMap(({ figure }) => figure?.mean ?? []), ...controls.map(({ mean }) => mean)].map((mean) => 100 * mean);
  const scale = linearScale(padded(extentOf(means) ?? [0, 1]), [0, 1], 5);
  const say = (figure: Spread): string => {
    const mean = metric === 'gain' ? formatGain(figure.mean) : formatAp(figure.mean);
    return figure.sd === undefined ? mean : `${mean} ± ${(100 * figure.sd).toFixed(1)}`;
  };
  const best = bestEntry(entries, metric);
  const ranked = shown.filter(({ figure }) => figure !== undefined).sort((a, b) => (b.figure?.mean ?? 0) - (a.figure?.mean ?? 0));
  const lines = shown.map(({ entry, figure }, at): ParallelLine => ({
    key: entry.key, name: clip(entry.name, 80), isBest: entry === best,
    at: [...columns.map(({ places }) => places[at] ?? MISSING), figure === undefined ? undefined : scale.at(100 * figure.mean)],
    texts: [...columns.map(({ words }) => words[at] ?? '–'), figure === undefined ? t('not evaluated') : say(figure)],
    rank: figure === undefined ? ranked.length : ranked.findIndex((other) => other.entry === entry),
  }));
  const title = metric === 'gain' ? t('gain') : metric;
  const axis: ParallelAxis = { key: 'metric', title, unit: '%', ticks: scale.ticks.map((tick) => ({ at: scale.at(tick), text: formatTick(tick) })) };
  return {
    title: t('Keys and {0}', title), axes: [...columns.map((column) => column.axis), axis], lines,
    marks: controls.map(({ name, mean }) => ({ name: clip(name, 40), at: scale.at(100 * mean), text: formatAp(mean) })),
  };
}

interface Column {
  readonly axis: ParallelAxis;
  readonly places: readonly number[];
  readonly words: readonly string[];
}

function columnOf({ key, values }: KeyRow): Column {
  const words = values.map((value) => clip(showValue(value), 40));
  const numbers = values.flatMap((value) => (typeof value === 'number' ? [value] : []));
  const isNumeric = new Set(numbers).size > 1 && values.every((value) => value === undefined || value === null || typeof value === 'number');
  const { ticks, places } = isNumeric ? numeric(values, numbers) : inWords(words);
  return { axis: { key, title: clip(key, 48), ticks }, places, words };
}

function numeric(values: readonly unknown[], numbers: readonly number[]): { readonly ticks: readonly Tick[]; readonly places: readonly number[] } {
  const [least, greatest] = extentOf(numbers) ?? [0, 1];
  const make = least > 0 && greatest / least >= LOGARITHMIC_FROM ? logScale : linearScale;
  const scale = make([least, greatest], [0, 1], 5);
  const distinct = [...new Set(numbers)].sort((a, b) => a - b);
  const labelled = distinct.length <= MOST_LABELLED ? distinct : scale.ticks;
  const missing = numbers.length < values.length ? [{ at: MISSING, text: '–' }] : [];
  return { ticks: [...missing, ...labelled.map((value) => ({ at: scale.at(value), text: distinct.length <= MOST_LABELLED ? shortNumber(value) : formatTick(value) }))], places: values.map((value) => (typeof value === 'number' ? scale.at(value) : MISSING)) };
}

/** A value of the file as it was written, not rounded to a label's three digits. */
const shortNumber = (value: number): string => { const text = String(Number(value.toPrecision(6))); return text.length <= 8 ? text : formatTick(value); };

/** Equal distances, in the order of appearance from the top. */
function inWords(words: readonly string[]): { readonly ticks: readonly Tick[]; readonly places: readonly number[] } {
  const distinct = [...new Set(words)];
  const place = (word: string): number => (distinct.length === 1 ? 0.5 : 1 - distinct.indexOf(word) / (distinct.length - 1));
  const every = Math.ceil(distinct.length / MOST_WORDS);
  return { ticks: distinct.filter((_, index) => index % every === 0).map((word) => ({ at: place(word), text: word })), places: words.map(place) };
}
