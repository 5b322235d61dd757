/** What the readers of all formats share in telling a user what is wrong. */
import { isAbsolute, relative } from 'node:path';
import { DistillError, type ErrorDetails } from '../errors.ts';

/** As a user would type it: relative to where they stand if it lies below, else absolute. */
export function shownPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') || isAbsolute(near) ? path : near;
}

/** `3 boxes`, `1 box`. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** The first few of a list, for a message. */
export function listed(items: readonly string[], most = 12): string {
  const rest = items.length - most;
  return rest > 0 ? `${items.slice(0, most).join(', ')} and ${rest} more` : items.join(', ');
}

/** `did you mean "person"?`, or nothing where no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? undefined : `did you mean "${best}"?`;
}

/** A class that was asked for and is not there. */
export function unknownClass(name: string, index: number, available: readonly string[], file: string): DistillError {
  return new DistillError('DL307', `the data set has no class "${name}"`, {
    key: ['data', 'classes', index],
    expected: `one of ${listed(available)} (${shownPath(file)})`,
    got: name,
    advice: didYouMean(name, available) ?? 'write the class as the data set does, or leave `classes` out to take them all',
  });
}

export function missingFile(what: string, path: string, details: ErrorDetails = {}): DistillError {
  return new DistillError('DL301', `${what} is missing: ${shownPath(path)}`, {
    expected: `an existing path`,
    got: shownPath(path),
    advice: 'check the path; relative paths start at the experiment file\'s folder',
    ...details,
  });
}

/** Two outputs of the network cannot mean the same class. */
export function checkDistinct(classes: readonly string[]): void {
  const repeated = classes.findIndex((name, index) => classes.indexOf(name) !== index);
  if (repeated < 0) return;
  throw new DistillError('DL307', `class "${classes[repeated] ?? ''}" is listed twice`, {
    key: ['data', 'classes', repeated],
    expected: 'every class once',
    advice: 'take the second one out',
  });
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const substituted = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
