/**
 * The first hour of someone new, in the real workbench: the walkthrough, the sample, a run, curves and masks, stop and resume,
 * another run with one key changed. Numbered screenshots in light and dark are left in test-results/vscode (story-…).
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Frame, type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { inChapters, isDrawn, panelText, stepShown, tools, whenPossible } from './support/story.ts';

const EXPERIMENT = 'shapes-fgd.distill.yaml';

/** The sample as it is, but for its length: what takes a minute or two takes seconds. */
const SHORTER: readonly (readonly [RegExp, string])[] = [
  [/train: 800/, 'train: 16'], [/val: 60/, 'val: 4'], [/size: \[96, 96\]/, 'size: [64, 64]'], [/steps: 400/, 'steps: 60'], [/warmup: 40/, 'warmup: 5'],
  [/every: 100/, 'every: 20'], [/every: 40/, 'every: 10'], [/batch: 4/, 'batch: 2'],
];

describe.skipIf(!whenPossible())('the first hour', () => {
  let workbench: Workbench;
  let driver: Driver;
  let frame: Frame;
  let sample: string;
  let number = 0;

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: { 'notes.txt': 'notes' }, settings: { 'window.autoDetectColorScheme': true } });
    driver = await Driver.launch(tools());
    await driver.page.emulateMedia({ colorScheme: 'dark' });
    await driver.open(workbench.url);
    sample = path.join(workbench.workspace, 'distill-lab-sample');
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  inChapters();

  /** The present view in both kinds of theme. */
  const pictures = async (name: string): Promise<void> => {
    number += 1;
    const title = `story-${String(number).padStart(2, '0')}-${name}`;
    for (const kind of ['light', 'dark'] as const) {
      await driver.scheme(kind);
      await driver.shot(`${title}-${kind}`);
    }
  };

  const step = (title: string, expanded = ''): Locator => driver.page.locator(`.getting-started-step${expanded}`).filter({ hasText: title });

  test('the walkthrough opens, with its pictures', async () => {
    await driver.command('Distill Lab: Open Walkthrough');
    await step('Make the sample').waitFor();
    expect(await driver.page.locator('.getting-started-step .step-title').count()).toBe(6);
    await pictures('walkthrough');
    await step('Watch it learn').click();
    await step('Watch it learn', '.expanded').waitFor();
    await pictures('walkthrough-watch');
  });

  test('Open Sample asks for a place, makes the folder and opens it at its experiment', async () => {
    await step('Make the sample').click();
    await step('Make the sample', '.expanded').getByText('Open Sample').click();
    const input = driver.page.locator('.quick-input-widget input');
    await driver.until('the dialog stands', async () => (await driver.page.locator('.quick-input-widget').innerText()).includes('Make Sample Here'));
    await input.fill(`${workbench.workspace}/`);
    await driver.shot('story-place');
    const question = driver.notifications().filter({ hasText: 'The sample is made' });
    await driver.until('the sample is made', async () => {
      // While the dialog still looks at the folder its button does nothing.
      await driver.page.locator('.quick-input-widget').getByText('Make Sample Here').click({ timeout: 1000 }).catch(() => undefined);
      return question.isVisible();
    });
    await driver.shot('story-made');
    const file = path.join(sample, EXPERIMENT);
    const text = SHORTER.reduce((shorter, [long, short]) => shorter.replace(long, short), await readFile(file, 'utf8'));
    await writeFile(file, text);
    await question.getByText('Open', { exact: true }).click();
    await driver.until('the sample is open at its experiment', () => driver.tab(EXPERIMENT).isVisible(), 60_000);
    await driver.codeLens('Run Distillation').waitFor({ timeout: 60_000 });
    expect((await readdir(sample)).sort()).toEqual(['.gitignore', 'README.md', EXPERIMENT, 'teachers']);
    await pictures('sample');
  });

  test('Run Distillation: the curve moves and a mask appears', async () => {
    await driver.command('Distill Lab: Run Distillation');
    frame = await driver.panelFrame(60_000);
    const first = await driver.until('a step is shown', () => stepShown(frame), 120_000);
    await driver.until('a later step is shown', async () => ((await stepShown(frame)) ?? 0) > first);
    await pictures('curves');
    await driver.until('a mask is drawn', async () => {
      await frame.locator('section.masks').scrollIntoViewIfNeeded();
      return isDrawn(frame, 'figure.pane canvas');
    }, 120_000);
    await pictures('masks');
  });

  test('Stop saves, Resume goes on to the end', async () => {
    if (!(await panelText(frame)).includes('finished')) {
      await driver.command('Distill Lab: Stop');
      await driver.until('it has ended', async () => /stopped|finished/.test(await panelText(frame)), 120_000);
      await pictures('stopped');
    }
    if (!(await panelText(frame)).includes('finished')) {
      await driver.command('Distill Lab: Resume');
      await driver.until('it has finished', async () => (await panelText(frame)).includes('finished'), 240_000);
    }
    await pictures('finished');
  });

  test('one key changed in the editor, and another run', async () => {
    await driver.tab(EXPERIMENT).click();
    const lines = (await readFile(path.join(sample, EXPERIMENT), 'utf8')).split('\n');
    await driver.replaceLine(lines.findIndex((line) => line.includes('seed: 0')) + 1, 'seed: 1');
    await driver.command('Distill Lab: Run Distillation');
    await driver.until('there are two runs', async () => (await readdir(path.join(sample, 'runs'))).filter((name) => !name.startsWith('.')).length === 2, 60_000);
    await driver.until('the new one has finished', async () => {
      for (const candidate of await driver.panelFrames()) if ((await panelText(candidate)).includes('finished')) return (await stepShown(candidate)) === 60;
      return false;
    }, 240_000);
    expect(await readFile(path.join(sample, EXPERIMENT), 'utf8')).toContain('seed: 1');
    await pictures('second-run');
  });

  test('the Runs view shows both', async () => {
    await driver.page.locator('.activitybar .action-item a[aria-label^="Distill Lab"]').click();
    const rows = driver.page.locator('.pane-body .monaco-list-row[aria-label^="shapes-fgd, "][aria-label*="finished"]');
    await driver.until('both runs are there', async () => (await rows.count()) >= 2, 60_000);
    await pictures('runs');
  });

  test('Compare Runs lays both on one another', async () => {
    await driver.command('Distill Lab: Compare Runs');
    await driver.page.locator('.quick-input-list .monaco-list-row').nth(1).waitFor({ timeout: 60_000 });
    await driver.page.locator('.quick-input-check-all, .quick-input-header .monaco-checkbox').first().click();
    await driver.shot('story-choose');
    await driver.page.locator('.quick-input-widget').getByRole('button', { name: 'OK' }).click();
    const comparison = await driver.until('the comparison is drawn', async () => {
      for (const candidate of await driver.panelFrames()) if (await candidate.locator('main.compare').count() > 0 && await isDrawn(candidate, 'figure.chart canvas')) return candidate;
      return undefined;
    }, 120_000);
    expect(await comparison.locator('section.results').innerText()).toContain('seed');
    await pictures('compare');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
