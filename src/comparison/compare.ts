/** The comparison as a whole: entries, baseline, notes, tables. */
import { t } from '../../webview/words.ts';
import { clip, formatAp, formatCount, formatGain, formatValue } from '../../webview/format.ts';
import { type KeyRow, showValue } from './keys.ts';
import { type Note, notesOf } from './notes.ts';
import { type ComparedRun, type Entry, isRecord, lastScored } from './run.ts';
import { entriesOf } from './seeds.ts';
import { difference, type Difference, type Figure, FIGURES, halfInterval, measureClass, measureOf, spread, type Spread } from './statistics.ts';
import { keysOf, namedInSweep, sweepOf, withGains } from './sweep.ts';
import { type Cell, type Column, type Row, type Table } from './table.ts';

export interface CompareOptions {
  /** Joins the seeds of one experiment. */
  readonly join: boolean;
  /** Id of a run; differences are shown against it, or against the entry that it is joined in. */
  readonly baseline?: string | undefined;
}

export interface Comparison {
  readonly entries: readonly Entry[];
  readonly baseline: Entry | undefined;
  readonly notes: readonly Note[];
  /** What of the experiments is not the same in all, a value an entry. */
  readonly keys: readonly KeyRow[];
  /** That all runs belong to. */
  readonly sweep?: { readonly id: string; readonly name: string } | undefined;
  readonly results: Table;
  /** Left out where no run was evaluated by class. */
  readonly classes: Table | undefined;
}

const MOST_CLASSES = 500;
const LONGEST_CELL = 60;

interface Unit {
  readonly title: string;
  readonly unit?: string;
  /** From the figure's own unit to the column's. */
  readonly factor: number;
  readonly say: (value: number) => string;
  readonly sayDifference: (value: number) => string;
}

const signed = (text: string, value: number): string => `${value < 0 ? '−' : '+'}${text.replace('−', '')}`;
const inPercent = (title: string): Unit => ({ title, unit: '%', factor: 100, say: formatAp, sayDifference: formatGain });
const mebibytes = (bytes: number): string => formatCount(bytes / 2 ** 20);
const UNITS: Readonly<Record<Figure, Unit>> = {
  AP: inPercent('AP'), AP50: inPercent('AP50'), AP75: inPercent('AP75'),
  gain: { ...inPercent(t('gain')), say: formatGain },
  secondsPerStep: { title: t('s/step'), factor: 1, say: formatValue, sayDifference: (value) => signed(formatValue(value), value) },
  memory: { title: t('memory'), unit: 'MiB', factor: 1 / 2 ** 20, say: mebibytes, sayDifference: (value) => signed(mebibytes(value), value) },
};

export function compareRuns(given: readonly ComparedRun[], options: CompareOptions): Comparison {
  const runs = withGains(given);
  const entries = namedInSweep(entriesOf(runs, options.join));
  const baseline = entries.find((entry) => entry.key === options.baseline || entry.runs.some(({ id }) => id === options.baseline));
  const keys = keysOf(entries, experimentOf);
  return { entries, baseline, keys, sweep: sweepOf(runs), notes: notesOf(entries), results: resultsTable(entries, keys, baseline), classes: classTable(entries, baseline) };
}

function resultsTable(entries: readonly Entry[], keys: readonly KeyRow[], baseline: Entry | undefined): Table {
  const figures = FIGURES.filter((figure) => entries.some((entry) => spread(entry, measureOf(figure)) !== undefined) || figure === 'AP');
  const joined = entries.some(({ runs }) => runs.length > 1);
  const gains = entries.map((entry) => spread(entry, measureOf('gain')));
  const hasInterval = gains.some((gain) => gain?.sd !== undefined);
  const columns: Column[] = [
    { key: 'run', title: t('run'), numeric: false }, { key: 'state', title: t('state'), numeric: false },
    ...(joined ? [{ key: 'seeds', title: t('seeds'), numeric: true }] : []),
    ...figures.flatMap((figure) => [{ key: figure, title: UNITS[figure].title, unit: UNITS[figure].unit, numeric: true, isFigure: true }, ...(figure === 'gain' && hasInterval ? [INTERVAL] : [])]),
    { key: 'at', title: t('at step'), numeric: true },
    ...keys.map(({ key }) => ({ key: `key:${key}`, title: key, numeric: isNumeric(key, keys), isKey: true })),
  ];
  const rows = entries.map((entry, index): Row => ({
    key: entry.key, isBaseline: entry === baseline,
    cells: [
      { text: clip(entry.name, LONGEST_CELL) }, { text: stateOf(entry) },
      ...(joined ? [{ text: String(entry.runs.length), value: entry.runs.length }] : []),
      ...figures.flatMap((figure) => [figureCell(spread(entry, measureOf(figure)), against(entry, baseline, (other) => difference(entry, other, measureOf(figure))), UNITS[figure]), ...(figure === 'gain' && hasInterval ? [intervalCell(gains[index])] : [])]),
      stepCell(entry),
      ...keys.map(({ values }) => keyCell(values[index])),
    ],
  }));
  return { title: t('Results'), columns, rows };
}

const isNumeric = (key: string, keys: readonly { readonly key: string; readonly values: readonly unknown[] }[]): boolean =>
  keys.find((row) => row.key === key)?.values.every((value) => value === undefined || typeof value === 'number') ?? false;

function against(entry: Entry, baseline: Entry | undefined, make: (baseline: Entry) => Difference | undefined): Difference | undefined {
  return baseline === undefined || baseline === entry ? undefined : make(baseline);
}

/** Of joined seeds the seed is no key that differs. */
function experimentOf({ runs }: Entry): unknown {
  const experiment = runs[0]?.experiment;
  if (runs.length < 2 || !isRecord(experiment) || !isRecord(experiment.train)) return experiment;
  return { ...experiment, train: { ...experiment.train, seed: runs.map((run) => (isRecord(run.experiment) && isRecord(run.experiment.train) ? run.experiment.train.seed : undefined)) } };
}

function keyCell(value: unknown): Cell {
  return { text: clip(showValue(value), LONGEST_CELL), ...(typeof value === 'number' && { value }) };
}

function stateOf({ runs }: Entry): string {
  const counts = new Map<string, number>();
  for (const { state } of runs) counts.set(state, (counts.get(state) ?? 0) + 1);
  return counts.size === 1 ? ([...counts.keys()][0] ?? '') : [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
}

function stepCell({ runs }: Entry): Cell {
  const steps = runs.flatMap((run) => lastScored(run)?.step ?? []);
  const step = steps.length === 0 ? undefined : Math.max(...steps);
  return { text: step === undefined ? '–' : formatCount(step), value: step };
}

function figureCell(of: Spread | undefined, change: Difference | undefined, unit: Unit): Cell {
  if (of === undefined) return { text: '–' };
  const { say, sayDifference, factor } = unit;
  const withSd = (text: string, sd: number | undefined): string => (sd === undefined ? text : `${text} ± ${say(sd).replace('+', '')}`);
  return {
    text: withSd(say(of.mean), of.sd), value: of.mean * factor, sd: of.sd === undefined ? undefined : of.sd * factor,
    difference: change === undefined ? undefined : { text: withSd(sayDifference(change.mean), change.sd), value: change.mean * factor, sd: change.sd === undefined ? undefined : change.sd * factor },
  };
}

/** Student's t over the gains of the seeds; sorted by the end that is nearer to none. */
const INTERVAL: Column = { key: 'gainInterval', title: t('95 % interval of the gain'), unit: '%', numeric: true };

function intervalCell(gain: Spread | undefined): Cell {
  const half = gain === undefined ? undefined : halfInterval(gain);
  if (gain === undefined || half === undefined) return { text: '–' };
  return { text: t('{0} to {1}', formatGain(gain.mean - half), formatGain(gain.mean + half)), value: 100 * (gain.mean - half) };
}

/** AP by class, a column an entry, with what each differs by from the baseline. */
function classTable(entries: readonly Entry[], baseline: Entry | undefined): Table | undefined {
  const names = [...new Set(entries.flatMap(({ runs }) => runs.flatMap((run) => [...run.classes.filter((name) => Object.hasOwn(run.perClass, name)), ...Object.keys(run.perClass)])))].slice(0, MOST_CLASSES);
  const shown = entries.filter(({ runs }) => runs.some((run) => Object.keys(run.perClass).length > 0));
  if (names.length === 0 || shown.length === 0) return undefined;
  const columns: Column[] = [{ key: 'class', title: t('class'), numeric: false }, ...shown.map((entry) => ({ key: entry.key, title: clip(entry.name, LONGEST_CELL), unit: '%', numeric: true, isFigure: true }))];
  const rows = names.map((name): Row => ({
    key: name,
    cells: [{ text: clip(name, LONGEST_CELL) }, ...shown.map((entry) => figureCell(spread(entry, measureClass(name)), against(entry, baseline, (other) => difference(entry, other, measureClass(name))), UNITS.AP))],
  }));
  return { title: t('AP by class'), columns, rows };
}
