/** Every code that a user can meet has its section, and every section its code. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');

it('documents exactly the codes that the source raises', () => {
  const sources = readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const raised = new Set(sources.flatMap((file) => readFileSync(path.join(root, 'src', file), 'utf8').match(/(?<=')DL\d{3}(?=')/g) ?? []));
  const documented = [...readFileSync(path.join(root, 'docs/errors.md'), 'utf8').matchAll(/^### (DL\d{3}) — \S/gm)].map(([, code]) => code);
  expect(documented).toEqual([...raised].sort());
});
