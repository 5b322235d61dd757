/** Whatever reaches the page of a comparison is refused, or the comparison can be made of it: tables, pictures and reports. */
import { expect, test } from 'vitest';
import { paletteOf } from '../../../src/charts/palette.ts';
import { classChartSvg } from '../../../src/comparison/classChart.ts';
import { compareRuns } from '../../../src/comparison/compare.ts';
import { htmlReport } from '../../../src/comparison/html.ts';
import { markdownReport } from '../../../src/comparison/markdown.ts';
import { type ComparedRun } from '../../../src/comparison/run.ts';
import { csv } from '../../../src/comparison/table.ts';
import { readToPage } from '../../../webview/compare/messages.ts';
import { mutationsOf } from '../../support/hostileMessages.ts';
import { runOf } from '../comparison/material.ts';

const whole = runOf({ id: 'a', AP: 0.4, gain: 0.02, perClass: { person: 0.5 } });
const other = runOf({ id: 'b', AP: 0.42, perClass: { person: 0.4, car: 0.2 } });

function use(runs: readonly ComparedRun[]): void {
  const comparison = compareRuns(runs, { join: true, baseline: 'b' });
  const { classes, baseline, results } = comparison;
  const drawn = classes && classChartSvg({ classes, baseline, order: runs.map(({ id }) => id) }, paletteOf('light'));
  const report = htmlReport(comparison, { curves: [], classes: drawn }, new Date(0));
  expect(report).not.toMatch(/<img|<script/);
  expect(drawn ?? '').not.toMatch(/NaN|Infinity|undefined/);
  markdownReport(comparison, new Date(0));
  csv(results);
}

test('a run that is wrong at any one place', () => {
  let taken = 0;
  for (const run of mutationsOf(whole)) {
    const message = readToPage({ type: 'run', run });
    if (message?.type !== 'run') continue;
    taken += 1;
    use([message.run, other]);
    const set = readToPage({ type: 'set', runs: [run, other] });
    if (set?.type === 'set') expect(set.runs).toHaveLength(2);
  }
  // Strange words are words.
  expect(taken).toBeGreaterThan(10);
});

test.each([undefined, null, 4, 'x', [], {}, { type: 'nothing' }, { type: '__proto__' }, { type: 'set' }, { type: 'set', runs: {} }, { type: 'run' }, { type: 'of', id: 'a' }, { type: 'of', id: 4, message: { type: 'problem', message: 'x' } }, { type: 'saved', name: 4 }])('%o is refused', (message) => {
  expect(readToPage(message)).toBeUndefined();
});

test('of a set the runs that are none are left out', () => {
  const message = readToPage({ type: 'set', runs: [null, 3, 'run', [], {}, { id: 'x' }, whole] });
  expect(message?.type === 'set' && message.runs.map(({ id }) => id)).toEqual(['a']);
});
