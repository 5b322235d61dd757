import { describe, expect, it, test } from 'vitest';
import { compareRuns } from '../../../src/comparison/compare.ts';
import { fileName } from '../../../src/comparison/fileName.ts';
import { htmlReport } from '../../../src/comparison/html.ts';
import { markdownReport, markdownTable } from '../../../src/comparison/markdown.ts';
import { csv, sorted, type Table } from '../../../src/comparison/table.ts';
import { runOf } from './material.ts';

const table: Table = {
  title: 'Results',
  columns: [{ key: 'run', title: 'run', numeric: false }, { key: 'AP', title: 'AP', unit: '%', numeric: true }],
  rows: [
    { key: 'a', isBaseline: true, cells: [{ text: 'run 10' }, { text: '40.0 ± 1.0', value: 40, sd: 1 }] },
    { key: 'b', cells: [{ text: 'run 9, "the good"' }, { text: '–' }] },
    { key: 'c', cells: [{ text: '=HYPERLINK("http://x")' }, { text: '43.2', value: 43.2, difference: { text: '+3.2', value: 3.2 } }] },
  ],
};
const EVIL = '<img src=x onerror=alert(1)>|`](command:x)\n# h';

describe('sorting', () => {
  test.each([
    [{ column: 'AP', descending: true }, ['c', 'a', 'b']], [{ column: 'AP', descending: false }, ['a', 'c', 'b']],
    [{ column: 'run', descending: false }, ['c', 'b', 'a']], [{ column: 'nothing', descending: true }, ['a', 'b', 'c']], [undefined, ['a', 'b', 'c']],
  ])('by %j', (order, expected) => {
    expect(sorted(table, order).rows.map(({ key }) => key)).toEqual(expected);
  });
});

describe('CSV', () => {
  it('has numbers as numbers and words as words, never a formula', () => {
    expect(csv(table)).toBe('run,AP (%),AP sd,AP against baseline\r\nrun 10,40,1,\r\n"run 9, ""the good""",,,\r\n"\'=HYPERLINK(""http://x"")",43.2,,3.2\r\n');
  });
});

describe('Markdown', () => {
  it('aligns numbers and marks the baseline', () => {
    expect(markdownTable(table).split('\n')).toEqual(['| run | AP (%) |', '| --- | ---: |', '| **run 10** (baseline) | 40.0 ± 1.0 |', '| run 9, "the good" | – |', '| =HYPERLINK("http://x") | 43.2 (+3.2) |']);
  });

  it('takes words for words', () => {
    const report = markdownReport(compareRuns([runOf({ name: EVIL, AP: 0.4 })], { join: true }), new Date(0));
    expect(report).not.toMatch(/<img|\n# h|[^\\]`|[^\\]\]\(/);
    expect(report).toContain('&lt;img src=x onerror=alert(1)&gt;\\|\\`\\](command:x) \\# h');
    expect(report).toContain('Written 1970-01-01 00:00 UTC.');
  });
});

describe('HTML', () => {
  it('holds everything, runs nothing, fetches nothing', () => {
    const report = htmlReport(compareRuns([runOf({ name: EVIL, AP: 0.4, perClass: { [EVIL]: 0.2 } }), runOf({ id: 'b', AP: 0.42, change: { train: { batch: 8 } } })], { join: true, baseline: 'b' }), { curves: ['<svg></svg>'], classes: '<svg id="classes"></svg>' }, new Date(0));
    expect(report).not.toMatch(/<img|<script|<[^>]*\son\w+=|https?:/);
    expect(report).toContain("default-src 'none'");
    expect(report).toContain('&lt;img src=x');
    expect(report).toContain('<figure><svg></svg></figure>');
    expect(report).toContain('<figure><svg id="classes"></svg></figure>');
    expect(report).toContain('train.batch');
    expect(report).toContain('<small>baseline</small>');
  });
});

describe('names of files', () => {
  test.each([
    ['Total loss', '.svg', 'Total-loss.svg'], ['../../etc/passwd', '.csv', 'etc-passwd.csv'], ['..\\..\\x', '.csv', 'x.csv'], ['', '.png', 'run.png'], ['con', '.svg', 'run-con.svg'], ['nul.txt', '.csv', 'run-nul.txt.csv'],
    ['.hidden', '.md', 'hidden.md'], ['a\u0000b\nc', '.md', 'a-b-c.md'], ['größe', '.md', 'größe.md'], ['<script>', '.html', 'script.html'], ['x'.repeat(300), '.md', `${'x'.repeat(80)}.md`], ['...', '.md', 'run.md'], ['\u202Egnp.exe', '.svg', 'gnp.exe.svg'],
  ])('%j %s → %s', (words, ending, expected) => {
    expect(fileName(words, ending)).toBe(expected);
  });
});
