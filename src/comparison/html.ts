/** The comparison as one HTML file: tables and charts, no script, nothing fetched. */
import { escapeSigns } from '../markup.ts';
import { type Comparison } from './compare.ts';
import { legendText, titleOf } from './markdown.ts';
import { cellText, heading, type Table } from './table.ts';

/** SVG texts, made by us. */
export interface ReportCharts {
  readonly curves: readonly string[];
  readonly classes?: string | undefined;
}

export function htmlReport(comparison: Comparison, { curves, classes: classChart }: ReportCharts, written: Date): string {
  const { results, classes, notes, baseline } = comparison;
  const title = titleOf(comparison);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${text(title)}</h1>
${notes.map((note) => `<p class="${note.grave ? 'note grave' : 'note'}">${text(note.text)}</p>`).join('\n')}
<h2>${text(results.title)}</h2>
${htmlTable(results)}
<p class="note">${text(legendText(baseline?.name))}</p>
${curves.length === 0 ? '' : `<h2>Curves</h2>\n<div class="charts">${curves.map((chart) => `<figure>${chart}</figure>`).join('\n')}</div>`}
${classes === undefined ? '' : `<h2>${text(classes.title)}</h2>\n${htmlTable(classes)}${classChart === undefined ? '' : `\n<figure>${classChart}</figure>`}`}
<p class="note">Written ${written.toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
</main>
</body>
</html>
`;
}

function htmlTable({ title, columns, rows }: Table): string {
  const head = columns.map((column) => `<th scope="col"${column.numeric ? ' class="number"' : ''}>${text(heading(column))}</th>`).join('');
  const body = rows.map(({ cells, isBaseline }) => `<tr${isBaseline === true ? ' class="baseline"' : ''}>${cells.map((cell, at) =>
    at === 0 ? `<th scope="row">${text(cell.text)}${isBaseline === true ? ' <small>baseline</small>' : ''}</th>` : `<td${columns[at]?.numeric === true ? ' class="number"' : ''}>${text(cellText(cell))}</td>`).join('')}</tr>`).join('\n');
  return `<div class="table"><table><caption>${text(title)}</caption><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function text(words: string): string {
  return escapeSigns(words.replace(/[\p{Cc}]+/gu, ' '));
}

const STYLE = `
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #2f2f2f; font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Ubuntu, sans-serif; }
main { max-width: 1280px; margin: 0 auto; padding: 28px; }
h1 { font-size: 1.6em; margin: 0 0 12px; }
h2 { font-size: 1.1em; margin: 28px 0 8px; }
.note { color: #5c5c5c; max-width: 90ch; margin: 6px 0; }
.grave { color: #b3261e; border-left: 2px solid #b3261e; padding-left: 12px; }
.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; padding: 4px 22px 4px 0; border-bottom: 1px solid #dedede; white-space: nowrap; font-weight: 400; }
.number { text-align: right; }
thead th { color: #5c5c5c; }
.baseline th, .baseline td { font-weight: 600; }
small { color: #5c5c5c; font-weight: 400; }
.charts { display: flex; flex-wrap: wrap; gap: 16px; }
figure { margin: 0; }
.table + figure { margin-top: 16px; }
@media print { figure, tr { break-inside: avoid; } }
`;
