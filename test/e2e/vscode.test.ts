/**
 * The whole story in the real workbench: open an experiment, run it, watch curves and masks, stop, reload the
 * window, find the run again, resume, finish. Screenshots are left in test-results/vscode.
 */
import { type Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { distillation } from './support/experiments.ts';
import { inChapters, isDrawn, panelText, stepShown, tools, whenPossible, workspaceFiles } from './support/story.ts';

describe.skipIf(!whenPossible())('the story in VS Code', () => {
  let workbench: Workbench;
  let driver: Driver;
  let frame: Frame;

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: await workspaceFiles({ 'tiny-fgd.distill.yaml': distillation('tiny-fgd', 400), 'notes.txt': 'notes' }) });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  inChapters();

  test('an experiment opens with colours, an icon and Run above its first line', async () => {
    await driver.openFile('tiny-fgd.distill.yaml');
    await driver.codeLens('Run Distillation').waitFor();
    const words = await driver.page.locator('.view-line span[class^="mtk"]').all();
    const colours = new Set(await Promise.all(words.map((word) => word.getAttribute('class'))));
    expect(colours.size).toBeGreaterThan(2);
    await driver.shot('01-experiment');
  });

  test('Run Distillation opens the panel within a moment and leaves the focus in the editor', async () => {
    await driver.command('Distill Lab: Run Distillation');
    frame = await driver.panelFrame();
    expect(await driver.page.locator('.editor-instance :focus').count()).toBe(1);
    await driver.until('the panel names the run', async () => (await panelText(frame)).includes('tiny-fgd'));
    await driver.shot('02-started');
  });

  test('the curve moves', async () => {
    const first = await driver.until('a step is shown', () => stepShown(frame), 120_000);
    await driver.until('a later step is shown', async () => ((await stepShown(frame)) ?? 0) > first);
    expect(await frame.locator('figure.chart canvas').count()).toBeGreaterThan(3);
    await driver.until('the status bar tells how far it is', async () => /FGD \d+ %/.test(await driver.statusBar().innerText().catch(() => '')));
  });

  test('a mask appears', async () => {
    await driver.shot('03-curves-dark');
    await driver.until('a mask is drawn', async () => {
      await frame.locator('section.masks').scrollIntoViewIfNeeded();
      return isDrawn(frame, 'figure.pane canvas');
    }, 120_000);
    await driver.shot('03-masks-dark');
  });

  test('Stop saves and stops', async () => {
    await driver.command('Distill Lab: Stop');
    await driver.until('the panel says stopped', async () => (await panelText(frame)).includes('stopped'), 120_000);
    expect(await stepShown(frame)).toBeLessThan(400);
    await driver.shot('04-stopped');
  });

  test('after a reload there is one panel with the same run', async () => {
    const before = await stepShown(frame);
    await driver.reload();
    await driver.until('the run is found again', async () => {
      // Each time anew: a page that did not come up is loaded again, in another frame.
      frame = await driver.panelFrame(60_000);
      return (await stepShown(frame)) === before && (await panelText(frame)).includes('stopped');
    });
    await driver.page.waitForTimeout(2000);
    expect(await driver.panelFrames()).toHaveLength(1);
    await driver.shot('05-reloaded');
  });

  test.each([
    ['Light Modern', 'vscode-light', 'light'], ['Dark High Contrast', 'vscode-high-contrast', 'high-contrast'],
    ['Light High Contrast', 'vscode-high-contrast-light', 'high-contrast-light'], ['Dark Modern', 'vscode-dark', 'dark'],
  ])('it follows the theme %s', async (theme, mark, name) => {
    await driver.theme(theme);
    await frame.locator(`body.${mark}`).waitFor();
    await driver.page.waitForTimeout(500);
    await frame.locator('section.curves h2, section.curves .chart').first().scrollIntoViewIfNeeded();
    await driver.shot(`06-${name}`);
    await frame.locator('section.masks').scrollIntoViewIfNeeded();
    await driver.shot(`06-${name}-masks`);
  });

  test('it survives being hidden', async () => {
    const before = await stepShown(frame);
    // The panel's group gets another tab in front.
    await driver.page.locator('.tab.active').filter({ hasText: /^tiny-fgd$/ }).click();
    await driver.openFile('notes.txt');
    await driver.until('the panel is hidden', async () => (await driver.panelFrames()).length === 0);
    await driver.page.locator('.tab').filter({ hasText: /^tiny-fgd$/ }).click();
    frame = await driver.panelFrame();
    await driver.until('the panel is as it was', async () => (await stepShown(frame)) === before);
  });

  test('Resume goes on to the end, and the end is told once', async () => {
    await driver.command('Distill Lab: Resume');
    await driver.until('the panel says finished', async () => (await panelText(frame)).includes('finished'), 240_000);
    expect(await stepShown(frame)).toBe(400);
    await driver.until('a notification tells', async () => (await driver.notifications().allInnerTexts()).some((text) => text.includes('finished')));
    expect(await driver.notifications().count()).toBe(1);
    expect(await driver.panelFrames()).toHaveLength(1);
    await driver.shot('07-finished');
  });

  test('Train Further asks for the new length, says what that means, and goes on', async () => {
    await driver.tab('tiny-fgd.distill.yaml').first().click();
    await driver.codeLens('Train Further…').click();
    const input = driver.page.locator('.quick-input-widget input[type="text"], .quick-input-widget .input').first();
    await driver.until('twice the length is suggested', async () => (await input.inputValue().catch(() => '')) === '800');
    await driver.page.locator('.quick-input-widget').filter({ hasText: 'train.schedule' }).waitFor();
    await input.fill('400');
    await driver.page.locator('.quick-input-widget').filter({ hasText: 'A whole number above 400' }).waitFor();
    await driver.shot('08-train-further');
    await input.fill('404');
    await driver.page.keyboard.press('Enter');
    await driver.until('the panel tells the end of the longer run', async () => (await panelText(frame)).includes('finished') && (await stepShown(frame)) === 404, 240_000);
    expect(await driver.panelFrames()).toHaveLength(1);
    await driver.shot('09-trained-further');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
