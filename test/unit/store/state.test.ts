import { describe, expect, it } from 'vitest';
import { type RunEvent, type RunState } from '../../../src/experiment/record.ts';
import { emptyHistory, fold, gainOf, type History, secondsPerStep } from '../../../src/store/history.ts';
import { deriveState, type Evidence } from '../../../src/store/state.ts';
import { ALL_ARMS, ended, evaluation, started, step } from './material.ts';

const NOW = 100_000;
const sign = (time: number, host = 'here'): NonNullable<Evidence['heartbeat']> => ({ pid: 5, host, time, processStart: '9' });

function historyOf(...events: RunEvent[]): History {
  const history = emptyHistory();
  for (const event of events) fold(history, event);
  return history;
}

const going = historyOf(started(), step(1), step(2));
const ROWS: readonly (readonly [string, Partial<Evidence>, RunState, RegExp | undefined])[] = [
  ['just made', { created: NOW - 1000, alive: undefined }, 'preparing', undefined],
  ['never started', { created: NOW - 60_000, alive: undefined }, 'lost', /never started/],
  ['launched, silent yet', { launch: sign(NOW - 500) }, 'preparing', undefined],
  ['launched and dead at once', { launch: sign(NOW - 500), alive: false }, 'killed', /before its first step/],
  ['launched, slow to begin', { launch: sign(NOW - 9000) }, 'preparing', /no heartbeat for 9 s/],
  ['started', { history: historyOf(started()), heartbeat: sign(NOW - 500) }, 'preparing', undefined],
  ['stepping', { history: going, heartbeat: sign(NOW - 500) }, 'running', undefined],
  ['stepping, process dead', { history: going, heartbeat: sign(NOW - 500), alive: false }, 'killed', /after step 2/],
  ['stepping, silent but alive', { history: going, heartbeat: sign(NOW - 61_000) }, 'running', /no heartbeat for 61 s/],
  ['asked to stop', { history: going, heartbeat: sign(NOW), stopRequested: true }, 'stopping', undefined],
  ['elsewhere and fresh', { history: going, heartbeat: sign(NOW - 20_000, 'there'), alive: undefined }, 'running', /no heartbeat for 20 s/],
  ['elsewhere, as a network folder shows it a minute late', { history: going, heartbeat: sign(NOW - 70_000, 'there'), alive: undefined }, 'running', /no heartbeat for 70 s/],
  ['elsewhere, with a clock that is ahead', { history: going, heartbeat: sign(NOW + 60_000, 'there'), alive: undefined }, 'running', undefined],
  ['elsewhere and silent', { history: going, heartbeat: sign(NOW - 7_200_000, 'there'), alive: undefined }, 'lost', /from there for 2 h/],
  ['heartbeat gone', { history: going, alive: undefined, created: 0 }, 'lost', /There is no heartbeat/],
  ['finished', { history: historyOf(started(), ended()), heartbeat: sign(NOW), alive: false }, 'finished', undefined],
  ['finished, process on its way out', { history: historyOf(started(), ended()), heartbeat: sign(NOW) }, 'finished', undefined],
  ['stopped', { history: historyOf(started(), ended('stopped')), heartbeat: sign(NOW), stopRequested: true, alive: false }, 'stopped', undefined],
  ['ended, then launched again', { history: historyOf(started(), ended('stopped', 50_000)), launch: sign(NOW - 100), heartbeat: sign(49_000) }, 'preparing', undefined],
  ['ended, launched again, dead', { history: historyOf(started(), step(4), ended('stopped', 50_000)), launch: sign(NOW - 100), heartbeat: sign(49_000), alive: false }, 'killed', /after step 4/],
  ['resumed by hand', { history: historyOf(started(), step(1), ended('stopped'), started({ from: { student: 1 } })), heartbeat: sign(NOW) }, 'preparing', undefined],
];

describe('the state of a run', () => {
  it.each(ROWS)('%s', (_, evidence, state, reason) => {
    const verdict = deriveState({ history: emptyHistory(), heartbeat: undefined, launch: undefined, stopRequested: false, created: NOW, alive: true, now: NOW, ...evidence });
    expect(verdict.state).toBe(state);
    if (reason === undefined) expect(verdict.reason).toBeUndefined();
    else expect(verdict.reason).toMatch(reason);
  });

  it('failed tells why', () => {
    const history = historyOf(started(), { type: 'ended', time: 1, state: 'failed', error: { code: 'DL601', message: 'The loss is not a number.', explanation: 'x', line: 3 } });
    expect(deriveState({ history, heartbeat: undefined, launch: undefined, stopRequested: false, created: 0, alive: undefined, now: NOW })).toEqual({ state: 'failed', reason: 'The loss is not a number.' });
  });
});

describe('the gain', () => {
  const gain = (...events: RunEvent[]): unknown => gainOf(historyOf(...events), ALL_ARMS);

  it('is against the better control', () => {
    expect(gain(evaluation('student', 10, 0.5), evaluation('control', 10, 0.1), evaluation('controlInherit', 10, 0.2))).toEqual({ value: 0.3, against: 'controlInherit', step: 10 });
    expect(gain(evaluation('student', 10, 0.1), evaluation('control', 10, 0.2), evaluation('controlInherit', 10, 0.1))).toMatchObject({ value: -0.1, against: 'control' });
  });

  it('compares at the same step only', () => {
    expect(gain(evaluation('student', 10, 0.4), evaluation('student', 20, 0.5), evaluation('control', 10, 0.1), evaluation('controlInherit', 10, 0.2), evaluation('control', 20, 0.1))).toMatchObject({ value: 0.2, step: 10 });
  });

  it('is not told before every control was measured, or without one', () => {
    expect(gain(evaluation('student', 10, 0.5), evaluation('control', 10, 0.1))).toBeUndefined();
    expect(gainOf(historyOf(evaluation('student', 10, 0.5)), ['student'])).toBeUndefined();
  });

  it('takes a measurement made again after a resume instead of the old', () => {
    const history = historyOf(evaluation('student', 10, 0.1), evaluation('student', 20, 0.2), evaluation('student', 10, 0.3));
    expect(history.evaluations.student?.map((scored) => [scored.step, scored.metrics.AP])).toEqual([[10, 0.3]]);
  });
});

describe('the pace', () => {
  it('is the median, which an evaluation in between does not spoil', () => {
    expect(secondsPerStep(historyOf(step(1), step(2), step(3), step(4, { time: 60_000 }), step(5, { time: 60_100 })), 'student')).toBeCloseTo(0.1);
  });
  it('counts steps of one arm and one attempt only', () => {
    expect(secondsPerStep(historyOf(step(1), step(1, { arm: 'control', time: 9000 }), step(2, { time: 20_000 })), 'student')).toBeUndefined();
    expect(secondsPerStep(historyOf(step(1), started(), step(2, { time: 90_000 })), 'student')).toBeUndefined();
  });
});
