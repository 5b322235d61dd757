/** The page on VS Code tells what the manifest offers: every command, setting and key, with the right defaults, and nothing else. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const project = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(project, file), 'utf8');

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string; readonly when: string }[] };
    readonly keybindings: readonly { readonly command: string; readonly key: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
  };
}
const { contributes } = JSON.parse(read('package.json')) as Manifest;
const texts = JSON.parse(read('package.nls.json')) as Readonly<Record<string, string>>;
const titleOf = (command: string): string => {
  const title = contributes.commands.find((candidate) => candidate.command === command)?.title ?? '';
  return texts[title.replaceAll('%', '')] ?? title;
};

/** Cells of the rows of the first table under a heading. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const section = read('docs/vscode.md').split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section.split('\n').filter((line) => line.startsWith('|')).slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
}

test('every command of the palette has its row', () => {
  const hidden = new Set(contributes.menus.commandPalette.filter(({ when }) => when === 'false').map(({ command }) => command));
  const offered = contributes.commands.filter(({ command }) => !hidden.has(command)).map(({ command }) => titleOf(command));
  const told = tableUnder('Commands').flatMap(([name = '']) => name.split(' · '));
  expect([...told].sort()).toEqual([...offered].sort());
});

test('every setting has its row, with its default', () => {
  const say = (value: unknown): string => (value === true ? 'on' : value === false ? 'off' : value === '' || JSON.stringify(value) === '{}' ? 'empty' : `\`${String(value)}\``);
  const offered = Object.entries(contributes.configuration.properties).map(([name, { default: value }]) => [`\`${name}\``, say(value)]);
  expect(tableUnder('Settings').map(([name, value]) => [name, value]).sort()).toEqual(offered.sort());
});

test('every key that the manifest binds is told, with its command', () => {
  const offered = contributes.keybindings.map(({ key, command }) => [key.toLowerCase(), titleOf(command)]);
  expect(tableUnder('Keys').map(([key = '', command]) => [key.toLowerCase(), command]).sort()).toEqual(offered.sort());
});
