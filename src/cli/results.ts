/** A run's outcome, as a table for people and as an object for machines. */
import { type Metrics, type TeacherCacheSummary } from '../experiment/record.ts';
import { cacheWords, type RunSummary, type Subject } from '../store/index.ts';
import { percent, signedPercent } from './words.ts';

const ROWS: readonly (readonly [Subject, string])[] = [
  ['teacher', 'teacher'],
  ['control', 'student without distillation'],
  ['controlInherit', 'student inheriting, without distillation'],
  ['student', 'student, distilled'],
];
const COLUMNS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR100'] as const satisfies readonly (keyof Metrics)[];

/** Teacher, controls and student, in per cent, and the gain against the better control. */
export function resultTable(run: RunSummary): readonly string[] {
  const rows = ROWS.flatMap(([subject, label]) => {
    const metrics = run.metrics[subject];
    if (metrics === undefined) return [];
    const words = subject === 'student' && run.methods.length === 0 ? 'student' : label;
    return [[words, ...COLUMNS.map((column) => percent(metrics[column]))]];
  });
  if (rows.length === 0) return ['No evaluation yet.'];
  const table = [['COCO AP in per cent', ...COLUMNS], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(Math.max(6, widths[column] ?? 0)))).join('  '));
  if (run.gain !== undefined) {
    const { value, against, step } = run.gain;
    lines.push(`gain ${signedPercent(value)} AP over the better control (${against === 'control' ? 'not inheriting' : 'inheriting'}), both at step ${step}`);
  }
  if (run.teacherCache !== undefined) lines.push(cacheWords(run.teacherCache));
  return lines;
}

export interface RunResult {
  readonly state: RunSummary['state'];
  readonly reason?: string | undefined;
  /** AP and the rest of COCO's twelve, in per cent (0 to 100); `AP` is null when it was not measured. */
  readonly teacher: Figures;
  readonly control: Figures & { readonly inheritAP?: number | null | undefined };
  readonly student: Figures;
  /** Points of AP over the better control, in per cent; null without a control. */
  readonly gain: number | null;
  /** Of the student, its distillation included. */
  readonly secondsPerStep: number | null;
  /** Most memory that the run's process held. */
  readonly peakMemoryMiB: number | null;
  /** What kept outputs of teachers did. */
  readonly teacherCache?: TeacherCacheSummary;
  readonly step: number;
  readonly folder: string;
}
type Figures = { readonly AP: number | null } & Partial<Record<keyof Metrics, number | null>>;

/** The last line of `run --json`. */
export function resultObject(run: RunSummary): RunResult {
  const { controlInherit } = run.metrics;
  return {
    state: run.state, reason: run.reason,
    teacher: figures(run.metrics.teacher),
    control: { ...figures(run.metrics.control), ...(controlInherit === undefined ? {} : { inheritAP: inPercent(controlInherit.AP) }) },
    student: figures(run.metrics.student),
    gain: run.gain === undefined ? null : rounded(100 * run.gain.value),
    secondsPerStep: run.secondsPerStep.student ?? null,
    peakMemoryMiB: run.peakMemory === undefined ? null : Math.round(run.peakMemory / 2 ** 20),
    step: run.steps.student ?? 0,
    ...(run.teacherCache === undefined ? {} : { teacherCache: run.teacherCache }),
    folder: run.folder,
  };
}

function figures(metrics: Metrics | undefined): Figures {
  if (metrics === undefined) return { AP: null };
  return { AP: inPercent(metrics.AP), ...Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, inPercent(value)])) };
}

/** −1 means that there was nothing to measure. */
function inPercent(fraction: number): number | null {
  return fraction < 0 ? null : rounded(100 * fraction);
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Metrics of one evaluation, all twelve and by class. */
export function metricsTable(metrics: Metrics, perClass: Readonly<Record<string, Metrics>>): readonly string[] {
  const rows = Object.entries(perClass).map(([name, of]) => `  ${name.padEnd(24).slice(0, 24)}  AP ${percent(of.AP).padStart(5)}  AP50 ${percent(of.AP50).padStart(5)}  AR100 ${percent(of.AR100).padStart(5)}`);
  return [...Object.entries(metrics).map(([name, value]) => `${name.padEnd(6)} ${percent(value).padStart(6)}`), ...(rows.length > 1 ? ['by class:', ...rows] : [])];
}
