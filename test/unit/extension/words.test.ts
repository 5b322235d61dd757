import { describe, expect, test } from 'vitest';
import { english, endSentence, formatAp, label, percent, stateLine, statusLine, timeLeft, type Progress } from '../../../src/extension/words.ts';

const base: Progress = { name: 'fgd-r18', methods: ['FGD'], state: 'running' };

describe('the status line', () => {
  test.each<[Partial<Progress>, string]>([
    [{ fraction: 0.389, ap: 0.4123, secondsLeft: 181 }, 'FGD 38 % · AP 41.2 · 3 min left'],
    [{ fraction: 0.5, methods: ['RM', 'PFI'] }, 'RM + PFI 50 %'],
    [{ fraction: 0.999, methods: [] }, 'fgd-r18 99 %'],
    [{ ap: -1, fraction: 0 }, 'FGD 0 % · AP –'],
    [{}, 'FGD'],
    [{ state: 'preparing', fraction: 0, secondsLeft: 60 }, 'FGD preparing'],
    [{ state: 'stopping', fraction: 0.4, ap: 0.1, secondsLeft: 60 }, 'FGD stopping · AP 10.0'],
    [{ state: 'finished', ap: 0.431 }, 'FGD finished · AP 43.1'],
  ])('%o', (progress, expected) => {
    expect(statusLine(english, { ...base, ...progress })).toBe(expected);
  });

  test('a line that is drawn seldom tells the state, not the progress', () => {
    expect(stateLine(english, { ...base, fraction: 0.4, secondsLeft: 60 })).toBe('FGD running');
    expect(stateLine(english, { ...base, state: 'stopped', ap: 0.412 })).toBe('FGD stopped · AP 41.2');
  });

  test('says 100 % only at the end', () => {
    expect(percent(0.99999)).toBe('99 %');
    expect(percent(1)).toBe('100 %');
    expect(percent(1.2)).toBe('100 %');
    expect(percent(-0.1)).toBe('0 %');
  });

  test.each([[0, 'less than a minute left'], [49, 'less than a minute left'], [50, '1 min left'], [95, '2 min left'], [3560, '59 min left'], [3590, '1 h 0 min left'], [5000, '1 h 23 min left']])('%d seconds are "%s"', (seconds, expected) => {
    expect(timeLeft(english, seconds)).toBe(expected);
  });

  test('AP is in per cent with one decimal', () => {
    expect([0, 0.4315, 1, -1].map(formatAp)).toEqual(['0.0', '43.1', '100.0', '–']);
  });

  test('a plain training run goes by its name', () => {
    expect(label({ name: 'teacher', methods: [] })).toBe('teacher');
  });
});

describe('the sentence at the end', () => {
  test.each<[Partial<Progress> & { reason?: string }, string]>([
    [{ state: 'finished', ap: 0.5 }, 'fgd-r18 finished: AP 50.0.'],
    [{ state: 'finished', ap: 0.431, gain: 0.054 }, 'fgd-r18 finished: AP 43.1 (+5.4 over control).'],
    [{ state: 'finished', ap: 0.431, gain: -0.02 }, 'fgd-r18 finished: AP 43.1 (−2.0 over control).'],
    [{ state: 'finished' }, 'fgd-r18 finished.'],
    [{ state: 'stopped' }, 'fgd-r18 stopped. It can be resumed from its last checkpoint.'],
    [{ state: 'failed', reason: 'The teacher has no file.' }, 'fgd-r18 failed: The teacher has no file.'],
    [{ state: 'killed' }, 'fgd-r18 killed.'],
  ])('%o', (run, expected) => {
    expect(endSentence(english, { ...base, ...run })).toBe(expected);
  });
});
