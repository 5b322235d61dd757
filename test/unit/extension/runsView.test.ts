import { describe, expect, test } from 'vitest';
import { byteSize } from '../../../src/byteSize.ts';
import { age, duration, groupDescription, plain, rowDescription, rowLabel, rowSpoken, tooltipOf } from '../../../src/extension/runsView/texts.ts';
import { type Run } from '../../../src/extension/run.ts';
import { english } from '../../../src/extension/words.ts';
import { type RunEvent } from '../../../src/experiment/record.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { summarize } from '../../../src/store/run.ts';
import { ended, evaluation, started, step } from '../store/material.ts';
import { escapeMarkdown } from '../../../src/markup.ts';

const NOW = 10 * 3_600_000;

function runOf(events: readonly RunEvent[], more: Partial<Run> = {}, alive = false): Run {
  const history = emptyHistory();
  for (const event of events) fold(history, event);
  const heartbeat = { pid: 7, host: 'here', time: NOW - 500, processStart: '1' };
  return { ...summarize('/runs/r', history, { outline: undefined, note: {}, heartbeat, launch: undefined, stopRequested: false, created: NOW - 2 * 3_600_000, alive }, 0, NOW), ...more };
}
const whole = [started({ arms: ['student', 'control'] }), step(50), evaluation('teacher', 0, 0.7), evaluation('control', 100, 0.377), evaluation('student', 100, 0.431), ended()];

describe('a row', () => {
  test.each<[string, Run, string]>([
    ['finished', runOf(whole, { bytes: 120_400_000 }), 'AP 43.1 (+5.4) · 2 h ago · 120 MB'],
    ['pinned, without control', runOf([started({ arms: ['student'] }), evaluation('student', 1, 0.5), ended()], { pinned: true }), 'pinned · AP 50.0 · 2 h ago'],
    ['failed', runOf([started(), ended('failed')], { bytes: 999 }), 'failed · 2 h ago · 999 B'],
    ['running', runOf([started({ arms: ['student'] }), step(38)], { secondsLeft: 200 }, true), '38 % · 3 min left'],
    ['preparing', runOf([], {}, true), 'preparing'],
  ])('of a run that is %s', (_, run, expected) => {
    expect(rowDescription(english, run, NOW)).toBe(expected);
  });

  test('is called by its time under an experiment of the same name', () => {
    const run = runOf(whole, { created: Date.UTC(2026, 0, 31, 12, 5) });
    expect(rowLabel(run, false, 'en')).toBe('a run');
    expect(rowLabel(run, true, 'en')).toMatch(/^Jan 3[01], \d\d:05$/);
    expect(rowLabel({ ...run, name: 'link', experimentName: 'link', id: 'link' }, true, 'en')).toBe('link');
    expect(rowLabel({ ...run, name: 'Best so far' }, true, 'en')).toBe('Best so far');
    expect(rowLabel(run, true, 'no such language')).toBe('r');
  });

  test('is read as it is seen, with what only its icon shows', () => {
    const run = runOf(whole, { bytes: 120_400_000 });
    const spoken = (of: Run, label: string): string => rowSpoken(english, of, label, rowDescription(english, of, NOW));
    expect(spoken(run, 'a run')).toBe('a run, AP 43.1 (+5.4) · 2 h ago · 120 MB, finished');
    expect(spoken(run, 'Jan 31, 12:05')).toBe('a run, Jan 31, 12:05, AP 43.1 (+5.4) · 2 h ago · 120 MB, finished');
    expect(spoken(runOf([started(), ended('failed')], { damage: '2 lines could not be read.' }), 'a run')).toBe('a run, failed · 2 h ago, with a warning');
  });

  test('is one line of text, whatever the name', () => {
    expect(plain('a\nb\u202Ec\u0000d\u2028e  ')).toBe('a b c d e');
    expect(plain('<b>$(trash)</b>')).toBe('<b>$(trash)</b>');
    expect(plain('x'.repeat(500))).toHaveLength(120);
  });
});

test('a group tells how many it has, and the best', () => {
  expect(groupDescription(english, [runOf(whole), runOf([started()])])).toBe('2 runs · best AP 43.1');
  expect(groupDescription(english, [runOf([started()])])).toBe('1 run');
});

test.each([[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [9940, '9.9 kB'], [9960, '10 kB'], [999_499, '999 kB'], [999_500, '1.0 MB'], [2 ** 31, '2.1 GB'], [5e15, '5000 TB']])('%d bytes are %s', (bytes, expected) => {
  expect(byteSize(bytes)).toBe(expected);
});

test('times are told as people say them', () => {
  expect([10_000, 61_000, 59 * 60_000, 90 * 60_000, 47 * 3_600_000, 72 * 3_600_000].map((time) => age(english, time))).toEqual(['just now', '1 min ago', '59 min ago', '2 h ago', '47 h ago', '3 days ago']);
  expect([4000, 99_000, 600_000, 7_500_000].map((time) => duration(english, time))).toEqual(['4 s', '99 s', '10 min', '2 h 5 min']);
});

test('text in markdown stays text', () => {
  expect(escapeMarkdown('<img src=x>\n[a](command:b) $(x) http://c.d')).toBe(String.raw`\<img src\=x\> \[a\]\(command\:b\) \$\(x\) http\:\/\/c\.d`);
});

describe('a tooltip', () => {
  const tell = (run: Run): ReturnType<typeof tooltipOf> => tooltipOf(english, run, { folder: 'runs/r', language: 'en' }, NOW);

  test('has state, figures and facts', () => {
    const tooltip = tell(runOf(whole, { bytes: 5000 }));
    expect(tooltip).toMatchObject({ heading: 'a run', sentences: ['finished', 's'], table: [['', 'AP', 'AP50', 'AP75'], ['teacher', '70.0', '70.0', '70.0'], ['student', '43.1', '43.1', '43.1'], ['control', '37.7', '37.7', '37.7']], warnings: [] });
    expect(tooltip.facts).toContainEqual(['gain', '+5.4 over the better control, at step 100']);
    expect(tooltip.facts).toContainEqual(['on disk', '5.0 kB']);
    expect(tooltip.facts).toContainEqual(['folder', 'runs/r']);
  });

  test('of a bad end tells the reason, and what could not be read', () => {
    const tooltip = tell(runOf([started(), step(4), { type: 'warning', time: 1, message: 'boxes were dropped' }], { damage: '2 lines could not be read.' }));
    expect(tooltip.sentences[0]).toBe('killed: The process ended after step 4 without a word.');
    expect(tooltip.warnings).toEqual(['2 lines could not be read.', '1 warning: boxes were dropped']);
    expect(tooltip.table).toEqual([]);
  });
});
