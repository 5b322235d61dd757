/** The page behind every code that a diagnostic can carry. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorSection } from '../../../src/extension/errorSection.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const page = readFileSync(path.join(root, 'docs/errors.md'), 'utf8');
const codes = [...page.matchAll(/^### (DL\d{3})/gm)].map(([, code = '']) => code);

describe('the page of a code', () => {
  it.each(codes)('%s is its section alone', (code) => {
    const section = errorSection(page, code);
    expect(section).toMatch(new RegExp(`^# ${code} — .+\n\n\\S`));
    expect(section.match(/^#{1,3} /gm)).toHaveLength(1);
    // Links that lead nowhere from here are words.
    expect(section).not.toMatch(/\]\((?!https?:)/);
  });

  it('is the whole page for a code that has none', () => {
    expect(errorSection(page, 'DL999')).toBe(page);
  });

  it('comes with the extension', () => {
    expect(readFileSync(path.join(root, '.vscodeignore'), 'utf8').split('\n').some((line) => ['!docs/errors.md', '!docs/**', '!docs/**/*.md', '!docs/*.md'].includes(line))).toBe(true);
  });
});
