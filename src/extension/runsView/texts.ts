/** What a row of the runs view says. Pure: the translator is handed in, so that it is tested without VS Code. */
import { byteSize } from '../../byteSize.ts';
import { isLive, isWaiting, type Run } from '../run.ts';
import { formatAp, percent, stateWord, timeLeft, type Translate } from '../words.ts';

/** Figures are told as points of AP with their sign. */
function signed(fraction: number): string {
  const points = (Math.abs(fraction) * 100).toFixed(1);
  return points === '0.0' ? '±0.0' : `${fraction < 0 ? '−' : '+'}${points}`;
}

export function age(t: Translate, milliseconds: number): string {
  const minutes = Math.round(milliseconds / 60_000);
  if (minutes < 1) return t('just now');
  if (minutes < 60) return t('{0} min ago', minutes);
  return minutes < 48 * 60 ? t('{0} h ago', Math.round(minutes / 60)) : t('{0} days ago', Math.round(minutes / 1440));
}

/** `2 h 5 min`; of a run that took some time. */
export function duration(t: Translate, milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 100) return t('{0} s', seconds);
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? t('{0} min', minutes) : t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}

/**
 * A name is a text of one line and of some length, whatever a run folder says: line ends and what turns the direction of
 * writing are taken out, so that a row cannot look like another.
 */
export function plain(text: string): string {
  const cleaned = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return cleaned.length > 120 ? `${cleaned.slice(0, 119)}…` : cleaned;
}

/** `AP 43.1 (+5.4) · 2 h ago · 120 MB`, with as much of it as is known. */
export function rowDescription(t: Translate, run: Run, now = Date.now()): string {
  const parts: string[] = [];
  if (run.pinned) parts.push(t('pinned'));
  const figures = apAndGain(run);
  if (figures !== undefined) parts.push(figures);
  if (run.state === 'running') parts.push(run.progress.total > 0 ? percent(run.progress.done / run.progress.total) : stateWord(t, run.state));
  else if (isWaiting(run)) parts.push(t('waiting'), ...(run.reason === undefined ? [] : [plain(run.reason)]));
  else if (run.state !== 'finished') parts.push(stateWord(t, run.state));
  if (!isLive(run)) parts.push(age(t, now - run.created));
  else if (run.secondsLeft !== undefined && run.state === 'running') parts.push(timeLeft(t, run.secondsLeft));
  if (run.bytes !== undefined) parts.push(byteSize(run.bytes));
  return parts.join(' · ');
}

function apAndGain({ metrics, gain }: Run): string | undefined {
  const ap = metrics.student?.AP;
  if (ap === undefined) return undefined;
  return gain === undefined ? `AP ${formatAp(ap)}` : `AP ${formatAp(ap)} (${signed(gain.value)})`;
}

/** For a group: how many there are, and the best of them. */
export function groupDescription(t: Translate, runs: readonly Run[]): string {
  const best = Math.max(...runs.map(({ metrics }) => metrics.student?.AP ?? -1));
  const count = runs.length === 1 ? t('1 run') : t('{0} runs', runs.length);
  return best < 0 ? count : `${count} · ${t('best AP {0}', formatAp(best))}`;
}

/** Under its experiment a run that nobody named is told by when it was made. */
export function rowLabel(run: Run, isUnderExperiment: boolean, language: string): string {
  if (!isUnderExperiment || run.name !== run.experimentName || run.name === run.id) return plain(run.name);
  return moment(run.created, language) ?? run.id;
}

/** `31 Jan, 13:05`. @param time milliseconds since 1970 */
export function moment(time: number, language: string): string | undefined {
  try {
    return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time);
  } catch {
    return undefined;
  }
}

/**
 * What a screen reader says of a row: the name, what is seen as it is seen (who speaks to the computer says what they see), then
 * what only the icon shows.
 */
export function rowSpoken(t: Translate, run: Run, label: string, description: string, state = stateWord(t, run.state)): string {
  const name = plain(run.name);
  return [...(name === label ? [] : [name]), label, description, ...(description.includes(state) ? [] : [state]), ...(run.damage === undefined ? [] : [t('with a warning')])].join(', ');
}

/** Lines of the tooltip, still to be escaped: a heading, sentences, and a table of AP. */
export interface Tooltip {
  readonly heading: string;
  readonly sentences: readonly string[];
  /** Rows of cells; the first is the head. */
  readonly table: readonly (readonly string[])[];
  readonly facts: readonly (readonly [string, string])[];
  readonly warnings: readonly string[];
}

export function tooltipOf(t: Translate, run: Run, { folder, language }: { readonly folder: string; readonly language: string }, now = Date.now()): Tooltip {
  const { metrics, gain, started, ended, updated, bytes, reason, damage, warnings, process } = run;
  const subjects = [['teacher', t('teacher')], ['student', t('student')], ['control', t('control')], ['controlInherit', t('control, inheriting')]] as const;
  const rows = subjects.flatMap(([subject, word]) => {
    const found = metrics[subject];
    return found === undefined ? [] : [[word, ...[found.AP, found.AP50, found.AP75].map(formatAp)]];
  });
  const facts: [string, string][] = [];
  if (gain !== undefined) facts.push([t('gain'), t('{0} over the better control, at step {1}', signed(gain.value), gain.step)]);
  if (run.lastStep !== undefined) facts.push([t('step'), `${run.lastStep.step} / ${run.totalSteps}`]);
  if (started !== undefined) {
    const until = ended ?? updated;
    facts.push([t('started'), new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(started) + (until === undefined || until <= started ? '' : `, ${duration(t, until - started)}`)]);
  } else facts.push([t('made'), age(t, now - run.created)]);
  if (bytes !== undefined) facts.push([t('on disk'), byteSize(bytes)]);
  if (run.engine !== undefined) facts.push([t('device'), plain(`${run.engine.device}, ${run.engine.precision}`)]);
  if (process !== undefined && isLive(run)) facts.push([t('process'), plain(`${process.pid} (${process.host})`)]);
  facts.push([t('folder'), folder]);
  const state = stateWord(t, run.state);
  return {
    heading: plain(run.name),
    sentences: [reason === undefined ? state : `${state}: ${reason}`, ...(run.summary === undefined ? [] : [run.summary])].map((text) => text.slice(0, 500)),
    table: rows.length === 0 ? [] : [['', 'AP', 'AP50', 'AP75'], ...rows],
    facts,
    warnings: [...(damage === undefined ? [] : [damage]), ...(warnings.count === 0 ? [] : [warnings.count === 1 ? t('1 warning: {0}', warnings.last ?? '') : t('{0} warnings, the last: {1}', warnings.count, warnings.last ?? '')])].map((text) => text.slice(0, 500)),
  };
}
