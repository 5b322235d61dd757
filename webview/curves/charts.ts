/** Which charts a run has and which lines are in them. Pure: the drawing takes it from here. */
import { type Arm } from '../../src/experiment/record.ts';
import { type RunModel, type Subject, groupOf, partOf } from '../model.ts';
import { ARM_NAMES } from '../status.ts';
import { clip, spaced } from '../format.ts';
import { type ColourRole } from '../colourRole.ts';
import { t } from '../words.ts';

export type Quantity =
  | { readonly from: 'part'; readonly arm: Arm; readonly part: string }
  /** Several parts in one: for shares only. */
  | { readonly from: 'parts'; readonly arm: Arm; readonly parts: readonly string[] }
  | { readonly from: 'learningRate' | 'gradientNorm'; readonly arm: Arm }
  /** The student's AP less the better control's, at the steps at which all of them were measured. */
  | { readonly from: 'gain' }
  | { readonly from: 'evaluation'; readonly subject: Subject; readonly metric: 'AP' | 'AP50' | 'AP75' };

export interface SeriesSpec {
  /** Unique in its chart; bounded in length. */
  readonly key: string;
  readonly name: string;
  readonly colour: ColourRole;
  readonly dash: readonly number[];
  readonly width: number;
  readonly quantity: Quantity;
  /** Of a comparison: ids of the runs that it is of; several are joined to their mean. */
  readonly runs?: readonly string[];
  /** Series of one group are hidden together, in all charts. */
  readonly group?: string;
  readonly axis?: 'right';
  readonly point?: 'circle' | 'triangle' | 'rect';
}

export interface ReferenceSpec {
  readonly name: string;
  readonly colour: ColourRole;
  /** AP in 0…1. */
  readonly value: number;
  readonly dash: readonly number[];
}

export interface ChartSpec {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  readonly kind: 'losses' | 'evaluation' | 'rates' | 'shares';
  readonly series: readonly SeriesSpec[];
  readonly references: readonly ReferenceSpec[];
}

/** Charts of methods that the run names, and of groups that it does not. */
const MAX_METHODS = 32;
const MAX_STRANGERS = 6;
const PARTS_A_CHART = 10;
const LAYERS = 40;
const DASHES: readonly (readonly number[])[] = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4]];
const CONTROL_DASHES: Readonly<Record<'control' | 'controlInherit', readonly number[]>> = { control: [5, 4], controlInherit: [2, 3] };
const CONTROL_PART_DASHES: readonly (readonly number[])[] = [[5, 4], [2, 3], [9, 3, 2, 3], [1, 4], [12, 4]];
const CONTROLS = ['control', 'controlInherit'] as const;
const PARTS: readonly ColourRole[] = ['part0', 'part1', 'part2', 'part3', 'part4', 'part5', 'part6', 'part7', 'part8', 'part9'];

export function chartsOf(model: RunModel): ChartSpec[] {
  const parts = model.partNames().length > 0 ? model.partNames() : model.partNames('control');
  const colours = new Map(parts.map((part, index): [string, ColourRole] => [part, partColour(index)]));
  const groups = new Map<string, string[]>();
  for (const part of parts) groups.set(groupOf(part), [...(groups.get(groupOf(part)) ?? []), part]);
  const detection = groups.get('detection') ?? [];
  groups.delete('detection');
  const named = new Set(model.started?.methods ?? []);
  const shown = [...[...groups].filter(([group]) => named.has(group)).slice(0, MAX_METHODS), ...[...groups].filter(([group]) => !named.has(group)).slice(0, MAX_STRANGERS)];
  const methods = shown.map(([group, names]) => lossChart(`method:${group}`, model.titleOf(group), names, colours, []));
  const charts = [
    totalChart(model),
    ...(detection.length === 0 ? [] : [lossChart('detection', t('Detection losses'), detection, colours, CONTROLS.filter((arm) => model.arms.has(arm)))]),
    ...methods, apChart(model), rateChart(), ...(parts.length > 1 ? [shareChart(parts, colours, (method) => model.titleOf(method))] : []),
  ];
  return charts.filter((chart) => chart.series.length > 0);
}

const partColour = (index: number): ColourRole => PARTS[index % PARTS.length] ?? 'foreground';
const keyOf = (...words: string[]): string => words.join(':').slice(0, 100);

function totalChart(model: RunModel): ChartSpec {
  const student: SeriesSpec = { key: 'student', name: ARM_NAMES.student, colour: 'student', dash: [], width: 1.6, quantity: { from: 'part', arm: 'student', part: 'total' } };
  const controls = CONTROLS.filter((arm) => model.arms.has(arm)).map((arm): SeriesSpec => ({
    key: arm, name: ARM_NAMES[arm], colour: 'control', dash: CONTROL_DASHES[arm], width: 1.4, quantity: { from: 'part', arm, part: 'total' },
  }));
  return { key: 'total', title: t('Total loss'), kind: 'losses', series: [student, ...controls], references: [] };
}

/** A group's parts; a control's same parts in grey, dashed, for the losses that can be compared with it. */
function lossChart(key: string, title: string, parts: readonly string[], colours: ReadonlyMap<string, ColourRole>, controls: readonly ('control' | 'controlInherit')[]): ChartSpec {
  const shown = parts.slice(0, PARTS_A_CHART);
  const series = shown.map((part, index): SeriesSpec => ({
    key: keyOf('part', part), name: lossName(part, 40), colour: colours.get(part) ?? 'foreground', dash: DASHES[index % DASHES.length] ?? [], width: 1.6,
    quantity: { from: 'part', arm: 'student', part },
  }));
  // One control is enough to compare with; a second would double the lines.
  for (const arm of controls.slice(0, 1)) {
    shown.forEach((part, index) => {
      series.push({ key: keyOf(arm, part), name: t('{0}, control', lossName(part, 24)), colour: 'control', dash: CONTROL_PART_DASHES[index % CONTROL_PART_DASHES.length] ?? [5, 4], width: 1.2, quantity: { from: 'part', arm, part } });
    });
  }
  return { key: key.slice(0, 60), title, kind: 'losses', series, references: [] };
}

function apChart(model: RunModel): ChartSpec {
  const metric = (name: 'AP' | 'AP50' | 'AP75', dash: readonly number[], point: 'circle' | 'triangle' | 'rect', width: number): SeriesSpec => ({
    key: name, name, colour: 'student', dash, width, point, quantity: { from: 'evaluation', subject: 'student', metric: name },
  });
  const series = [metric('AP', [], 'circle', 2), metric('AP50', [6, 3], 'triangle', 1.1), metric('AP75', [2, 3], 'rect', 1.1)];
  const references: ReferenceSpec[] = [];
  const teacher = model.lastEvaluation('teacher');
  if (teacher !== undefined && teacher.metrics.AP >= 0) references.push({ name: ARM_NAMES.teacher, colour: 'teacher', value: teacher.metrics.AP, dash: [7, 4] });
  for (const arm of CONTROLS) {
    const last = model.lastEvaluation(arm);
    if (last === undefined) continue;
    series.push({ key: arm, name: ARM_NAMES[arm], colour: 'control', dash: CONTROL_DASHES[arm], width: 1.4, point: 'circle', quantity: { from: 'evaluation', subject: arm, metric: 'AP' } });
  }
  const better = betterFinished(model);
  if (better !== undefined) references.push(better);
  return { key: 'ap', title: 'AP', unit: '%', kind: 'evaluation', series, references };
}

/** The bar that distillation has to clear. Only a control that came to its end is a measure. */
function betterFinished(model: RunModel): ReferenceSpec | undefined {
  const done = CONTROLS.flatMap((arm) => {
    const last = model.lastEvaluation(arm);
    return last !== undefined && last.metrics.AP >= 0 && last.step >= (model.started?.totalSteps ?? Infinity) ? [{ arm, AP: last.metrics.AP }] : [];
  });
  const best = done.sort((a, b) => b.AP - a.AP)[0];
  return best === undefined ? undefined : { name: ARM_NAMES[best.arm], colour: 'control', value: best.AP, dash: CONTROL_DASHES[best.arm] };
}

function rateChart(): ChartSpec {
  return {
    key: 'rates', title: t('Learning rate and gradient norm'), kind: 'rates', references: [],
    series: [
      { key: 'learningRate', name: t('learning rate'), colour: 'foreground', dash: [], width: 1.4, quantity: { from: 'learningRate', arm: 'student' } },
      { key: 'gradientNorm', name: t('gradient norm'), colour: 'part0', dash: [3, 2], width: 1.2, axis: 'right', quantity: { from: 'gradientNorm', arm: 'student' } },
    ],
  };
}

/** A layer a part; of many methods a layer each, so that the layers still make up the whole. */
function shareChart(parts: readonly string[], colours: ReadonlyMap<string, ColourRole>, titleOf: (method: string) => string): ChartSpec {
  const groups = [...new Set(parts.map(groupOf))];
  const layer = (key: string, name: string, colour: ColourRole, quantity: Quantity): SeriesSpec => ({ key: keyOf('share', key), name, colour, dash: [], width: 1, quantity });
  const title = (group: string): string => (group === 'detection' ? t('detection') : titleOf(group));
  const series = parts.length <= PARTS_A_CHART
    ? parts.map((part) => layer(part, shareName(part, groups.length > 2 ? title(groupOf(part)) : ''), colours.get(part) ?? 'foreground', { from: 'part', arm: 'student', part }))
    : groups.slice(0, LAYERS).map((group, index) => layer(group, title(group), partColour(index), { from: 'parts', arm: 'student', parts: parts.filter((part) => groupOf(part) === group) }));
  return { key: 'shares', title: t('Share in the total'), unit: '%', kind: 'shares', series, references: [] };
}

function shareName(part: string, method: string): string {
  const name = lossName(part, 28);
  return method === '' || groupOf(part) === 'detection' ? name : `${method} ${name}`;
}

/** The detector's own losses have words; a method's are called as the run calls them. */
function lossName(part: string, length: number): string {
  if (part === 'detection.classification') return t('classification');
  return part === 'detection.box' ? t('box') : clip(spaced(partOf(part)), length);
}
