import { expect, it, test } from 'vitest';
import { lengthOf, lengthProblem, lengthPrompt, suggestedLength } from '../../../src/extension/lengthWords.ts';
import { english } from '../../../src/extension/words.ts';

test.each<['steps' | 'epochs', string, string | undefined]>([
  ['steps', '41', undefined], ['steps', ' 80 ', undefined], ['steps', '1e3', undefined],
  ['steps', '40', 'A whole number above 40'], ['steps', '40.5', 'A whole number above 40'], ['steps', '', 'A whole number above 40'],
  ['steps', 'many', 'A whole number above 40'], ['steps', '-80', 'A whole number above 40'], ['steps', 'Infinity', 'A whole number above 40'],
  ['epochs', '40.5', undefined], ['epochs', '40', 'A number above 40'], ['epochs', 'Infinity', 'A number above 40'], ['epochs', ' ', 'A number above 40'],
])('a new length in %s: "%s"', (unit, text, problem) => {
  expect(lengthProblem(english, text, { unit, now: 40, courses: [] })).toBe(problem);
  if (problem === undefined) expect(lengthOf(text)).toBeGreaterThan(40);
});

it('suggests what the file says, else twice as much', () => {
  expect(suggestedLength({ unit: 'steps', now: 40, courses: [], inFile: 50 })).toBe('50');
  expect(suggestedLength({ unit: 'epochs', now: 1.5, courses: [] })).toBe('3');
});

it('says what the further steps amount to', () => {
  expect(lengthPrompt(english, { unit: 'steps', now: 40, courses: [] })).toBe('Steps in all. The run has 40. The further steps equal those of a run that was longer from its start.');
  expect(lengthPrompt(english, { unit: 'epochs', now: 2, courses: ['train.schedule'] })).toMatch(/^Epochs in all\. The run has 2\. What follows the length of the run \(train\.schedule\) follows the new one/);
});
