/** Two runs compared in the real workbench: by command, with a file written, and again after a reload. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFakeRun } from '../support/fakeRun.ts';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { distillation } from './support/experiments.ts';
import { tools, whenPossible } from './support/story.ts';

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
    for (const frame of await driver.panelFrames()) if (await frame.locator('.compare .results tbody tr').count() === 2) return frame;
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

  test('the table is written as CSV where the user says', async () => {
    const frame = await comparison();
    await frame.locator('.results').getByRole('button', { name: 'CSV' }).click();
    const name = driver.page.locator('.quick-input-widget input[type="text"], .quick-input-widget .input').first();
    await driver.until('the dialog suggests a name', async () => (await name.inputValue().catch(() => '')).endsWith('results.csv'));
    await driver.shot('62-save');
    await driver.page.keyboard.press('Enter');
    const file = path.join(workbench.workspace, 'results.csv');
    await driver.until('the file is there', () => Promise.resolve(existsSync(file)));
    await driver.until('it is whole', async () => (await readFile(file, 'utf8')).split('\r\n').length === 4);
    expect((await readFile(file, 'utf8')).split('\r\n')[0]).toMatch(/^run,state,AP \(%\),AP against baseline,.*,evaluate\.every$/);
  });

  test('after a reload the same comparison is there, once, in the light too', async () => {
    await driver.reload();
    const frame = await comparison();
    await frame.locator('.results .baseline .name', { hasText: 'first' }).waitFor();
    await frame.locator('.chart .legend-item .value', { hasText: /\d/ }).first().waitFor();
    expect(await driver.tab('Comparison').count()).toBe(1);
    await driver.theme('Light Modern');
    await frame.locator('body.vscode-light').waitFor();
    await driver.shot('63-compare-light');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
