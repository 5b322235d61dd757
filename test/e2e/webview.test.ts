/** The panel's page in a real Chromium under its real policy. Screenshots of each theme go to `test-results/webview`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type EventOf } from '../../src/experiment/record.ts';
import { writeReport } from '../../src/report/report.ts';
import { type ViewState } from '../../webview/contract.ts';
import { fakeEvents, writeFakeRun } from '../support/fakeRun.ts';
import { type Panel, hasChromium, inkOf, waitUntil } from '../support/panelPage.ts';
import { type ThemeName } from '../support/themes.ts';
import { cutTitles, faintLines, seriousFindings } from './support/axe.ts';
import { SHOTS, panelSuite } from './support/webviewSuite.ts';

describe.skipIf(!hasChromium)('the panel in Chromium', () => {
  const suite = panelSuite();
  const { open, openWithMasks } = suite;

  const legend = (on: Panel, chart: string, name: string): Promise<string> => on.page.locator(`[data-chart="${chart}"] .legend-item`, { hasText: name }).first().locator('.value').innerText();

  it('shows the run: state, step, speed, curves with their last values', async () => {
    const opened = await open();
    const { page } = opened;
    await waitUntil(opened, 'document.querySelector(".state-word").textContent === "running"');
    expect(await page.locator('h1').innerText()).toBe('scenes-fgd');
    expect(await page.locator('.facts').innerText()).toMatch(/^student, step 200 \/ 300 · \d+ images\/s · \d+ s left · CPU, 2 cores · float32/);
    const last = fakeEvents({ totalSteps: 300, reached: 200 }).findLast((event): event is EventOf<'step'> => event.type === 'step');
    await waitUntil(opened, 'document.querySelector(".legend-item .value").textContent !== ""');
    expect(Number(await legend(opened, 'total', 'student'))).toBeCloseTo(last?.losses.total ?? 0, 2);
    expect(await inkOf(opened, '[data-chart="total"] canvas')).toBeGreaterThan(10_000);
    expect(await page.locator('.chart').count()).toBe(6);
  });

  it('draws new events as they come, and a resume cuts what it trains again', async () => {
    const opened = await open();
    await opened.page.waitForTimeout(300);
    const before = await inkOf(opened, '[data-chart="total"] canvas');
    const more = fakeEvents({ totalSteps: 300 }).filter((event) => event.type === 'step' && event.arm === 'student' && event.step > 200 && event.step <= 260);
    await opened.send({ type: 'events', events: more, reset: false });
    await waitUntil(opened, 'document.querySelector(".facts").textContent.includes("step 260")');
    await expect.poll(() => inkOf(opened, '[data-chart="total"] canvas'), { timeout: 20_000 }).not.toBe(before);
    const again = fakeEvents({ totalSteps: 300 }).filter((event) => event.type === 'started').map((event) => ({ ...event, from: { student: 100, control: 300, controlInherit: 300 } }));
    await opened.send({ type: 'events', events: again, reset: false });
    await waitUntil(opened, 'document.querySelector(".facts").textContent.includes("step 100")');
    await waitUntil(opened, 'document.querySelector(".hint").textContent.includes("resumed")');
  });

  it('shows values of all charts at one cross-hair, by pointer and by keys', async () => {
    const opened = await open();
    const last = await legend(opened, 'detection', 'classification');
    const box = await opened.page.locator('[data-chart="total"] .plot').boundingBox();
    if (box === null) throw new Error('the plot is not there');
    await opened.page.mouse.move(box.x + box.width / 3, box.y + 60);
    await waitUntil(opened, '[...document.querySelectorAll(".cross-hair")].every((line) => !line.hidden)');
    await expect.poll(() => legend(opened, 'detection', 'classification'), { timeout: 20_000 }).not.toBe(last);
    expect(await opened.page.locator('.place').innerText()).toMatch(/^step \d+$/);
    await opened.page.mouse.move(5, 5);
    await opened.page.locator('[data-chart="ap"] .plot').focus();
    await opened.page.keyboard.press('Home');
    for (let i = 0; i < 5; i += 1) await opened.page.keyboard.press('Shift+ArrowRight');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("step 150. AP: AP ")');
    await opened.page.keyboard.press('+');
    await waitUntil(opened, '[...document.querySelectorAll("button")].some((b) => b.textContent === "Show everything" && !b.hidden)');
    await opened.page.keyboard.press('Escape');
    await waitUntil(opened, '[...document.querySelectorAll("button")].some((b) => b.textContent === "Show everything" && b.hidden)');
  });

  it('zooms all charts by dragging in one, and back by a double click', async () => {
    const opened = await open();
    const plot = opened.page.locator('[data-chart="total"] .plot canvas');
    const box = await plot.boundingBox();
    if (box === null) throw new Error('the plot is not there');
    await opened.page.mouse.move(box.x + 120, box.y + 60);
    await opened.page.mouse.down();
    await opened.page.mouse.move(box.x + 220, box.y + 80, { steps: 5 });
    await opened.page.mouse.up();
    await opened.page.waitForTimeout(500);
    const { zoom } = (await opened.state()) as ViewState;
    expect(zoom?.[0]).toBeGreaterThan(20);
    expect(zoom?.[1]).toBeLessThan(200);
    await plot.dblclick({ position: { x: 150, y: 60 } });
    await opened.page.waitForTimeout(500);
    expect(((await opened.state()) as ViewState).zoom).toBeUndefined();
  });

  it('hides a line by a click and shows it alone by a double click', async () => {
    const opened = await open();
    const items = opened.page.locator('[data-chart="method:fgd"] .legend-item');
    await items.nth(1).click();
    await expect.poll(() => items.nth(1).getAttribute('aria-pressed'), { timeout: 20_000 }).toBe('false');
    await items.nth(2).dblclick();
    await waitUntil(opened, '[...document.querySelectorAll(\'[data-chart="method:fgd"] .legend-item\')].map((b) => b.getAttribute("aria-pressed")).join() === "false,false,true,false"');
    await items.nth(2).dblclick();
    await waitUntil(opened, '[...document.querySelectorAll(\'[data-chart="method:fgd"] .legend-item\')].every((b) => b.getAttribute("aria-pressed") === "true")');
  });

  it('comes back as it was left after a reload', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, methods: ['fgd', 'pfi'] } });
    await opened.page.getByText('Logarithmic').click();
    await opened.page.getByText('Epoch', { exact: true }).click();
    await opened.page.locator('.masks').getByText('PFI', { exact: true }).click();
    await opened.page.locator('.levels label', { hasText: 'P4' }).click();
    await opened.page.locator('.time input').fill('2');
    await opened.page.waitForTimeout(400);
    expect(JSON.stringify(await opened.state()).length).toBeLessThan(2048);
    await opened.reload();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 4');
    expect(await opened.page.getByLabel('Logarithmic').isChecked()).toBe(true);
    expect(await opened.page.locator('input[name="axis"]:checked').getAttribute('value')).toBe('epoch');
    expect(await opened.page.locator('input[name="level"]:checked').getAttribute('aria-label')).toBe('P4, stride 16');
    expect(await opened.page.locator('.pane h3').allInnerTexts()).toEqual(['Image', 'Prediction difference', 'Feature difference', 'Product']);
    expect(await opened.page.locator('.when').innerText()).toMatch(/^step 60 · 3 of 7 · AP \d/);
  });

  it('offers what can be done, and makes a second stop a kill', async () => {
    const opened = await open();
    await opened.page.getByRole('button', { name: 'Stop', exact: true }).click();
    await opened.page.getByRole('button', { name: 'Kill', exact: true }).click();
    expect(opened.posted.filter((message) => message.type === 'action').map((message) => message.action)).toEqual(['stop', 'kill']);
    await opened.send({ type: 'header', header: { id: 'fake-1', name: 'x', state: 'failed', reason: 'The loss is not a number.', hasLine: true, logTail: ['one', 'two'] } });
    await opened.page.getByRole('button', { name: 'Go to the line' }).click();
    await opened.page.getByRole('button', { name: 'Resume' }).click();
    expect(opened.posted.filter((message) => message.type === 'action').map((message) => message.action)).toEqual(['stop', 'kill', 'line', 'resume']);
    expect(await opened.page.locator('.reason').innerText()).toBe('The loss is not a number.');
    expect(await opened.page.locator('.log').innerText()).toBe('one\ntwo');
  });

  it('keeps a chart as SVG, PNG and CSV, as it is looked at', async () => {
    const opened = await open();
    const items = opened.page.locator('[data-chart="method:fgd"] .legend-item');
    await items.nth(1).click();
    await expect.poll(() => items.nth(1).getAttribute('aria-pressed'), { timeout: 20_000 }).toBe('false');
    for (const kind of ['SVG', 'CSV', 'PNG']) await opened.page.getByRole('button', { name: `Save FGD as ${kind}` }).click();
    const saved = (kind: string): string | undefined => {
      const found = opened.posted.find((message) => message.type === 'save' && message.kind === kind);
      return found?.type === 'save' && typeof found.content === 'string' ? found.content : undefined;
    };
    await expect.poll(() => opened.posted.filter((message) => message.type === 'save').length, { timeout: 20_000 }).toBe(3);
    expect(saved('svg')).toMatch(/^<svg xmlns.*FGD.*foreground.*<\/svg>$/s);
    expect(saved('svg')).not.toContain('>background<');
    const [head, first, ...rows] = (saved('csv') ?? '').trim().split('\r\n');
    expect(head).toBe('step,foreground,attention,global');
    const step = fakeEvents({ totalSteps: 300, reached: 200 }).find((event): event is EventOf<'step'> => event.type === 'step' && event.arm === 'student');
    expect(first).toBe(['fgd.foreground', 'fgd.attention', 'fgd.global'].reduce((line, part) => `${line},${step?.losses[part]}`, '1'));
    expect(rows).toHaveLength(199);
  });

  it.each([['light'], ['dark'], ['hc-dark'], ['hc-light']] as const)('has nothing serious for axe in %s', async (theme: ThemeName) => {
    const opened = await openWithMasks({ theme, run: { totalSteps: 300, reached: 200, methods: ['fgd', 'pfi', 'rm', 'dsig'] } });
    await opened.page.waitForTimeout(500);
    await opened.page.screenshot({ path: join(SHOTS, `panel-${theme}.png`), fullPage: true });
    await opened.send({ type: 'header', header: { id: 'fake-1', name: 'x', state: 'failed', reason: 'The loss is not a number.', hasLine: true, logTail: ['one', 'two'] } });
    await waitUntil(opened, '!document.querySelector(".trouble").hidden');
    expect(await seriousFindings(opened.page)).toEqual([]);
    expect(await faintLines(opened.page)).toEqual([]);
  });

  it('follows a change of theme and keeps still where motion is not wanted', async () => {
    const opened = await open({ theme: 'dark' });
    await opened.page.waitForTimeout(300);
    const dark = await inkOf(opened, '[data-chart="ap"] canvas');
    await opened.page.evaluate('document.documentElement.style.setProperty("--vscode-editor-background", "#ffffff"); document.documentElement.style.setProperty("--vscode-descriptionForeground", "#000000")');
    await opened.page.waitForTimeout(300);
    await expect.poll(() => inkOf(opened, '[data-chart="ap"] canvas'), { timeout: 20_000 }).not.toBe(dark);
    await opened.page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await opened.page.evaluate('getComputedStyle(document.querySelector(".filled")).transitionDuration')).toBe('0s');
  });

  it.each([[340], [1000], [1200], [1440], [1920]])('shows the titles of its charts in full at %s pixels', async (width) => {
    const opened = await openWithMasks({ width, run: { totalSteps: 300, reached: 200, methods: ['fgd', 'pfi'] } });
    expect(await opened.page.locator('.chart h3').allInnerTexts()).toContain('Learning rate and gradient norm');
    expect(await cutTitles(opened.page)).toEqual([]);
    await opened.page.screenshot({ path: join(SHOTS, `panel-${width}.png`) });
  });

  it('fits a narrow column without scrolling sideways', async () => {
    const opened = await openWithMasks({ width: 420 });
    await opened.page.waitForTimeout(300);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(420);
    await opened.page.screenshot({ path: join(SHOTS, 'panel-narrow.png'), fullPage: true });
  });

  it('shows the same in a report, from a file, without a network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'report-page-'));
    const context = await suite.server().browser.newContext({ viewport: { width: 1300, height: 900 }, colorScheme: 'dark', offline: true });
    try {
      await writeFakeRun(folder, { totalSteps: 200, methods: ['fgd', 'pfi'], end: 'finished' });
      const file = await writeReport(folder, join(folder, 'report.html'), { assets: await suite.server().assets() });
      const page = await context.newPage();
      const faults: string[] = [];
      const fetched: string[] = [];
      page.on('pageerror', (error) => { faults.push(String(error)); });
      page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
      page.on('request', (request) => { if (/^(https?|ws):/.test(request.url())) fetched.push(request.url()); });
      await page.goto(pathToFileURL(file).href);
      await page.locator('.pane').nth(3).waitFor();
      await page.waitForTimeout(500);
      expect(await page.locator('tr.main td').first().innerText()).toBe('47.5');
      expect(await page.locator('.pane h3').allInnerTexts()).toEqual(['Image', 'Teacher', 'Student', 'Difference']);
      expect(await page.locator('.chart').count()).toBe(7);
      expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
      expect(await seriousFindings(page)).toEqual([]);
      await page.screenshot({ path: join(SHOTS, 'report.png'), fullPage: true });
      expect([...faults, ...fetched]).toEqual([]);
    } finally {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
