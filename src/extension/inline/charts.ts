/** The charts of a run, small after a line and large in a hover. Pure. */
import { escapeMarkdown } from '../../markup.ts';
import { type LineChart, lineChartSvg, type Palette, type Size, type Spark, sparklineSvg, svgDataUri } from '../../charts/index.ts';
import { type LossPoint, type MethodLoss } from '../../store/losses.ts';
import { type Scored, type Subject } from '../../store/history.ts';
import { clip, formatAp, formatValue, spaced } from '../../../webview/format.ts';
import { isLive, type Run } from '../run.ts';
import { type Translate } from '../words.ts';

/** With the table below it still fits into a hover, which shows 250 pixels without scrolling. */
const LARGE: Size = { width: 460, height: 150 };
const PART_COLOURS = ['part0', 'part1', 'part2', 'part3', 'part4', 'part5', 'part6', 'part7', 'part8', 'part9'] as const;
const PART_DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3]];
/** Parts drawn one by one; more are unreadable. */
const MOST_PARTS = 6;

type Controls = 'control' | 'controlInherit';
const CONTROLS: readonly Controls[] = ['control', 'controlInherit'];
const CONTROL_DASHES: Readonly<Record<Controls, readonly number[]>> = { control: [5, 4], controlInherit: [2, 3] };

/** In per cent; COCO's −1 for nothing to measure is no value. */
const curve = (scored: readonly Scored[] = []): LossPoint[] => scored.map(({ step, metrics }) => ({ x: step, y: metrics.AP < 0 ? NaN : 100 * metrics.AP }));

/** A run that goes has the room of all its steps before it, so that its line grows instead of being squeezed. */
function untilOf(run: Run): { readonly until?: number } {
  return isLive(run) && run.totalSteps > 0 ? { until: run.totalSteps } : {};
}

export function apSpark(run: Run): Spark {
  const { student, teacher } = run.evaluations;
  const goal = teacher?.at(-1)?.metrics.AP ?? -1;
  return {
    series: [
      { colour: 'student', points: curve(student) },
      ...CONTROLS.flatMap((arm) => (run.evaluations[arm] === undefined ? [] : [{ colour: 'control' as const, points: curve(run.evaluations[arm]), dash: arm === 'control' ? [3, 2] : [1, 2] }])),
    ],
    references: goal < 0 ? [] : [{ colour: 'teacher', value: 100 * goal }],
    ...untilOf(run),
  };
}

export function apChart(t: Translate, run: Run): LineChart {
  const names: Readonly<Record<Subject, string>> = { student: t('student'), control: t('control'), controlInherit: t('control, inheriting'), teacher: t('teacher') };
  const named = (subject: Subject): string => `${names[subject]} ${formatAp(run.evaluations[subject]?.at(-1)?.metrics.AP)}`;
  const teacher = run.evaluations.teacher?.at(-1);
  return {
    title: 'AP', unit: t('% by step'),
    series: [
      { name: named('student'), colour: 'student', points: curve(run.evaluations.student), width: 2, marks: 'circle' },
      ...CONTROLS.flatMap((arm) => (run.evaluations[arm] === undefined ? [] : [{ name: named(arm), colour: 'control' as const, points: curve(run.evaluations[arm]), dash: CONTROL_DASHES[arm], marks: 'circle' as const }])),
    ],
    references: teacher === undefined || teacher.metrics.AP < 0 ? [] : [{ name: named('teacher'), colour: 'teacher', value: 100 * teacher.metrics.AP }],
    ...untilOf(run),
  };
}

export function lossSpark(run: Run, { total }: MethodLoss): Spark {
  return { series: [{ colour: 'part0', points: total }], ...untilOf(run) };
}

/** Each part, and their sum where there are several. */
export function lossChart(t: Translate, run: Run, title: string, { total, parts }: MethodLoss): LineChart {
  const value = (points: readonly LossPoint[]): string => formatValue(lastValue(points));
  const sum = parts.length === 1 ? [] : [{ name: `${t('sum')} ${value(total)}`, colour: 'foreground' as const, points: total, width: 2 }];
  return {
    title: t('{0} loss', title), unit: t('by step'), ...untilOf(run),
    series: [...sum, ...parts.slice(0, MOST_PARTS).map(({ name, points }, index) => ({
      name: `${clip(spaced(name), 28)} ${value(points)}`, points,
      colour: PART_COLOURS[index % PART_COLOURS.length] ?? 'part0', dash: PART_DASHES[index % PART_DASHES.length] ?? [],
    }))],
  };
}

export function lastValue(points: readonly LossPoint[]): number | undefined {
  return points.findLast(({ y }) => !Number.isNaN(y))?.y;
}

/** The address of a small chart. */
export function sparkUri(spark: Spark, size: Size, palette: Palette): string {
  return svgDataUri(sparklineSvg(spark, size, palette));
}

/** A large chart as Markdown. Built by hand: an editor's own helpers for addresses would escape it to death. */
export function chartMarkdown(chart: LineChart, palette: Palette): string {
  const words = escapeMarkdown([chart.title, ...chart.series.map(({ name }) => name), ...(chart.references ?? []).map(({ name }) => name)].map((name) => clip(name, 60)).join(', '));
  return `![${words}](${svgDataUri(lineChartSvg(chart, LARGE, palette))})`;
}
