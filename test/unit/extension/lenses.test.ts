import { describe, expect, test } from 'vitest';
import { lensesOf } from '../../../src/extension/lenses.ts';
import { mayComeBack, type Run } from '../../../src/extension/run.ts';
import { english } from '../../../src/extension/words.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { summarize } from '../../../src/store/run.ts';
import { ended, started, step } from '../store/material.ts';
import { type RunEvent } from '../../../src/experiment/record.ts';

function runOf(events: readonly RunEvent[], alive: boolean | undefined, stopRequested = false): Run {
  const history = emptyHistory();
  for (const event of events) fold(history, event);
  const heartbeat = { pid: 7, host: 'here', time: 50_000, processStart: '1' };
  return summarize('/runs/r', history, { outline: undefined, note: {}, heartbeat, launch: undefined, stopRequested, created: 1000, alive }, 0, 51_000);
}
const above = (run: Run | undefined, isTrusted = true): string[] => lensesOf(english, run === undefined ? [] : [run], isTrusted).map(({ title }) => title);

describe('above the first line', () => {
  test.each<[string, Run | undefined, readonly string[]]>([
    ['no run', undefined, ['▷ Run Distillation']],
    ['a live run', runOf([started(), step(1)], true), ['◼ Stop', 'FGD running']],
    ['one that stops', runOf([started(), step(1)], true, true), ['Kill', 'FGD stopping']],
    ['one that is killed before its first step', runOf([started()], false), ['▷ Run Distillation', 'FGD killed']],
    ['one that is killed later', runOf([started(), step(1)], false), ['▷ Run Distillation', 'Resume', 'FGD killed']],
    ['a finished one of a sweep', { ...runOf([started(), step(1), ended()], false), sweep: { id: 's', name: 's', key: 'k', role: 'student', label: '', values: {}, seed: 0, controls: [] } }, ['▷ Run Distillation', 'FGD finished']],
    ['a finished one', runOf([started(), step(1), ended()], false), ['▷ Run Distillation', 'Train Further…', 'FGD finished']],
  ])('%s', (_, run, titles) => {
    expect(above(run)).toEqual(titles);
  });

  test('two runs and more can be compared', () => {
    const runs = Array.from({ length: 12 }, (_, index) => ({ ...runOf([started(), step(1), ended()], false), id: `run-${index}` }));
    expect(lensesOf(english, runs.slice(0, 1), true).map(({ command }) => command)).toEqual(['run', 'trainFurther', 'openPanel']);
    expect(lensesOf(english, runs.slice(0, 2), true).at(-1)).toEqual({ title: 'Compare', command: 'compare', runs: ['run-0', 'run-1'] });
    expect(lensesOf(english, runs, true).at(-1)?.runs).toHaveLength(8);
  });

  test('nothing runs in Restricted Mode', () => {
    expect(above(runOf([started(), step(1)], true), false)).toEqual(['Runs are off in Restricted Mode', 'FGD running']);
  });
});

test('a run that has just gone silent elsewhere is looked at for an hour more', () => {
  const lost = runOf([started(), step(1)], undefined);
  const silent = { ...lost, state: 'lost' as const };
  expect(mayComeBack(silent, 51_000)).toBe(true);
  expect(mayComeBack(silent, 50_000 + 3_600_001)).toBe(false);
  expect(mayComeBack({ ...silent, process: undefined }, 51_000)).toBe(false);
  expect(mayComeBack({ ...silent, state: 'killed' }, 51_000)).toBe(false);
});
