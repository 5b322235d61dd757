import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Manifest, addonFile, engineFolder, engineName, installedEngines, manifestFormat, napiVersion, readEngine } from '../../../src/engine/native/folder.ts';
import { locateEngines } from '../../../src/engine/native/locate.ts';
import { addonSources, packageFolder } from '../../../src/engine/native/places.ts';
import { engineEnvironment } from '../../../src/launch/environment.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'distill-lab-engine-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  const path = join(root, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function makeEngine(tensorflow: string, flavour: 'cpu' | 'cuda', change: Partial<Record<keyof Manifest, unknown>> = {}): string {
  const name = engineName(tensorflow, flavour);
  const manifest = { format: manifestFormat, tensorflow, flavour, napi: napiVersion, platform: process.platform, arch: process.arch, files: { [addonFile]: 1 }, wheels: [], createdAt: '2025-01-01T00:00:00Z', ...change };
  write(join(name, 'manifest.json'), JSON.stringify(manifest));
  write(join(name, addonFile), 'x');
  return join(root, name);
}

describe('the engine folder', () => {
  it.each([
    ['linux', { DISTILL_LAB_ENGINE: '/data/engines' }, '/data/engines'],
    ['linux', { DISTILL_LAB_ENGINE: '', XDG_DATA_HOME: '/xdg' }, '/xdg/distill-lab/engine'],
    ['linux', { XDG_DATA_HOME: 'relative' }, '/home/ann/.local/share/distill-lab/engine'],
    ['linux', {}, '/home/ann/.local/share/distill-lab/engine'],
    ['darwin', { XDG_DATA_HOME: '/xdg' }, '/home/ann/Library/Application Support/distill-lab/engine'],
  ])('on %s with %j is %s', (platform, env, expected) => {
    expect(engineFolder({ platform, env, home: '/home/ann' })).toBe(expected);
  });

  it('on Windows is in the local application data', () => {
    expect(engineFolder({ platform: 'win32', env: { LOCALAPPDATA: 'C:\\Users\\ann\\AppData\\Local' }, home: 'C:\\Users\\ann' })).toBe('C:\\Users\\ann\\AppData\\Local\\distill-lab\\engine');
    expect(engineFolder({ platform: 'win32', env: {}, home: 'C:\\Users\\ann' })).toBe('C:\\Users\\ann\\AppData\\Local\\distill-lab\\engine');
  });
});

describe('installed engines', () => {
  it('are none in an empty or absent folder', () => {
    expect(installedEngines(root)).toEqual([]);
    expect(installedEngines(join(root, 'absent'))).toEqual([]);
  });

  it('come newest first, by number and not by letter', () => {
    for (const version of ['2.9.1', '2.21.0', '2.16.2']) makeEngine(version, 'cpu');
    expect(installedEngines(root).map(({ manifest }) => manifest.tensorflow)).toEqual(['2.21.0', '2.16.2', '2.9.1']);
  });

  it('are passed over while they are being built', () => {
    write('.building-abc/manifest.json', '{}');
    write('.old-abc/manifest.json', '{}');
    expect(installedEngines(root)).toEqual([]);
  });

  it.each([
    ['of another format', { format: 2 }],
    ['for another platform', { platform: 'plan9' }],
    ['for another processor', { arch: 'sparc' }],
    ['for a newer Node', { napi: 99 }],
    ['of an unknown flavour', { flavour: 'tpu' }],
    ['that lists no addon', { files: {} }],
    ['that lists a file which is gone', { files: { [addonFile]: 1, 'tensorflow/libtensorflow_cc.so.2': 5 } }],
    ['without a version', { tensorflow: null }],
  ])('%s do not count', (_, change) => {
    const folder = makeEngine('2.21.0', 'cpu', change);
    expect(readEngine(folder)).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '"engine"'])('with the manifest %j do not count', (text) => {
    write('broken/manifest.json', text);
    expect(readEngine(join(root, 'broken'))).toBeUndefined();
  });

  it('are ranked by whether there is an NVIDIA driver', () => {
    makeEngine('2.21.0', 'cpu');
    makeEngine('2.21.0', 'cuda');
    const flavours = (cuda: boolean): unknown[] => locateEngines(cuda, root).filter(({ source }) => source === 'engine folder').map(({ flavour }) => flavour);
    expect(flavours(true)).toEqual(['cuda', 'cpu']);
    expect(flavours(false)).toEqual(['cpu', 'cuda']);
  });
});

describe('what comes with the program', () => {
  it('is found from the sources: the bridge’s code and Node’s headers', () => {
    const sources = addonSources();
    expect(sources?.package).toBe(packageFolder('@tensorflow/tfjs-node-gpu'));
    expect(sources?.headers).toMatch(/node-api-headers.include$/);
  });

  it('is looked for upwards', () => {
    write('node_modules/thing/package.json', '{}');
    mkdirSync(join(root, 'a', 'b'), { recursive: true });
    expect(packageFolder('thing', join(root, 'a', 'b'))).toBe(join(root, 'node_modules', 'thing'));
    expect(packageFolder('no-such-thing-anywhere', root)).toBeUndefined();
  });
});

describe('the environment of a training process', () => {
  it('keeps memory on Linux and quiets TensorFlow everywhere', () => {
    expect(engineEnvironment({ platform: 'darwin', cores: 8, env: {} })).toEqual({ TF_CPP_MIN_LOG_LEVEL: '2' });
    expect(engineEnvironment({ platform: 'linux', cores: 8, env: {} })).toEqual({
      TF_CPP_MIN_LOG_LEVEL: '2',
      MALLOC_ARENA_MAX: '8',
      MALLOC_MMAP_THRESHOLD_: '1073741824',
      MALLOC_TRIM_THRESHOLD_: '8589934592',
    });
  });

  it('runs each op on one thread where cores are few', () => {
    expect(engineEnvironment({ platform: 'darwin', cores: 2, env: {} })).toMatchObject({ TF_NUM_INTRAOP_THREADS: '1' });
  });

  it('leaves alone what the user has set', () => {
    const names = Object.keys(engineEnvironment({ platform: 'linux', cores: 8, env: { TF_CPP_MIN_LOG_LEVEL: '0', MALLOC_ARENA_MAX: '4' } }));
    expect(names).toEqual(['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_']);
  });
});

describe('readEngine', () => {
  it('tells where the addon is', () => {
    const folder = makeEngine('2.21.0', 'cpu');
    expect(readEngine(folder)).toMatchObject({ folder, addon: join(folder, addonFile), manifest: { tensorflow: '2.21.0', flavour: 'cpu' } });
  });
});
