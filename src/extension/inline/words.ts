/** What stands beside the small charts, and the table below the large ones. Pure: the translator is handed in. */
import { escapeMarkdown } from '../../markup.ts';
import { formatCount, formatGain, formatValue } from '../../../webview/format.ts';
import { type Run } from '../run.ts';
import { formatAp, stateWord, type Translate, withGain } from '../words.ts';

/** Runs in a table: the last few are what one compares with. */
const ROWS = 6;

/** `AP 43.1 (+5.4 over control)`: of the last evaluation; the gain belongs to it, or is left out. */
export function apText(t: Translate, run: Run): string | undefined {
  const last = run.evaluations.student?.at(-1);
  if (last === undefined) return undefined;
  return withGain(t, last.metrics.AP, run.gain?.step === last.step ? run.gain.value : undefined);
}

/** `loss 0.412`; with the method's name where a line has several. */
export function lossText(t: Translate, value: number, title?: string): string {
  return title === undefined ? t('loss {0}', formatValue(value)) : t('{0} loss {1}', title, formatValue(value));
}

/** As a date a person says it, in the editor's language. */
export type FormatDate = (time: number) => string;

export function dateFormat(language: string, timeZone?: string): FormatDate {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', ...(timeZone === undefined ? {} : { timeZone }) });
  return (time) => format.format(time);
}

/** The last runs as a Markdown table, the newest first. All of it is text: nothing from a run folder is Markdown. */
export function runsTable(t: Translate, runs: readonly Run[], date: FormatDate): string {
  const header = [t('Date'), t('State'), 'AP', t('Gain'), t('Steps')];
  const rows = runs.slice(0, ROWS).map((run) => [
    date(run.created), stateWord(t, run.state),
    run.metrics.student === undefined ? '–' : formatAp(run.metrics.student.AP),
    run.gain === undefined ? '–' : formatGain(run.gain.value),
    stepsOf(run),
  ]);
  // A hover sets its cells close together: entities are the air that Markdown does not trim.
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeMarkdown).join(' | &nbsp;&nbsp;&nbsp;')} |`;
  const more = runs.length > ROWS ? `\n\n${escapeMarkdown(t('{0} more', runs.length - ROWS))}` : '';
  return `${[line(header), '|:--|:--|--:|--:|--:|', ...rows.map(line)].join('\n')}${more}`;
}

function stepsOf({ steps, totalSteps }: Run): string {
  const done = steps.student ?? 0;
  return done >= totalSteps ? formatCount(done) : `${formatCount(done)} / ${formatCount(totalSteps)}`;
}
