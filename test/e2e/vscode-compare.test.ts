/** Two runs compared in the real workbench: by command, kept as files, again after a reload, and to be read by everybody. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Frame, type Locator } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFakeRun } from '../support/fakeRun.ts';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { distillation } from './support/experiments.ts';
import { tools, whenPossible } from './support/story.ts';
import { faintLines, seriousFindings } from './support/axe.ts';

/** Every file of a folder, by its path from there. */
async function filesOf(folder: string, under: string): Promise<Record<string, Uint8Array>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(await Promise.all(files.map(async (file) => [path.join(under, path.relative(folder, file)), await readFile(file)] as const)));
}

describe.skipIf(!whenPossible())('comparing runs', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    const home = await mkdtemp(path.join(tmpdir(), 'distill-lab-compare-'));
    try {
      const run = { totalSteps: 120, images: 2, end: 'finished' } as const;
      await writeFakeRun(path.join(home, 'first'), { ...run, name: 'first' });
      await writeFakeRun(path.join(home, 'second'), { ...run, name: 'second', evaluateEvery: 20 });
      const files = { 'a.distill.yaml': distillation('a', 20), ...await filesOf(path.join(home, 'first'), 'runs/first'), ...await filesOf(path.join(home, 'second'), 'runs/second') };
      workbench = await startWorkbench({ tools: tools(), files });
    } finally {
      await rm(home, { recursive: true, force: true });
    }
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const comparison = (): Promise<Frame> => driver.until('the comparison shows both runs', async () => {
    for (const frame of await driver.panelFrames()) if (await frame.locator('.compare .results tbody tr').count().catch(() => 0) === 2) return frame;
    return undefined;
  }, 120_000);
  const tableOf = async (frame: Frame): Promise<{ readonly head: readonly string[]; readonly names: readonly string[] }> => ({
    head: await frame.locator('.results thead th').allInnerTexts(), names: await frame.locator('.results tbody .name').allInnerTexts(),
  });

  test('Compare Runs shows the runs that are chosen, and the one key that differs', async () => {
    await driver.openFile('a.distill.yaml');
    await driver.codeLens('Run Distillation').waitFor({ timeout: 120_000 });
    await driver.command('Distill Lab: Compare Runs');
    const rows = driver.page.locator('.quick-input-list .monaco-list-row');
    await rows.nth(1).waitFor({ timeout: 60_000 });
    await driver.page.locator('.quick-input-check-all, .quick-input-header .monaco-checkbox').first().click();
    await driver.shot('60-choose');
    await driver.page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
    const frame = await comparison();
    const { head, names } = await tableOf(frame);
    expect(names.toSorted()).toEqual(['first', 'second']);
    expect(head.slice(-1)).toEqual(['evaluate.every']);
    await frame.locator('.chart .legend-item .value', { hasText: /\d/ }).first().waitFor();
    await frame.getByRole('button', { name: 'first: baseline' }).click();
    await frame.locator('.results .difference').first().waitFor();
    await driver.shot('61-compare-dark');
  });

  /** Presses a button of a page, takes the suggested name, and waits until the file does not grow any more. */
  async function kept(button: Locator, name: string, shot?: string): Promise<Buffer> {
    await button.click();
    const input = driver.page.locator('.quick-input-widget input[type="text"], .quick-input-widget .input').first();
    await driver.until(`the dialog suggests ${name}`, async () => (await input.inputValue().catch(() => '')).endsWith(name));
    if (shot !== undefined) await driver.shot(shot);
    await driver.page.keyboard.press('Enter');
    const file = path.join(workbench.workspace, name);
    let before = -1;
    await driver.until(`${name} is written`, async () => {
      const size = existsSync(file) ? (await stat(file)).size : 0;
      const isWhole = size > 0 && size === before;
      before = size;
      return isWhole;
    });
    return readFile(file);
  }

  test('charts, tables and reports are written where the user says: CSV, SVG, PNG, Markdown, HTML', async () => {
    const frame = await comparison();
    const button = (name: string | RegExp): Locator => frame.getByRole('button', { name, exact: true });
    const table = await kept(frame.locator('.results').getByRole('button', { name: 'CSV' }), 'results.csv', '62-save');
    const lines = table.toString('utf8').split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^run,state,AP \(%\),AP against baseline,.*,evaluate\.every$/);
    expect((await kept(button('Save AP50 as CSV'), 'AP50.csv')).toString('utf8')).toMatch(/^step,(first|second) \(%\),(first|second) \(%\)\r\n12,[\s\S]*\r\n120,[\d.]+,[\d.]+\r\n$/);

    const drawn = await kept(button('Save AP as SVG'), 'AP.svg');
    expect(await sharp(drawn).metadata()).toMatchObject({ format: 'svg', width: 640, height: 360 });
    expect(drawn.toString('utf8')).not.toMatch(/<script|href|\son\w+=/);
    expect(await sharp(await kept(button('Save AP as PNG'), 'AP.png')).metadata()).toMatchObject({ format: 'png', width: 1280, height: 720 });
    expect(await sharp(await kept(button('Save AP by class as PNG'), 'classes.png')).metadata()).toMatchObject({ format: 'png', width: 1280 });

    expect((await kept(button('Markdown'), 'comparison.md')).toString('utf8')).toMatch(/^# .*\n[\s\S]*\| run \| state \|/);
    const page = (await kept(button('HTML Report'), 'comparison.html')).toString('utf8');
    expect(page).toMatch(/^<!DOCTYPE html>[\s\S]*<svg [\s\S]*<\/html>\s*$/);
    // Nothing in it is fetched, and nothing runs.
    expect(page.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/<script|<link|<img|<iframe|\ssrc=|url\(|https?:/);
  });

  test('a chart of a run’s own panel is written, too', async () => {
    await (await comparison()).locator('.results').getByRole('button', { name: 'second', exact: true }).click();
    const frame = await driver.until('the panel of the run shows', async () => {
      for (const candidate of await driver.panelFrames()) if (await candidate.locator('header h1', { hasText: 'second' }).count() > 0 && await candidate.locator('.compare').count() === 0) return candidate;
      return undefined;
    });
    await frame.locator('.chart .legend-item .value', { hasText: /\d/ }).first().waitFor();
    expect(await sharp(await kept(frame.getByRole('button', { name: 'Save Total loss as PNG' }), 'second-Total-loss.png')).metadata()).toMatchObject({ format: 'png', width: 1280, height: 720 });
    await driver.until('the panel is ready for axe', async () => await frame.locator('.pane').count() > 1);
    expect(await seriousFindings(frame)).toEqual([]);
    await driver.page.keyboard.press('Control+F4');
  });

  test('after a reload the same comparison is there, once, in the light too', async () => {
    const gone = path.join(workbench.workspace, 'runs', 'third');
    await writeFakeRun(gone, { totalSteps: 120, images: 0, end: 'finished', name: 'third' });
    const openThird = async (): Promise<void> => {
      await driver.command('Distill Lab: Open Run Panel');
      await driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'third' }).click({ timeout: 5000 });
      await driver.tab('third').waitFor({ timeout: 20_000 });
    };
    // The run is offered once the editor has noticed its folder.
    await driver.until('the panel of a third run is open', () => openThird().then(() => true, () => false), 120_000);
    await driver.panelFrame();
    await driver.tab('Comparison').click();
    await rm(gone, { recursive: true });
    await driver.reload();
    // Each time anew: a page that did not come up is loaded again, in another frame.
    const frame = await driver.until('the comparison is there again', async () => {
      const found = await comparison();
      const [runs, values] = [found.locator('.results .baseline .name', { hasText: 'first' }), found.locator('.chart .legend-item .value', { hasText: /\d/ })];
      return await runs.count().catch(() => 0) > 0 && await values.count().catch(() => 0) > 0 && found;
    });
    expect(await driver.tab('Comparison').count()).toBe(1);
    await driver.theme('Light Modern');
    await frame.locator('body.vscode-light').waitFor();
    await driver.shot('63-compare-light');
  });

  test('a panel whose run is gone says so, and takes the next run', async () => {
    await driver.tab('third').click();
    const gone = await driver.until('it says that the run is gone', async () => {
      for (const frame of await driver.panelFrames()) if (await frame.getByText('This run is gone').count().catch(() => 0) === 1) return frame;
      return undefined;
    });
    expect(await gone.locator('main').innerText()).toContain('its folder third is not there any more');
    await driver.shot('64-run-gone');
    await driver.command('Distill Lab: Open Run Panel');
    await driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'second' }).click();
    await driver.tab('second').waitFor();
    await driver.tab('third').waitFor({ state: 'detached' });
  });

  test.each([['Light Modern', 'vscode-light'], ['Dark Modern', 'vscode-dark'], ['Dark High Contrast', 'vscode-high-contrast'], ['Light High Contrast', 'vscode-high-contrast-light']])('axe finds nothing serious in %s: the comparison, the list of runs', async (theme, kind) => {
    await driver.theme(theme);
    const frame = await comparison();
    await frame.locator(`body.${kind}`).waitFor();
    await driver.until('the masks are there', async () => await frame.locator('.pane').count() === 3);
    expect(await seriousFindings(frame)).toEqual([]);
    await driver.until('every line stands out', async () => (await faintLines(frame)).length === 0, 20_000);
    const rows = driver.page.locator('[id="workbench.view.extension.distillLab"] .monaco-list-row');
    // A second press would hide it again.
    if (await rows.count() === 0) await driver.page.locator('.activitybar .action-item a[aria-label^="Distill Lab"]').click();
    await rows.nth(1).waitFor();
    // The editor sets no space between a row's label and its description, so that no name holds the two as they stand there.
    expect(await seriousFindings(driver.page, '.sidebar .pane-body', ['label-content-name-mismatch'])).toEqual([]);
    await driver.shot(`64-access-${kind}`);
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
