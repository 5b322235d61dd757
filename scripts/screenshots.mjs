/**
 * The pictures of README and docs, taken of the real VS Code: `node scripts/screenshots.mjs [--workspace FOLDER] [NAME…]`.
 *
 * Makes the sample workspace, runs it twice with one key changed, and photographs each view (media/readme/*.png). With
 * `--workspace` a sample that was run already is taken; with names only those pictures. Needs a build, code-server
 * (scripts/code-server.sh) and Chromium; some minutes on two cores. What a person should see in each picture is said in docs/vscode.md.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';

const root = dirname(import.meta.dirname);
const pictures = join(root, 'media', 'readme');

/** The hands and eyes of the end-to-end tests, which are TypeScript. */
async function bundled(contents) {
  const outfile = join(root, 'test-results', '.screenshots', `${Math.random().toString(36).slice(2)}.mjs`);
  await build({
    stdin: { contents, resolveDir: root, loader: 'ts' }, bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', outfile,
    define: { 'import.meta.dirname': JSON.stringify(join(root, 'test', 'e2e', 'support')) },
  });
  return import(pathToFileURL(outfile).href);
}

const { findTools, startWorkbench, Driver, SAMPLE_FILES, SAMPLE_TEACHER, SAMPLE_EXPERIMENT } = await bundled(`
export { findTools, startWorkbench } from './test/e2e/support/codeServer.ts';
export { Driver } from './test/e2e/support/driver.ts';
export { SAMPLE_FILES, SAMPLE_TEACHER, SAMPLE_EXPERIMENT } from './src/firstSteps/sample.ts';`);

async function makeSample() {
  const folder = join(await mkdtemp(join(tmpdir(), 'distill-lab-pictures-')), 'distill-lab-sample');
  await mkdir(dirname(join(folder, SAMPLE_TEACHER)), { recursive: true });
  await copyFile(join(root, 'examples', SAMPLE_TEACHER), join(folder, SAMPLE_TEACHER));
  for (const { path, text } of SAMPLE_FILES) await writeFile(join(folder, path), text);
  const run = () => {
    const { status } = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), 'run', SAMPLE_EXPERIMENT], { cwd: folder, stdio: 'inherit' });
    if (status !== 0) throw new Error('The sample did not run.');
  };
  run();
  const file = join(folder, SAMPLE_EXPERIMENT);
  await writeFile(file, (await readFile(file, 'utf8')).replace('temperature: 1.0', 'temperature: 0.5'));
  run();
  return folder;
}

/** Small enough for a README: a palette is all that an editor's window needs. */
async function save(name, picture) {
  mkdirSync(pictures, { recursive: true });
  await sharp(picture).png({ palette: true, colours: 96, dither: 0.4, compressionLevel: 9, effort: 10 }).toFile(join(pictures, `${name}.png`));
  console.log(`media/readme/${name}.png`);
}

const SCHEMES = ['dark', 'light'];

async function main(args) {
  const tools = findTools();
  if ('missing' in tools) throw new Error(tools.missing);
  const given = args.indexOf('--workspace');
  const workspace = given < 0 ? await makeSample() : resolve(args[given + 1]);
  const wanted = args.filter((_, index) => given < 0 || (index !== given && index !== given + 1));
  const workbench = await startWorkbench({ tools, workspace, files: {}, settings: { 'window.autoDetectColorScheme': true, 'editor.minimap.enabled': false, 'workbench.layoutControl.enabled': false } });
  const driver = await Driver.launch(tools);
  const { page } = driver;
  const shoot = async (name, schemes = ['dark']) => {
    for (const scheme of schemes) {
      await driver.scheme(scheme);
      // Clear of everything that has a tooltip; colours and charts follow within a moment.
      await page.mouse.move(300, 620);
      await page.waitForTimeout(900);
      await save(schemes.length === 1 ? name : `${name}-${scheme}`, await page.screenshot());
    }
    await driver.scheme('dark');
  };
  const chapters = {
    walkthrough: async () => {
      await driver.command('Distill Lab: Open Walkthrough');
      await page.locator('.getting-started-step').filter({ hasText: 'Watch it learn' }).click();
      await shoot('walkthrough');
      await page.keyboard.press('Control+F4');
    },
    panel: async () => {
      await driver.openFile(SAMPLE_EXPERIMENT);
      await page.keyboard.press('Control+b');
      await driver.command('Distill Lab: Open Run Panel');
      const frame = await driver.panelFrame(60_000);
      await frame.locator('figure.chart canvas').first().waitFor({ timeout: 60_000 });
      await shoot('panel', SCHEMES);
      await frame.locator('section.masks').scrollIntoViewIfNeeded();
      await frame.locator('figure.pane canvas').first().waitFor({ timeout: 60_000 });
      await frame.locator('section.masks').evaluate((section) => { section.scrollIntoView(); });
      await shoot('masks');
      await page.keyboard.press('Control+b');
    },
    runs: async () => {
      await page.locator('.activitybar .action-item a[aria-label^="Distill Lab"]').click();
      await page.locator('.pane-body .monaco-list-row').nth(1).waitFor({ timeout: 60_000 });
      await shoot('runs');
    },
    compare: async () => {
      await driver.command('Distill Lab: Compare Runs');
      const rows = page.locator('.quick-input-widget .monaco-list-row');
      await rows.nth(1).waitFor();
      await page.locator('.quick-input-check-all, .quick-input-header .monaco-checkbox').first().click();
      await page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
      const frame = await driver.until('the comparison is drawn', async () => {
        for (const candidate of await driver.panelFrames()) if (await candidate.locator('main.compare figure.chart canvas').count() > 0) return candidate;
        return undefined;
      });
      await frame.locator('section.results').scrollIntoViewIfNeeded();
      await shoot('compare', SCHEMES);
    },
    doctor: async () => {
      await driver.command('Distill Lab: Doctor');
      await page.locator('.quick-input-widget .monaco-list-row').filter({ hasText: 'Computes on' }).waitFor({ timeout: 120_000 });
      // What stands below is where things lie on this machine.
      await save('doctor', await page.screenshot({ clip: { x: 340, y: 0, width: 602, height: 222 } }));
      await page.keyboard.press('Escape');
    },
  };
  try {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 1280, height: 800 });
    await driver.open(workbench.url);
    for (const [name, take] of Object.entries(chapters)) if (wanted.length === 0 || wanted.includes(name)) await take();
    if (driver.violations.length > 0) throw new Error(driver.violations.join('\n'));
  } finally {
    await driver.close();
    await workbench.close();
    if (given < 0) rmSync(dirname(workspace), { recursive: true, force: true });
    rmSync(join(root, 'test-results', '.screenshots'), { recursive: true, force: true });
  }
}

if (!existsSync(join(root, 'dist', 'cli.js'))) throw new Error('dist is missing: npm run build');
await main(process.argv.slice(2));
