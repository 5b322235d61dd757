/** What stands in an experiment of its runs: where, in which words, and from which run. */
import { describe, expect, test } from 'vitest';
import { paletteOf } from '../../../src/charts/index.ts';
import { type RunEvent } from '../../../src/experiment/record.ts';
import { parseYaml } from '../../../src/experiment/yamlTree.ts';
import { apChart, apSpark, chartMarkdown, lastValue, lossChart, lossSpark } from '../../../src/extension/inline/charts.ts';
import { type Change, followed, placesOf, sameLine } from '../../../src/extension/inline/places.ts';
import { runWithAp, runWithLosses, titleOf } from '../../../src/extension/inline/results.ts';
import { apText, dateFormat, lossText, runsTable } from '../../../src/extension/inline/words.ts';
import { type Run } from '../../../src/extension/run.ts';
import { english } from '../../../src/extension/words.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { summarize } from '../../../src/store/run.ts';
import { ended, evaluation, started, step } from '../store/material.ts';
import { escapeMarkdown } from '../../../src/markup.ts';

function runOf(events: readonly RunEvent[], alive = false): Run {
  const history = emptyHistory();
  for (const event of events) fold(history, event);
  const heartbeat = { pid: 7, host: 'here', time: 50_000, processStart: '1' };
  return summarize('/runs/r', history, { outline: undefined, note: {}, heartbeat, launch: undefined, stopRequested: false, created: Date.UTC(2026, 4, 17, 9, 30), alive }, 0, 51_000);
}

const finished = runOf([
  started({ arms: ['student', 'control'], methodTitles: { fgd: 'FGD' } }), evaluation('teacher', 0, 0.452), step(50), evaluation('student', 50, 0.3), evaluation('control', 50, 0.28),
  step(100), step(100, { arm: 'control' }), evaluation('student', 100, 0.431), evaluation('control', 100, 0.377), ended(),
]);
const without = runOf([started(), step(10)], true);

describe('the places of charts', () => {
  const places = (text: string): string[] => {
    const { data, positions } = parseYaml(text, 'a');
    return placesOf(data, positions).map((place) => `${place.line} ${place.what === 'name' ? 'name' : place.method}`);
  };

  test.each<[string, string, readonly string[]]>([
    ['name and methods', '# first\nname: a\ndistill:\n  - method: fgd\n    alpha: 1\n  - alpha: 2\n    method: rm   # why\n', ['1 name', '3 fgd', '6 rm']],
    ['methods in one line', 'name: a\ndistill: [{ method: fgd }, { method: rm }]\n', ['0 name', '1 fgd', '1 rm']],
    ['a name over several lines stands at its first', 'name: >-\n  a\n  b\n', ['0 name']],
    ['a method as an alias', 'name: &m fgd\ndistill:\n  - method: *m\n', ['0 name', '2 fgd']],
    ['what is no experiment', '- name: a\n- b\n', []],
    ['keys of other kinds', 'name: 3\ndistill: fgd\n', []],
    ['items of other kinds', 'distill:\n  - fgd\n  - method: 3\n  - null\n', []],
    ['text that is no YAML', 'name: "a\ndistill: [', []],
  ])('%s', (_, text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  const change = (start: number, end: number, text: string): Change => ({ range: { start: { line: start }, end: { line: end } }, text });
  const at = [{ line: 1 }, { line: 5 }];
  const lines = (changes: readonly Change[]): { lines: number[]; touched: boolean } => {
    const { places: moved, touched } = followed(at, changes);
    return { lines: moved.map(({ line }) => line), touched };
  };

  test.each<[string, readonly Change[], readonly number[], boolean]>([
    ['a letter in another line', [change(3, 3, 'x')], [1, 5], false],
    ['a letter in a line with a chart', [change(5, 5, 'x')], [1], true],
    ['a line put in between', [change(2, 2, '\n')], [1, 6], false],
    ['lines taken out between', [change(2, 4, '')], [1, 3], false],
    ['a line with a chart taken out', [change(4, 6, '')], [1], true],
    ['several at once, each as of before', [change(0, 0, '\n\n'), change(3, 4, '')], [3, 6], false],
    ['all replaced', [change(0, 9, 'new\ntext')], [], true],
  ])('follow %s', (_, changes, expected, touched) => {
    expect(lines(changes)).toEqual({ lines: expected, touched });
  });
});

describe('the line that failed a run', () => {
  const then = 'name: a\nteacher:\n  weights: a.pth\nstudent:\n  weights: a.pth\n';
  test.each<[string, string, number | undefined]>([
    ['is where it was', then, 2],
    ['moves with what is put in above', `# one\n# two\n${then}`, 4],
    ['is known by its words when indented anew or with other line ends', then.replaceAll('\n', '\r\n').replace('  weights', '    weights'), 2],
    ['is gone when it was changed', then.replaceAll('a.pth', 'b.pth'), undefined],
    ['is gone from an empty text', '', undefined],
  ])('%s', (_, now, line) => {
    expect(sameLine(then, 2, now)).toBe(line);
  });

  test('past the end of the text there is none', () => {
    expect(sameLine(then, 99, then)).toBeUndefined();
    expect(sameLine(then, 5, then)).toBeUndefined();
  });
});

describe('which run is shown', () => {
  test('the newest with a result, and none beside one that goes', () => {
    expect(runWithAp([finished])).toBe(finished);
    expect(runWithAp([{ ...without, state: 'failed' }, finished])).toBe(finished);
    expect(runWithAp([without, finished])).toBeUndefined();
    expect(runWithLosses([without, finished])).toBe(without);
    expect(runWithLosses([{ ...without, steps: {}, state: 'failed' }, finished])).toBe(finished);
    expect(runWithAp([])).toBeUndefined();
  });

  test('methods have the names that the run gave them, whatever they are called', () => {
    expect(titleOf(finished, 'fgd')).toBe('FGD');
    expect(titleOf(finished, 'toString')).toBe('TOSTRING');
    expect(titleOf(without, 'fgd')).toBe('FGD');
  });
});

describe('words', () => {
  test('AP with the gain that belongs to it', () => {
    expect(apText(english, finished)).toBe('AP 43.1 (+5.4 over control)');
    expect(apText(english, runOf([started({ arms: ['student', 'control'] }), evaluation('student', 50, 0.3), evaluation('control', 50, 0.28), evaluation('student', 100, 0.431)]))).toBe('AP 43.1');
    expect(apText(english, without)).toBeUndefined();
  });

  test('a loss, with its method where a line has several', () => {
    expect([lossText(english, 0.41234), lossText(english, 12, 'FGD')]).toEqual(['loss 0.412', 'FGD loss 12.0']);
  });

  test('the last runs as a table', () => {
    const table = runsTable(english, [without, finished], dateFormat('en', 'UTC')).replaceAll('\u202f', ' ');
    expect(table).toMatchInlineSnapshot(`
      "| Date | &nbsp;&nbsp;&nbsp;State | &nbsp;&nbsp;&nbsp;AP | &nbsp;&nbsp;&nbsp;Gain | &nbsp;&nbsp;&nbsp;Steps |
      |:--|:--|--:|--:|--:|
      | May 17\\, 2026\\, 9\\:30 AM | &nbsp;&nbsp;&nbsp;running | &nbsp;&nbsp;&nbsp;– | &nbsp;&nbsp;&nbsp;– | &nbsp;&nbsp;&nbsp;10 \\/ 100 |
      | May 17\\, 2026\\, 9\\:30 AM | &nbsp;&nbsp;&nbsp;finished | &nbsp;&nbsp;&nbsp;43\\.1 | &nbsp;&nbsp;&nbsp;\\+5\\.4 | &nbsp;&nbsp;&nbsp;100 |"
    `);
    const many = runsTable(english, Array.from({ length: 9 }, () => finished), dateFormat('en', 'UTC'));
    expect(many.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(8);
    expect(many).toMatch(/\n\n3 more$/);
  });

  test('text is never Markdown', () => {
    expect(escapeMarkdown('[a](command:x) | <img> `b` **c**\n# d')).toBe(String.raw`\[a\]\(command\:x\) \| \<img\> \`b\` \*\*c\*\* \# d`);
  });
});

describe('charts', () => {
  test('of AP: the student, its control dashed, the teacher across', () => {
    expect(apSpark(finished)).toEqual({
      series: [{ colour: 'student', points: [{ x: 50, y: 30 }, { x: 100, y: 43.1 }] }, { colour: 'control', points: [{ x: 50, y: 28.000000000000004 }, { x: 100, y: 37.7 }], dash: [3, 2] }],
      references: [{ colour: 'teacher', value: 45.2 }],
    });
    const chart = apChart(english, finished);
    expect([...chart.series, ...chart.references ?? []].map(({ name, colour }) => `${name}: ${colour}`)).toEqual(['student 43.1: student', 'control 37.7: control', 'teacher 45.2: teacher']);
    expect(chart.series[1]?.dash).not.toEqual([]);
  });

  test('of a run that goes leave room for the steps to come', () => {
    const live = runOf([started(), step(10), evaluation('student', 10, 0.1)], true);
    const loss = { total: [{ x: 10, y: 1 }], parts: [] };
    expect([apSpark(live).until, apChart(english, live).until, lossSpark(live, loss).until, lossChart(english, live, 'FGD', loss).until]).toEqual([100, 100, 100, 100]);
    expect(lossSpark(finished, loss)).not.toHaveProperty('until');
  });

  test('what COCO leaves undefined is no point', () => {
    const run = runOf([started(), evaluation('teacher', 0, -1), evaluation('student', 50, -1), evaluation('student', 100, 0.2)]);
    expect(apSpark(run)).toEqual({ series: [{ colour: 'student', points: [{ x: 50, y: NaN }, { x: 100, y: 20 }] }], references: [] });
  });

  test('of a loss: the sum and its parts, or the one part alone', () => {
    const points = [{ x: 1, y: 0.5 }, { x: 2, y: 0.25 }, { x: 3, y: NaN }];
    const part = (name: string): { name: string; points: typeof points } => ({ name, points });
    expect(lossChart(english, finished, 'FGD', { total: points, parts: [part('focalPart'), part('global')] }).series.map(({ name }) => name)).toEqual(['sum 0.250', 'focal part 0.250', 'global 0.250']);
    expect(lossChart(english, finished, 'PKD', { total: points, parts: [part('features')] }).series.map(({ name }) => name)).toEqual(['features 0.250']);
    expect(lastValue([{ x: 1, y: NaN }])).toBeUndefined();
  });

  test('in Markdown are a picture with words for it, and nothing else, whatever the parts are called', () => {
    const hostile = '](command:evil) <b> ![x](http://a/b)';
    const markdown = chartMarkdown(lossChart(english, finished, hostile, { total: [], parts: [{ name: hostile, points: [] }] }), paletteOf('light'));
    expect(markdown).toMatch(/^!\[(?:[^[\]()<>\\]|\\.)*\]\(data:image\/svg\+xml;base64,[\w+/=]+\)$/);
    expect(markdown.length).toBeLessThan(90_000);
  });
});
