/** A sweep in words and tables. */
import { type Spread } from '../comparison/statistics.ts';
import { type Launcher } from '../launch/launcher.ts';
import { type Entry } from '../sweep/entry.ts';
import { type Estimate } from '../sweep/estimate.ts';
import { type SweepView } from '../sweep/open.ts';
import { type Plan } from '../sweep/plan.ts';
import { type Row, type SweepMetric } from '../sweep/results.ts';
import { type Output } from './output.ts';
import { percent, signedPercent, timeLeft } from './words.ts';

/** More lines than this would scroll a terminal. */
const MOST_LIVE = 12;
const MOST_LISTED = 40;

/** How many runs, how long, how much disk; all runs with `isWhole`. */
export function dryRunLines(plan: Plan, { seconds, bytes, judgedBy }: Estimate, launcher: Launcher, isWhole: boolean): readonly string[] {
  const controls = plan.runs.filter(({ role }) => role === 'control').length;
  const seeds = new Set(plan.runs.map(({ seed }) => seed)).size;
  const repeated = plan.repeated === 0 ? '' : `; ${plan.repeated} that would repeat another are left out`;
  const places = launcher.atOnce === undefined ? `as many at once as ${launcher.name} gives` : `${launcher.atOnce} at once on ${launcher.name === 'local' ? 'this machine' : launcher.name}`;
  const listed = isWhole ? plan.runs.slice(0, MOST_LISTED).map(({ label, seed }) => `  ${label === '' ? plan.name : label}, seed ${seed}`) : [];
  return [
    `${plan.name}: ${plan.runs.length} runs (${plan.runs.length - controls} distilled, ${controls} controls, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}${repeated})`,
    `time: ${seconds === undefined ? 'unknown' : `about ${timeLeft(seconds).replace(' left', '')}`}, ${places}; disk: ${bytes === undefined ? 'unknown' : `about ${size(bytes)}`}`
      + (judgedBy === 0 ? ' (no earlier run of this file tells)' : ` (judged by ${judgedBy} earlier ${judgedBy === 1 ? 'run' : 'runs'} of this file)`),
    ...listed,
    ...(isWhole && plan.runs.length > MOST_LISTED ? [`  and ${plan.runs.length - MOST_LISTED} more`] : []),
  ];
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.max(1, Math.round(bytes / 1e6))} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

const told = new WeakMap<Entry, string>();

/** A line for each run that ends, and on a terminal a table of those that go. */
export function liveTable(entries: readonly Entry[], output: Output, json: boolean): void {
  for (const entry of entries) {
    const news = entry.isOver ? entry.state : '';
    if (news === '' || told.get(entry) === news) continue;
    told.set(entry, news);
    const { planned: { key, label, seed }, run, reason } = entry;
    const AP = run?.metrics.student?.AP;
    if (json) output.line(JSON.stringify({ key, label, seed, state: entry.state, reason, AP: AP === undefined ? null : 100 * AP, folder: entry.folder }));
    else output.line(`${entry.state.padEnd(9)} ${nameOf(label)}, seed ${seed}${AP === undefined ? '' : `: AP ${percent(AP)}`}${reason === undefined ? '' : ` (${reason})`}`);
  }
  if (json) return;
  tellWaiting(entries, output);
  if (!output.terminal) return;
  const count = (state: Entry['state']): number => entries.filter((entry) => entry.state === state).length;
  const live = entries.filter(({ state }) => state === 'handed');
  const width = Math.max(20, output.columns - 1);
  const over = entries.filter(({ isOver }) => isOver).length;
  const lines = [
    `${over} of ${entries.length} over · ${live.length} going · ${count('waiting')} waiting${count('failed') === 0 ? '' : ` · ${count('failed')} failed`}`,
    ...live.slice(0, MOST_LIVE).map(({ planned: { label, seed }, run }) => {
      const step = run?.lastStep === undefined ? '' : `step ${run.lastStep.step}/${run.totalSteps}`;
      return `  ${nameOf(label).slice(0, 40).padEnd(40)} seed ${String(seed).padEnd(4)} ${(run?.state ?? 'preparing').padEnd(10)} ${step.padEnd(16)} ${run?.secondsLeft === undefined ? (run?.reason ?? '') : timeLeft(run.secondsLeft)}`;
    }),
    ...(live.length > MOST_LIVE ? [`  and ${live.length - MOST_LIVE} more`] : []),
  ];
  output.status(lines.map((line) => line.slice(0, width)).join('\n'));
}

const toldWaiting = new WeakMap<readonly Entry[], string>();

/** Why runs wait that could go otherwise: once, and again when it is another reason. */
function tellWaiting(entries: readonly Entry[], output: Output): void {
  const reasons = new Map<string, number>();
  for (const { state, reason } of entries) if (state === 'waiting' && reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const news = [...reasons.keys()].join('\n');
  if (news !== '' && toldWaiting.get(entries) !== news) for (const [reason, runs] of reasons) output.line(`${'waiting'.padEnd(9)} ${runs} ${runs === 1 ? 'run' : 'runs'}: ${reason}`);
  toldWaiting.set(entries, news);
}

function nameOf(label: string): string {
  return label === '' ? 'distilled' : label;
}

/** Mean ± standard deviation over seeds, gain over the control of the same seed, and what is not there yet. */
export function sweepTable({ plan, outcomes, skipped }: SweepView, rows: readonly Row[], best: Row | undefined, by: SweepMetric): readonly string[] {
  const cells = rows.map((row) => {
    const done = row.seeds.filter(({ metrics }) => metrics !== undefined).length;
    const interval = row.gainInterval === undefined || row.gain === undefined ? '' : `${signedPercent(row.gain.mean - row.gainInterval)} to ${signedPercent(row.gain.mean + row.gainInterval)}`;
    return [`${row === best ? '* ' : '  '}${row.label === '' ? plan.name : row.label}`, `${done}/${row.seeds.length}`, spreadText(row.AP, percent), spreadText(row.gain, signedPercent), interval];
  });
  const table = [['  COCO AP in per cent', 'seeds', 'AP', 'gain', '95 % interval'], ...cells];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => (row[column] ?? '').length))) ?? [];
  const lines = table.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd());
  const states = new Map<string, number>();
  for (const { note, run } of outcomes) {
    const state = skipped.has(note.key) ? 'ended early' : run?.state ?? 'waiting';
    if (state !== 'finished') states.set(state, (states.get(state) ?? 0) + 1);
  }
  const failed = outcomes.filter(({ run }) => run?.state === 'failed').slice(0, 5).map(({ note, run }) => `  failed: ${nameOf(note.label)}, seed ${note.seed} (${run?.folder ?? ''})`);
  return [
    ...lines,
    ...(best === undefined ? [] : [`* best by ${by}`]),
    ...(states.size === 0 ? [] : [`not in the table: ${[...states].map(([state, count]) => `${count} ${state}`).join(', ')}`]),
    ...failed,
  ];
}

function spreadText(spread: Spread | undefined, format: (value: number) => string): string {
  if (spread === undefined) return '–';
  return spread.sd === undefined ? format(spread.mean) : `${format(spread.mean)} ± ${(100 * spread.sd).toFixed(1)}`;
}

/** The last line of `sweep --json`: AP and gains in per cent. */
export function sweepObject({ id, folder, plan, isWorked, skipped }: SweepView, rows: readonly Row[], best: Row | undefined): object {
  const rounded = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value * 1e6) / 1e4);
  const spread = (value: Spread | undefined): object | null => (value === undefined ? null : { mean: rounded(value.mean), sd: rounded(value.sd), count: value.count });
  return {
    sweep: id, folder, name: plan.name, isWorked, best: best?.label ?? null,
    rows: rows.map((row) => ({
      label: row.label, role: row.role, values: row.values, AP: spread(row.AP), gain: spread(row.gain), gainInterval: rounded(row.gainInterval),
      seeds: row.seeds.map(({ seed, key, state, folder: run, metrics, gain }) => ({ seed, key, state: skipped.has(key) ? 'skipped' : state, folder: run ?? null, AP: rounded(metrics?.AP), gain: rounded(gain) })),
    })),
  };
}
