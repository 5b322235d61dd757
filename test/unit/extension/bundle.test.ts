/** What the manifest promises and what activation costs, seen from outside. */
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';

const project = path.resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(project, file), 'utf8');
const sources = ['src/extension', 'src/language'].flatMap((folder) => readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts')).map((file) => read(path.join(folder, file))));

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly languages: readonly { readonly id: string; readonly extensions: readonly string[]; readonly configuration: string }[];
    readonly grammars: readonly { readonly language: string; readonly path: string }[];
    readonly configurationDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly scope: string }>> };
  };
  readonly activationEvents: readonly string[];
  readonly icon: string;
  readonly capabilities: { readonly untrustedWorkspaces: { readonly supported: string; readonly restrictedConfigurations: readonly string[] } };
}
const manifest = JSON.parse(read('package.json')) as Manifest;

describe('activation', () => {
  let metafile: Metafile;
  beforeAll(async () => {
    ({ metafile } = await build({ absWorkingDir: project, entryPoints: ['src/extension/extension.ts'], bundle: true, platform: 'node', write: false, metafile: true, external: ['vscode', 'sharp'], logLevel: 'silent' }));
  });

  /** Everything that is evaluated before a dynamic import is asked for. */
  function atOnce(): string[] {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const { path: imported, kind, external } of metafile.inputs[file]?.imports ?? []) if (kind !== 'dynamic-import' && external !== true) visit(imported);
    };
    visit('src/extension/extension.ts');
    return [...seen];
  }

  test('evaluates neither a parser, nor the schema, nor the store, nor the launcher', () => {
    const loaded = atOnce();
    expect(loaded).toContain('src/extension/panels.ts');
    expect(loaded.filter((file) => file.includes('node_modules/'))).toEqual([]);
    expect(loaded.filter((file) => /^src\/(?!extension\/|errors\.ts|byteSize\.ts|markup\.ts|store\/state\.ts)/.test(file))).toEqual([]);
  });

  test('TensorFlow is nowhere in the bundle', () => {
    expect(Object.keys(metafile.inputs).filter((file) => /tensorflow|src\/(engine|run|detectors|distillers|data)\//.test(file))).toEqual([]);
  });

  test('happens for experiments and panels only', () => {
    expect(manifest.activationEvents).toEqual(['workspaceContains:**/*.distill.{yaml,yml}', 'workspaceContains:shapes-fgd.distill.yaml', 'onWebviewPanel:distillLab.run', 'onWebviewPanel:distillLab.compare']);
  });
});

describe('the manifest', () => {
  const { contributes } = manifest;

  test('every command that it names is registered, and in the palette under one category', () => {
    const registered = /COMMAND_NAMES[^[]*\[([^\]]*)\]/.exec(read('src/extension/commands/index.ts'))?.[1]?.split(/\W+/) ?? [];
    const named = contributes.commands.map(({ command }) => command.replace('distillLab.', ''));
    expect(named.filter((name) => !registered.includes(name))).toEqual([]);
    const inMenus = Object.values(contributes.menus).flat().map(({ command }) => command.replace('distillLab.', ''));
    expect(inMenus.filter((name) => !named.includes(name))).toEqual([]);
  });

  test('every setting that the code reads exists, and none is unread', () => {
    const inCode = new Set(sources.join('\n').match(/(?<=get<\w+>\('|isOn\(')[\w.]+/g));
    const named = new Set(Object.keys(contributes.configuration.properties).map((name) => name.replace('distillLab.', '')));
    expect([...inCode].sort()).toEqual([...named].sort());
  });

  test('what a workspace could abuse is restricted until it is trusted', () => {
    expect(manifest.capabilities.untrustedWorkspaces.supported).toBe('limited');
    expect(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations).toEqual(expect.arrayContaining(['distillLab.nodePath', 'distillLab.runsFolder']));
    expect(contributes.configuration.properties['distillLab.nodePath']?.scope).toBe('machine-overridable');
  });

  test('the language claims no YAML file but experiments', () => {
    expect(contributes.languages.map(({ extensions }) => extensions)).toEqual([['.distill.yaml', '.distill.yml']]);
  });

  test('no YAML file of anybody else is checked, completed or coloured by it', () => {
    expect(Object.keys(contributes)).not.toContain('yamlValidation');
    expect(Object.keys(contributes)).not.toContain('jsonValidation');
    expect(contributes.languages.flatMap(({ id }) => id)).toEqual(['distill-yaml']);
    expect(contributes.grammars.map(({ language }) => language)).toEqual(['distill-yaml']);
    // Only our language and our own pages have defaults of ours.
    const { 'workbench.editorAssociations': associations = {}, ...defaults } = contributes.configurationDefaults;
    expect(Object.keys(defaults)).toEqual(['[distill-yaml]']);
    expect(Object.keys(associations).filter((pattern) => !pattern.startsWith('distill-lab-errors:/'))).toEqual([]);
  });

  test('every file that it names is there', () => {
    const files = [manifest.icon, ...contributes.languages.map(({ configuration }) => configuration), ...contributes.grammars.map((grammar) => grammar.path)];
    expect(files.filter((file) => !existsSync(path.join(project, file)))).toEqual([]);
  });
});

describe('words', () => {
  test('every %key% of the manifest has its text, and no text is left over', () => {
    const texts = JSON.parse(read('package.nls.json')) as Readonly<Record<string, string>>;
    const used = new Set([...read('package.json').matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key));
    expect([...used].sort()).toEqual(Object.keys(texts).sort());
  });

  test('every text that people see, of the extension and its pages, can be translated: the bundle holds them all', () => {
    const { status, stderr } = spawnSync(process.execPath, [path.join(project, 'scripts/l10n.mjs'), '--check'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});
