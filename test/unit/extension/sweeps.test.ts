/** What is said of sweeps above the first line, in the question before one starts, and in the view of runs. */
import { describe, expect, test } from 'vitest';
import { lensesOfSweep } from '../../../src/extension/lenses.ts';
import { isResumable, isRetry, makesSweep } from '../../../src/extension/sweep.ts';
import { type Run } from '../../../src/extension/run.ts';
import { MOST_WAITING, rowsOfSweep } from '../../../src/extension/runsView/inSweep.ts';
import { rowDescription } from '../../../src/extension/runsView/texts.ts';
import { startQuestion, sweepDescription, sweepEndSentence, waitingWords } from '../../../src/extension/sweepWords.ts';
import { english } from '../../../src/extension/words.ts';
import { type Place, type PlaceState, type SweepState, type SweepStatus } from '../../../src/sweep/status.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { summarize } from '../../../src/store/run.ts';
import { ended, started, step } from '../store/material.ts';

function runOf(id: string, state: PlaceState, more: Partial<Run> = {}): Run {
  const history = emptyHistory();
  for (const event of state === 'running' || state === 'waiting' ? [started(), step(1)] : [started(), step(1), ended(state === 'finished' || state === 'failed' ? state : 'stopped')]) fold(history, event);
  const heartbeat = { pid: 7, host: 'here', time: 50_000, processStart: '1' };
  return { ...summarize(`/runs/${id}`, history, { outline: undefined, note: {}, heartbeat, launch: undefined, stopRequested: false, created: 1000, alive: true }, 0, 51_000), ...more };
}
function place(key: string, state: PlaceState, hasRun = state !== 'waiting'): Place {
  return { planned: { key, role: 'student', label: key, values: {}, seed: 0, controls: [] }, state, run: hasRun ? runOf(key, state) : undefined };
}
function sweepOf(state: SweepState, places: readonly Place[], more: Partial<SweepStatus> = {}): SweepStatus {
  const done = places.filter((one) => one.state === 'finished' || one.state === 'skipped').length;
  return { id: 's', folder: '/runs/sweeps/s', root: '/runs', name: 'scenes', file: '/a.yaml', created: 0, on: 'local', state, places, done, failed: places.filter((one) => one.state === 'failed').length, runs: places.flatMap(({ run }) => run ?? []), ...more };
}
const titles = (sweep: SweepStatus | undefined, isTrusted = true): readonly string[] => lensesOfSweep(english, [], sweep === undefined ? [] : [sweep], isTrusted).map(({ title }) => title);
const some = [place('a', 'finished'), place('b', 'running'), place('c', 'waiting')];

describe('above the first line of a sweep', () => {
  test.each<[string, SweepStatus | undefined, readonly string[]]>([
    ['none yet', undefined, ['▷ Run Sweep']],
    ['one that goes', sweepOf('running', some), ['Pause', '◼ Stop', '1 of 3 done', 'Compare']],
    ['one that pauses', sweepOf('pausing', some), ['◼ Stop', '1 of 3 done · pausing', 'Compare']],
    ['one that stops', sweepOf('stopping', some), ['1 of 3 done · stopping', 'Compare']],
    ['a paused one', sweepOf('paused', some), ['▷ Resume', '▷ Run Sweep', '1 of 3 done · paused', 'Compare']],
    ['one whose queue was killed', sweepOf('killed', [place('a', 'waiting')]), ['▷ Resume', '▷ Run Sweep', '0 of 1 done · killed']],
    ['a finished one', sweepOf('finished', [place('a', 'finished'), place('b', 'skipped')], { best: { label: 'a', AP: 0.431 } }), ['▷ Run Sweep', '2 of 2 done · best AP 43.1', 'Compare']],
    ['one with a failed run', sweepOf('finished', [place('a', 'finished'), place('b', 'failed')]), ['▷ Resume', '▷ Run Sweep', '1 of 2 done · 1 failed', 'Compare']],
  ])('%s', (_, sweep, expected) => { expect(titles(sweep)).toEqual(expected); });

  test('nothing runs in Restricted Mode', () => { expect(titles(undefined, false)).toEqual(['Runs are off in Restricted Mode']); });

  test.each<[string, boolean]>([
    ['name: a\nseeds: [0, 1]\n', true], ['sweep:\n  train.batch: [2]\n', true], ['"sweep" : {}\n', true], ['# seeds: [0]\nname: a\n', false], ['train: { seed: 1 }\n  sweep: x\n', false], ['seedsOf: 1\n', false], ['', false],
  ])('%j makes several runs: %s', (text, expected) => { expect(makesSweep(text)).toBe(expected); });
});

test('what failed is tried again only when nothing else is left', () => {
  expect(isRetry(sweepOf('finished', [place('a', 'finished'), place('b', 'failed'), place('c', 'stopped')]))).toBe(true);
  expect(isRetry(sweepOf('paused', [place('b', 'failed'), place('c', 'waiting')]))).toBe(false);
  expect([sweepOf('running', some), sweepOf('finished', [place('a', 'finished')]), sweepOf('stopped', some)].map(isResumable)).toEqual([false, false, true]);
});

describe('the question before a sweep', () => {
  const plan = { name: 'scenes', repeated: 1, runs: [0, 1].flatMap((seed) => ['control', 'a', 'b'].map((label) => ({ key: `${label}${seed}`, role: label === 'control' ? 'control' as const : 'student' as const, label, values: {}, seed, controls: [], overrides: [] }))) };

  test('tells runs, time, disk, and how many at once', () => {
    const { message, detail } = startQuestion(english, plan, { runs: 6, seconds: 3720, bytes: 3.4e8, judgedBy: 2 }, { launcher: 'local', atOnce: 2 });
    expect(message).toBe('Start 6 runs of scenes?');
    expect(detail.split('\n')).toEqual(['4 distilled, 2 controls, 2 seeds', '1 that would repeat another are left out', 'Time: about 62 min', 'Disk: about 340 MB', 'Runs at once: 2 on this machine', 'Judged by 2 earlier runs of this file.']);
  });

  test('says what is not known, and who decides', () => {
    const { detail } = startQuestion(english, { ...plan, repeated: 0, runs: plan.runs.filter(({ role }) => role === 'student') }, { runs: 4, judgedBy: 0 }, { launcher: 'slurm', atOnce: undefined });
    expect(detail.split('\n')).toEqual(['2 combinations, 2 seeds', 'Time: unknown', 'Disk: unknown', 'Runs at once: as many as slurm gives', 'No earlier run of this file tells how long one takes.']);
  });

  test('says which launcher is not to be relied on', () => {
    expect(startQuestion(english, plan, { runs: 6, judgedBy: 0 }, { launcher: 'kubernetes', atOnce: undefined }).detail).toContain('never run on a real cluster');
  });
});

describe('in the view of runs', () => {
  const places = [place('a', 'finished'), place('b', 'running'), place('c', 'failed'), ...Array.from({ length: MOST_WAITING + 5 }, (_, at) => place(`w${at}`, 'waiting'))];
  const sweep = sweepOf('running', places);
  const keys = (rows: ReturnType<typeof rowsOfSweep>): readonly string[] => rows.rows.map((row) => row.place.planned.key);

  test('what goes comes first, then what waits in the order of the queue, then what is over', () => {
    const rows = rowsOfSweep(sweep, [...sweep.runs].reverse(), { sort: 'newest', isFiltered: false });
    expect(keys(rows)).toEqual(['b', ...Array.from({ length: MOST_WAITING }, (_, at) => `w${at}`), 'c', 'a']);
    expect(rows.rows.map(({ position }) => position).slice(0, 3)).toEqual([undefined, 1, 2]);
    expect(rows.more).toEqual({ count: 5, after: MOST_WAITING + 1 });
  });

  test('in an order by a figure the waiting ones come last; with a filter there are none', () => {
    expect(keys(rowsOfSweep(sweep, sweep.runs, { sort: 'ap', isFiltered: false })).slice(0, 4)).toEqual(['a', 'b', 'c', 'w0']);
    expect(keys(rowsOfSweep(sweep, sweep.runs.slice(0, 1), { sort: 'newest', isFiltered: true }))).toEqual(['a']);
  });

  test('rows say where they stand and why', () => {
    expect(waitingWords(english, place('a', 'waiting'), 1)).toBe('waiting · next');
    expect(waitingWords(english, { ...place('a', 'waiting', true), reason: 'Resources' }, 3)).toBe('waiting · number 3 · at step 1 · Resources');
    expect(sweepDescription(english, sweepOf('paused', some, { best: { label: 'a', AP: 0.4 } }))).toBe('paused · 1 of 3 done · best AP 40.0');
    const pending = runOf('p', 'running', { state: 'preparing', job: { launcher: 'slurm', job: '7', state: 'waiting', since: 1 }, reason: 'Priority' });
    expect(rowDescription(english, pending)).toMatch(/^waiting · Priority/);
  });

  test('one sentence at the end', () => {
    expect(sweepEndSentence(english, sweepOf('finished', [place('a', 'finished')], { best: { label: '', AP: 0.4 } }))).toBe('scenes finished: 1 of 1 done. Best AP 40.0: distilled.');
    expect(sweepEndSentence(english, sweepOf('killed', some))).toContain('Resume goes on with it.');
  });
});
