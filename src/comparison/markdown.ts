/** The comparison as Markdown: for an issue, a pull request, a notebook. */
import { clip } from '../../webview/format.ts';
import { type Comparison } from './compare.ts';
import { cellText, heading, type Table } from './table.ts';

export function markdownReport(comparison: Comparison, written: Date): string {
  const { results, classes, notes, baseline } = comparison;
  const blocks = [
    `# ${titleOf(comparison)}`,
    ...(notes.length === 0 ? [] : [notes.map(({ text, grave }) => (grave ? `- **${escaped(text)}**` : `- ${escaped(text)}`)).join('\n')]),
    `## ${results.title}`, markdownTable(results),
    legend(baseline?.name),
    ...(classes === undefined ? [] : [`## ${classes.title}`, markdownTable(classes)]),
    `Written ${written.toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
  ];
  return `${blocks.join('\n\n')}\n`;
}

export function titleOf({ entries, sweep }: Pick<Comparison, 'entries' | 'sweep'>): string {
  const count = entries.reduce((sum, { runs }) => sum + runs.length, 0);
  if (sweep !== undefined) return `Sweep of ${clip(sweep.name, 80)}: ${count} runs`;
  return count === 1 ? 'One run' : `Comparison of ${count} runs`;
}

/** What the figures mean. */
export function legendText(baseline: string | undefined): string {
  const words = 'AP of the student at its last evaluation, in per cent; the gain is over the better control at the same step; ± is the standard deviation over seeds.';
  return baseline === undefined ? words : `${words} In brackets: the difference from ${baseline}, seed by seed where both have the same seeds.`;
}

const legend = (baseline: string | undefined): string => escaped(legendText(baseline));

export function markdownTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map((column) => escaped(heading(column)))),
    line(columns.map(({ numeric }) => (numeric ? '---:' : '---'))),
    ...rows.map(({ cells, isBaseline }) => line(cells.map((cell, at) => (at === 0 && isBaseline === true ? `**${escaped(cell.text)}** (baseline)` : escaped(cellText(cell)))))),
  ].join('\n');
}

/** Words stay words: nothing of Markdown and no HTML in them counts. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').replace(/[\\`*_{}[\]<>#|~!&]/g, (sign) => (sign === '<' ? '&lt;' : sign === '>' ? '&gt;' : sign === '&' ? '&amp;' : `\\${sign}`));
}
