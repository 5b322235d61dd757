/** `distill-lab compare`: several runs beside each other, in the terminal or as a file. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DistillError } from '../../errors.ts';
import { compareRuns, type Comparison } from '../../comparison/compare.ts';
import { type ReportCharts } from '../../comparison/html.ts';
import { readCompared } from '../../comparison/read.ts';
import { cellText, csv, heading, sorted, type Table } from '../../comparison/table.ts';
import { EXIT } from '../output.ts';
import { type Surroundings } from '../surroundings.ts';

export interface CompareOptions {
  readonly baseline?: string | undefined;
  readonly join: boolean;
  readonly sort?: string | undefined;
  readonly csv: boolean;
  readonly markdown: boolean;
  readonly html: boolean;
  readonly json: boolean;
  readonly output?: string | undefined;
}

export async function compare({ output }: Surroundings, folders: readonly string[], options: CompareOptions): Promise<number> {
  const runs = await readCompared(folders);
  const comparison = withOrder(compareRuns(runs, { join: options.join, baseline: baselineOf(folders, options.baseline) }), options.sort);
  const text = await formatted(comparison, folders, options);
  if (options.output === undefined) output.line(text.replace(/\r?\n$/, ''));
  else {
    const file = path.resolve(options.output);
    await writeFile(file, text);
    output.line(file);
  }
  return EXIT.finished;
}

/** Named as the runs are: by folder, or by the folder's name alone. */
function baselineOf(folders: readonly string[], baseline: string | undefined): string | undefined {
  if (baseline === undefined) return undefined;
  const names = folders.map((folder) => path.basename(path.resolve(folder)));
  const name = path.basename(path.resolve(baseline));
  if (names.includes(name)) return name;
  throw new DistillError('DL731', `The baseline ${baseline} is none of the runs that are compared.`, { expected: names.join(', '), got: name, advice: 'Name it among the runs too.' });
}

function withOrder(comparison: Comparison, key: string | undefined): Comparison {
  if (key === undefined) return comparison;
  const { columns } = comparison.results;
  const column = columns.find((candidate) => candidate.title === key || candidate.key === key);
  if (column === undefined) throw new DistillError('DL732', `There is no column ${key} to sort by.`, { expected: columns.map(({ title }) => title).join(', '), got: key });
  // Of figures the greatest first, of words the first in the alphabet.
  return { ...comparison, results: sorted(comparison.results, { column: column.key, descending: column.numeric }) };
}

async function formatted(comparison: Comparison, folders: readonly string[], options: CompareOptions): Promise<string> {
  if (options.csv) return csv(comparison.results);
  if (options.markdown) return (await import('../../comparison/markdown.ts')).markdownReport(comparison, new Date());
  if (options.html) return (await import('../../comparison/html.ts')).htmlReport(comparison, await charts(comparison, folders), new Date());
  if (options.json) return `${JSON.stringify(jsonOf(comparison))}\n`;
  return `${terminal(comparison).join('\n')}\n`;
}

/** As the panel draws them at first, over all steps. */
async function charts({ entries, classes, baseline }: Comparison, folders: readonly string[]): Promise<ReportCharts> {
  const [{ collectEvents }, { RunModel }, { classChartSvg }, { chartsOfRuns, chartSvg }, { extent, sourceOfRuns }, { paletteOf }] = await Promise.all([
    import('../../report/collect.ts'), import('../../../webview/model.ts'), import('../../comparison/classChart.ts'), import('../../comparison/curves.ts'), import('../../../webview/curves/samples.ts'), import('../../charts/palette.ts'),
  ]);
  const order = [...new Set(folders.map((folder) => path.resolve(folder)))];
  const models = new Map(await Promise.all(order.map(async (folder) => {
    const model = new RunModel();
    model.add((await collectEvents(folder)).events, true);
    return [path.basename(folder), model] as const;
  })));
  const end = Math.max(...[...models.values()].map((model) => extent(model, 'step')[1]));
  const options = { axis: 'step', range: [0, end], smoothing: 0.9, logarithmic: false } as const;
  const [ids, palette] = [[...models.keys()], paletteOf('light')];
  return {
    curves: chartsOfRuns({ entries, order: ids, models }).map((spec) => chartSvg(spec, sourceOfRuns(models), options, palette)),
    classes: classes && classChartSvg({ classes, baseline, order: ids }, palette),
  };
}

function terminal({ results, classes, notes, baseline }: Comparison): readonly string[] {
  return [
    ...aligned(results), ...(baseline === undefined ? [] : ['', `In brackets: the difference from ${baseline.name}.`]),
    ...(classes === undefined ? [] : ['', 'AP by class', ...aligned(classes)]),
    ...(notes.length === 0 ? [] : ['', ...notes.map(({ text }) => text)]),
  ];
}

function aligned({ columns, rows }: Table): readonly string[] {
  const lines = [columns.map(heading), ...rows.map(({ cells }) => cells.map(cellText))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => lengthOf(line[at] ?? ''))));
  return lines.map((line) => line.map((text, at) => {
    const room = ' '.repeat(Math.max(0, (widths[at] ?? 0) - lengthOf(text)));
    return columns[at]?.numeric === true ? `${room}${text}` : `${text}${room}`;
  }).join('  ').trimEnd());
}

const lengthOf = (text: string): number => Array.from(text).length;

/** Figures as numbers in the columns' units, differences and spreads beside them. */
function jsonOf({ results, classes, notes, baseline }: Comparison): Record<string, unknown> {
  const plain = ({ columns, rows }: Table): readonly Record<string, unknown>[] => rows.map(({ cells }) => Object.fromEntries(columns.map((column, at): [string, unknown] => {
    const { text, value, sd, difference } = cells[at] ?? { text: '' };
    if (!column.numeric) return [column.title, text];
    return [column.title, column.isFigure === true ? { value: value ?? null, sd, difference: difference?.value, differenceSd: difference?.sd } : value ?? null];
  })));
  return { baseline: baseline?.key ?? null, results: plain(results), classes: classes === undefined ? [] : plain(classes), notes: notes.map(({ text }) => text) };
}
