/** A sweep in the real workbench: agreed to, started, paused, resumed, grouped, compared, its best written down, deleted. */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Frame, type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FILES } from '../../src/experiment/record.ts';
import { writeFakeRun } from '../support/fakeRun.ts';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { tools, whenPossible } from './support/story.ts';

const FILE = 'tiny.distill.yaml';
/** Runs long enough to be seen going and to be paused in the middle, on a slow and busy machine too. */
const EXPERIMENT = `# Which rate learns faster on drawn shapes.
name: tiny
data: { format: scenes, train: 16, val: 4, size: [64, 64] }
student: { detector: retinanet, backbone: tiny }
train: { steps: 1500, batch: 2, warmup: 0, learningRate: 0.001 } # kept
evaluate: { every: 500 }
checkpoint: { every: 100 }
pictures: { images: 0 }
seeds: [0]
sweep:
  train.learningRate: [0.001, 0.002]
`;

describe.skipIf(!whenPossible())('a sweep', () => {
  let workbench: Workbench;
  let driver: Driver;
  let beat: NodeJS.Timeout | undefined;

  const view = (): Locator => driver.page.locator('[id="workbench.view.extension.distillLab"]');
  const row = (label: string): Locator => view().locator(`.monaco-list-row[aria-label*="${label}"]`);
  const labels = async (): Promise<string> => (await Promise.all((await view().locator('.monaco-list-row').all()).map(async (one) => await one.getAttribute('aria-label', { timeout: 2000 }).catch(() => null) ?? ''))).join('\n');
  /** One of those that stand beside each other. */
  const lens = (text: string | RegExp): Locator => driver.page.locator('.codelens-decoration a').filter({ hasText: text }).first();
  /** A lens that is drawn anew takes no click: it is pressed again until it has done its work. */
  const press = (title: string, done: () => Promise<boolean>): Promise<boolean> => driver.until(`${title} does its work`, async () => {
    if (await done()) return true;
    await lens(title).click({ timeout: 3000 }).catch(() => undefined);
    for (let look = 0; look < 50 && !await done(); look += 1) await driver.page.waitForTimeout(200);
    return done();
  }, 300_000);
  const runsRoot = (): string => path.join(workbench.workspace, 'runs');

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: { [FILE]: EXPERIMENT } });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    clearInterval(beat);
    await driver.close();
    await workbench.close();
  });

  test('is started once the user has seen how many runs there are, and shown in the order of its queue', async () => {
    await driver.openFile(FILE);
    // Before anything goes: the icon bears a badge then.
    await driver.page.locator('.activitybar .action-item a[aria-label^="Distill Lab"]').click();
    const dialog = driver.page.locator('.monaco-dialog-box');
    await press('▷ Run Sweep', () => dialog.getByText('Start 2 runs of tiny?').isVisible());
    expect(await dialog.innerText()).toMatch(/Time: unknown\s+Disk: unknown\s+Runs at once: 1 on this machine/);
    await driver.shot('70-sweep-question');
    expect(existsSync(runsRoot())).toBe(false);
    await driver.dialogButton('Start').click();
    await lens('0 of 2 done').waitFor({ timeout: 120_000 });
    await driver.until('a run goes and another waits', async () => /tiny, learningRate 0\.001.*running/.test(await labels()) && (await labels()).includes('waiting · next'), 240_000);
    expect(await labels()).toMatch(/Sweep, .*0 of 2 done/);
    await driver.shot('71-sweep-running');
  }, 600_000);

  test('is paused and resumed from above the first line, and comes to its end', async () => {
    await press('Pause', () => lens(' done · paus').isVisible());
    await lens('▷ Resume').waitFor({ timeout: 240_000 });
    await lens(/[01] of 2 done · paused/).waitFor();
    await press('▷ Resume', async () => !await lens('▷ Resume').isVisible());
    await lens('2 of 2 done').waitFor({ timeout: 400_000 });
    expect((await readdir(runsRoot())).filter((name) => name.includes('tiny'))).toHaveLength(2);
    await driver.until('both are told as finished', async () => /Sweep, .*2 of 2 done · best AP/.test(await labels()));
  }, 900_000);

  test('is compared on its keys, and the best is written beside the file, comments kept', async () => {
    await press('Compare', async () => (await driver.panelFrames()).length > 0);
    const frame: Frame = await driver.until('the comparison shows both combinations', async () => {
      for (const one of await driver.panelFrames()) if (await one.locator('.parallel path.line').count() === 2) return one;
      return undefined;
    }, 120_000);
    expect(await frame.locator('h1').innerText()).toBe('Sweep of tiny: 2 runs');
    await driver.shot('72-sweep-compared-dark');
    await frame.getByRole('button', { name: 'Write Best as Experiment' }).click();
    const best = path.join(workbench.workspace, 'tiny-best.distill.yaml');
    await driver.until('the file is there', () => Promise.resolve(existsSync(best)));
    await driver.until('it is whole', async () => (await readFile(best, 'utf8')).includes('pictures:'));
    const text = await readFile(best, 'utf8');
    expect(text).toMatch(/^# Which rate[\s\S]*learningRate: 0\.00[12].*# kept/);
    expect(text).not.toMatch(/seeds|sweep/);
    await driver.tab('tiny-best').waitFor();
  });

  test('a run on another machine goes as long as its heart beats', async () => {
    const folder = path.join(runsRoot(), '2026-01-01-elsewhere-aaaaa');
    await writeFakeRun(folder, { name: 'elsewhere', totalSteps: 60, reached: 20, images: 0, arms: ['student'], begin: Date.now() - 60_000 });
    const sign = (): Promise<void> => writeFile(path.join(folder, FILES.heartbeat), JSON.stringify({ pid: 1, host: 'node-17', time: Date.now(), processStart: 'unknown here' }));
    await sign();
    beat = setInterval(() => { void sign(); }, 1000);
    await driver.until('it is running', async () => /elsewhere.*running/.test(await labels()), 120_000);
    await driver.theme('Light Modern');
    await driver.shot('73-sweep-runs-light');
  });

  test('is deleted whole', async () => {
    const menu = (title: string): Locator => driver.page.locator('.monaco-menu .action-item').filter({ hasText: title });
    await driver.until('Delete is chosen', async () => {
      if (!await menu('Delete Sweep').isVisible()) await row('Sweep, ').first().click({ button: 'right' });
      await menu('Delete Sweep').hover();
      await menu('Delete Sweep').click();
      return menu('Delete Sweep').waitFor({ state: 'hidden', timeout: 3000 }).then(() => true, () => false);
    });
    await driver.until('its folders are gone', async () => !(await readdir(runsRoot())).some((name) => name.includes('tiny')) && (await readdir(path.join(runsRoot(), 'sweeps'))).length === 0);
    await driver.notifications().getByText(/Deleted the sweep tiny with 2 runs/).waitFor();
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
