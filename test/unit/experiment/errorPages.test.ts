/** Every code that a user can meet has its section. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function textsIn(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending)).map((file) => readFileSync(path.join(folder, file), 'utf8'));
}

it.each([['DL1', ['experiment', 'cli']], ['DL6', ['run']], ['DL7', ['store', 'launch', 'cli', 'extension']]] as const)('%s has a section for each of its codes', (range, rooms) => {
  const codes = new Set(rooms.flatMap((room) => textsIn(path.join(root, 'src', room), '.ts')).flatMap((text) => text.match(new RegExp(`(?<=')${range}\\d\\d(?=')`, 'g')) ?? []));
  const errors = path.join(root, 'docs/errors.md');
  const pages = [...textsIn(path.join(root, 'docs/errors'), '.md'), ...(existsSync(errors) ? [readFileSync(errors, 'utf8')] : [])].join('\n');
  expect(codes.size).toBeGreaterThan(3);
  expect([...codes].filter((code) => !new RegExp(`^#{2,3} ${code} — `, 'm').test(pages))).toEqual([]);
});
