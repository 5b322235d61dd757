/** What is said when a run is made longer. Pure: the translator is handed in, so that it is tested without VS Code. */
import { type LengthOutlook } from '../launch/index.ts';
import { type Translate } from './words.ts';

/** Under the field for the new length: how long the run is, and what the further steps amount to. */
export function lengthPrompt(t: Translate, { unit, now, courses }: LengthOutlook): string {
  const length = unit === 'steps' ? t('Steps in all. The run has {0}.', now) : t('Epochs in all. The run has {0}.', now);
  return `${length} ${courseSentence(t, courses)}`;
}

export function courseSentence(t: Translate, courses: readonly string[]): string {
  return courses.length === 0
    ? t('The further steps equal those of a run that was longer from its start.')
    : t('What follows the length of the run ({0}) follows the new one from there on, so the result is not that of a run which was longer from its start.', courses.join(', '));
}

/** What the field holds at first: what the file says by now, else twice the length. */
export function suggestedLength({ now, inFile }: LengthOutlook): string {
  return String(inFile ?? 2 * now);
}

/** @returns undefined for a text that is a greater length. */
export function lengthProblem(t: Translate, text: string, { unit, now }: LengthOutlook): string | undefined {
  const value = lengthOf(text);
  if (unit === 'steps') return Number.isSafeInteger(value) && value > now ? undefined : t('A whole number above {0}', now);
  return Number.isFinite(value) && value > now ? undefined : t('A number above {0}', now);
}

export function lengthOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}
