/**
 * The package as a user gets it: what lies in it, installed without a network into a workbench that knows nothing, on a machine
 * without an engine. With DISTILL_LAB_SETUP=1, and in the full run (a package index and a compiler are needed), native TensorFlow is set up from there.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { openPromise } from 'yauzl';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT, startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { panelText, tools, whenPossible } from './support/story.ts';

let folder: string;
let vsix: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'distill-lab-vsix-'));
  vsix = path.join(folder, 'distill-lab.vsix');
  await promisify(execFile)(process.execPath, [path.join(PROJECT, 'scripts/package.mjs'), '--out', vsix], { cwd: PROJECT, maxBuffer: 2 ** 26 });
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));

async function entries(): Promise<string[]> {
  const names: string[] = [];
  const zip = await openPromise(vsix);
  for await (const { fileName } of zip.eachEntry()) if (fileName.startsWith('extension/')) names.push(fileName.slice('extension/'.length));
  return names.sort();
}

describe('what lies in the package', () => {
  test('is less than 15 MB', async () => {
    expect((await stat(vsix)).size).toBeLessThan(15_000_000);
  });

  test('is bundles, pictures, pages, the sample’s teacher, and sharp for one platform', async () => {
    const allowed = [
      /^(package|package\.nls(\.[\w-]+)?)\.json$/, /^(readme|changelog)\.md$/i, /^LICENSE(\.txt)?$/,
      /^l10n\/bundle\.l10n(\.[\w-]+)?\.json$/, /^media\/.*\.(svg|png|json)$/, /^docs\/[\w/-]+\.(md|svg)$/, /^examples\/[\w-]+\.distill\.yaml$/, /^examples\/teachers\/scenes-[\w-]+\.safetensors$/,
      /^dist\/(extension\/)?[\w-]+\.(js|css)$/, /^dist\/THIRD_PARTY_NOTICES\.txt$/, /^dist\/wasm\/[\w-]+\.wasm$/, /^dist\/native\/(quiet\.c|binding\/[\w.-]+|kernels\/[\w.-]+\.(cc|h)|node-api\/[\w.-]+)$/,
      /^node_modules\/(sharp|detect-libc|semver)\//, /^node_modules\/@img\/(colour|sharp-[\w-]+)\//,
    ];
    const names = await entries();
    expect(names.filter((name) => !allowed.some((pattern) => pattern.test(name)))).toEqual([]);
    expect(names.filter((name) => /\.(map|ts|tsx|jpe?g|jsonl|log)$/.test(name) && !/^node_modules\/.*\.d\.ts$/.test(name))).toEqual([]);
    expect(names.filter((name) => /(^|\/)(tests?|src|runs|coverage|\.[^/]+)\//.test(name) && !name.startsWith('node_modules/'))).toEqual([]);
    expect(new Set(names.map((name) => /^node_modules\/@img\/sharp-(?!libvips)([\w-]+)\//.exec(name)?.[1]).filter((name) => name !== undefined)).size).toBe(1);
  });

  test('has every bundle that the build makes, and every file that the manifest names', async () => {
    const names = await entries();
    const built = (await readdir(path.join(PROJECT, 'dist'), { recursive: true })).filter((name) => /^(extension\/)?[\w-]+\.(js|css)$/.test(name) && name !== 'bench.js');
    expect(built.filter((name) => name.startsWith('extension/')).length).toBeGreaterThan(10);
    const manifest = await readFile(path.join(PROJECT, 'package.json'), 'utf8');
    const named = [...manifest.matchAll(/"(?:\.\/)?((?:media|dist)\/[\w./-]+\.\w+)"/g)].map(([, file]) => file ?? '');
    expect([...built.map((name) => `dist/${name}`), ...named].filter((name) => !names.includes(name))).toEqual([]);
  });

  test('names whose code is in the bundles, with the words of their licences', async () => {
    expect(await entries()).toContain('dist/THIRD_PARTY_NOTICES.txt');
    const notices = await readFile(path.join(PROJECT, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
    for (const name of ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm', '@kubernetes/client-node', 'chart.js', 'yaml', 'zod']) expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    for (const words of ['Apache License', 'Permission is hereby granted', 'Redistributions of source code']) expect(notices).toContain(words);
  });
});

/** The sample, small enough for an engine in plain JavaScript. */
const SMALLEST: readonly (readonly [RegExp, string])[] = [
  [/train: 800/, 'train: 4'], [/val: 60/, 'val: 1'], [/size: \[96, 96\]/, 'size: [32, 32]'], [/steps: 400/, 'steps: 2'], [/warmup: 40/, 'warmup: 0'],
  [/batch: 4/, 'batch: 1'], [/every: 100/, 'every: 2'], [/every: 40/, 'every: 2'], [/images: 3/, 'images: 1'], [/control: true/, 'control: false'],
];

describe.skipIf(!whenPossible())('installed without a network, on a machine without an engine', () => {
  let workbench: Workbench;
  let driver: Driver;
  let engine: string;

  beforeAll(async () => {
    engine = path.join(folder, 'engine');
    await mkdir(engine);
    workbench = await startWorkbench({ tools: tools(), vsix, env: { DISTILL_LAB_ENGINE: engine }, files: { 'notes.txt': 'notes' } });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  test('an experiment from a template brings its teacher', async () => {
    await driver.command('Distill Lab: Create Experiment');
    await driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'scenes-fgd.distill.yaml' }).click();
    await driver.tab('scenes-fgd.distill.yaml').waitFor();
    expect((await stat(path.join(workbench.workspace, 'teachers/scenes-retinanet-small.safetensors'))).size).toBeGreaterThan(2e6);
  });

  test('it runs at once, on the engine that comes with it, and says so', async () => {
    const { SAMPLE_FILES } = await import('../../src/firstSteps/sample.ts');
    const text = SMALLEST.reduce((shorter, [long, short]) => shorter.replace(long, short), SAMPLE_FILES[0]?.text ?? '');
    await writeFile(path.join(workbench.workspace, 'shapes-fgd.distill.yaml'), text);
    await driver.openFile('shapes-fgd.distill.yaml');
    await driver.command('Distill Lab: Run Distillation');
    const frame = await driver.panelFrame(60_000);
    // Told while the run goes; like every toast it does not stay for ever.
    const notice = driver.notifications().filter({ hasText: 'This run is on plain JavaScript' });
    await notice.getByText('Set Up Engine', { exact: true }).waitFor({ timeout: 120_000 });
    await driver.shot('package-notice');
    await notice.getByText('Don\'t Show Again', { exact: true }).click();
    await notice.waitFor({ state: 'detached' });
    await driver.until('it has ended', async () => /finished|failed/.test(await panelText(frame)), 400_000);
    await driver.shot('package-fallback');
    expect(await panelText(frame)).toMatch(/finished[\s\S]*(JavaScript|WebGPU|cpu)/i);
  });

  test.runIf(['DISTILL_LAB_SETUP', 'DISTILL_LAB_FULL'].some((name) => process.env[name] === '1'))('Setup Engine can be cancelled and leaves nothing; then it sets up native TensorFlow, and the next run uses it', async () => {
    const progress = driver.notifications().filter({ hasText: 'Setting up the engine' });
    await driver.command('Distill Lab: Setup Engine');
    await progress.filter({ hasText: 'downloading TensorFlow' }).waitFor({ timeout: 120_000 });
    await driver.shot('package-setup');
    await progress.getByText('Cancel', { exact: true }).click();
    // The notification goes at once, the child cleans up first.
    await driver.until('nothing is left of it', async () => (await readdir(engine)).length === 0);

    await driver.command('Distill Lab: Setup Engine');
    await driver.notifications().filter({ hasText: 'The engine is set up' }).waitFor({ timeout: 400_000 });
    const engines = (await readdir(engine)).filter((name) => !name.startsWith('.'));
    expect(engines).toHaveLength(1);
    // Our own ops are built from the package's sources, under the name that the next run looks for.
    expect((await readdir(path.join(engine, engines[0] ?? ''))).filter((name) => /^kernels-[0-9a-f]+\.node$/.test(name))).toHaveLength(1);
    await driver.tab('shapes-fgd.distill.yaml').click();
    await driver.command('Distill Lab: Run Distillation');
    const frame = await driver.panelFrame(60_000);
    await driver.until('it has run on native TensorFlow', async () => /finished[\s\S]*TensorFlow/.test(await panelText(frame)), 200_000);
    await driver.shot('package-native');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
