/** The panel's page in a real Chromium under its real policy. Screenshots of each theme go to `test-results/webview`. */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type EventOf, type RunEvent } from '../../src/experiment/record.ts';
import { type ViewState } from '../../webview/contract.ts';
import { writeReport } from '../../src/report/report.ts';
import { hostileMessages } from '../support/hostileMessages.ts';
import { fakeEvents, fakeRecording, writeFakeRun } from '../support/fakeRun.ts';
import { CHROMIUM, type Panel, PanelServer, type PanelOptions, hasChromium, inkOf, sendAll, waitUntil } from '../support/panelPage.ts';
import { type ThemeName } from '../support/themes.ts';

const SHOTS = join(import.meta.dirname, '..', '..', 'test-results', 'webview');
if (!hasChromium) console.warn(`The panel's page is not tested: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH names another).`);

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

describe.skipIf(!hasChromium)('the panel in Chromium', () => {
  let server: PanelServer;
  let panel: Panel | undefined;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    server = await PanelServer.start();
  });
  afterAll(async () => { await server.stop(); });
  afterEach(async () => {
    const faults = panel?.faults ?? [];
    await panel?.close();
    panel = undefined;
    expect(faults).toEqual([]);
  });

  async function open(options: PanelOptions = {}): Promise<Panel> {
    panel = await server.open({ run: { totalSteps: 300, reached: 200 }, ...options });
    await panel.page.waitForSelector('.chart');
    return panel;
  }
  const openWithMasks = async (options: PanelOptions = {}): Promise<Panel> => {
    const opened = await open(options);
    await opened.page.waitForSelector('.pane .view canvas');
    await waitUntil(opened, 'document.querySelectorAll(".pane").length >= 2');
    return opened;
  };

  const legend = (on: Panel, chart: string, name: string): Promise<string> => on.page.locator(`[data-chart="${chart}"] .legend-item`, { hasText: name }).first().locator('.value').innerText();
  it('shows the run: state, step, speed, curves with their last values', async () => {
    const { page } = await open();
    await waitUntil(panel as Panel, 'document.querySelector(".state-word").textContent === "running"');
    expect(await page.locator('h1').innerText()).toBe('scenes-fgd');
    expect(await page.locator('.facts').innerText()).toMatch(/^student, step 200 \/ 300 · \d+ images\/s · \d+ s left · CPU, 2 cores · float32/);
    const last = fakeEvents({ totalSteps: 300, reached: 200 }).findLast((event): event is EventOf<'step'> => event.type === 'step');
    await waitUntil(panel as Panel, 'document.querySelector(".legend-item .value").textContent !== ""');
    expect(Number(await legend(panel as Panel, 'total', 'student'))).toBeCloseTo(last?.losses.total ?? 0, 2);
    expect(await inkOf(panel as Panel, '[data-chart="total"] canvas')).toBeGreaterThan(10_000);
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

  it('gives the value under the pointer in every pane', async () => {
    const opened = await openWithMasks();
    const view = opened.page.locator('.pane .view').nth(1);
    await view.scrollIntoViewIfNeeded();
    const box = await view.boundingBox();
    if (box === null) throw new Error('the pane is not there');
    // Row 6, column 3 of 16 × 16 cells.
    await opened.page.mouse.move(box.x + box.width * (3.5 / 16), box.y + box.height * (6.5 / 16));
    await waitUntil(opened, 'document.querySelector(".pane .note").textContent === "row 7, column 4"');
    const { index, values } = fakeRecording({ totalSteps: 300 }, 180);
    const expected = (['teacher', 'student', 'difference'] as const).map((role) => {
      const mask = index.masks.find((item) => item.role === role && item.kind === 'spatialAttention' && item.level === 'P3' && item.image === 0);
      return values[(mask?.offset ?? NaN) + 6 * 16 + 3];
    });
    const shown = (await opened.page.locator('.pane .note').allInnerTexts()).slice(1).map((text) => Number(text.replace('−', '-')));
    shown.forEach((value, i) => { expect(Math.abs(value - (expected[i] ?? NaN))).toBeLessThanOrEqual(0.005 * Math.abs(expected[i] ?? 0) + 1e-6); });
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('ArrowRight');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("Image row 7, column 5, Teacher ")');
  });

  it('shows a matrix beside the image, with row, column and value under the pointer', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, methods: ['rm', 'dsig'] } });
    await opened.page.locator('.masks').getByText('DSIG', { exact: true }).click();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 4');
    expect(await opened.page.locator('.pane h3').allInnerTexts()).toEqual(['Image', 'Teacher', 'Student', 'Difference']);
    expect(await opened.page.locator('.levels').count()).toBe(0);
    expect(await opened.page.locator('.panes').getAttribute('aria-label')).toBe('Masks, Relations');
    expect(await opened.page.getByText('Opacity').isVisible()).toBe(false);
    const view = opened.page.locator('.pane .view').nth(2);
    await view.scrollIntoViewIfNeeded();
    const box = await view.boundingBox();
    if (box === null) throw new Error('the pane is not there');
    // Row 2, column 4 of 3 × 4 cells.
    await opened.page.mouse.move(box.x + box.width * (3.5 / 4), box.y + box.height * (1.5 / 3));
    const { index, values } = fakeRecording({ totalSteps: 300, methods: ['rm', 'dsig'] }, 180);
    const expected = (['teacher', 'student'] as const).map((role) => values[(index.masks.find((mask) => mask.role === role && mask.form === 'matrix' && mask.image === 0)?.offset ?? NaN) + 4 + 3] ?? NaN);
    await waitUntil(opened, 'document.querySelectorAll(".pane .note")[1].textContent.startsWith("row 2, column 4: ")');
    const [image, ...shown] = await opened.page.locator('.pane .note').allInnerTexts();
    expect(image).toBe('');
    shown.slice(0, 2).forEach((text, i) => { expect(Number(text.split(': ')[1])).toBeCloseTo(expected[i] ?? NaN, 2); });
    const [picture, whole] = await Promise.all([1, 3].map((pane) => inkOf(opened, `.pane:nth-child(${pane}) .view canvas`)));
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('+');
    await expect.poll(() => inkOf(opened, '.pane:nth-child(3) .view canvas'), { timeout: 20_000 }).not.toBe(whole);
    expect(await inkOf(opened, '.pane:nth-child(1) .view canvas'), 'the image stays').toBe(picture);
    await opened.page.keyboard.press('ArrowLeft');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("Image, Teacher row 2, column 3: ")');
    await opened.page.screenshot({ path: join(SHOTS, 'panel-matrix.png'), fullPage: true });
  });

  it('draws boxes over the image by value, and reads them by pointer and keys', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, methods: ['fgd', 'rm'] } });
    await opened.page.locator('.masks').getByText('RM', { exact: true }).click();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 3');
    expect(await opened.page.locator('.pane h3').allInnerTexts()).toEqual(['Image', 'Teacher', 'Student']);
    const { index, values } = fakeRecording({ totalSteps: 300, methods: ['fgd', 'rm'] }, 180);
    const offset = index.masks.find((mask) => mask.role === 'teacher' && mask.form === 'boxes' && mask.image === 0)?.offset ?? NaN;
    const [left = 0, top = 0, right = 0, bottom = 0, value = 0] = values.subarray(offset + 5, offset + 10);
    const view = opened.page.locator('.pane .view').nth(1);
    await view.scrollIntoViewIfNeeded();
    await opened.page.waitForTimeout(300);
    const before = await inkOf(opened, '.pane:nth-child(2) .view canvas');
    const box = await view.boundingBox();
    if (box === null) throw new Error('the pane is not there');
    await opened.page.mouse.move(box.x + (box.width * (left + right)) / 256, box.y + (box.height * (top + bottom)) / 256);
    await waitUntil(opened, `document.querySelectorAll(".pane .note")[1].textContent === "box 2: ${value.toPrecision(3)}"`);
    await expect.poll(() => inkOf(opened, '.pane:nth-child(2) .view canvas'), { timeout: 20_000 }).not.toBe(before);
    expect(Number(await opened.page.locator('.pane:nth-child(2) .scale .number').last().innerText())).toBeCloseTo(Number(await opened.page.locator('.pane:nth-child(3) .scale .number').last().innerText()), 6);
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('ArrowRight');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("Image, Teacher box 1: 0.600, Student box 1: ")');
    await opened.page.keyboard.press('ArrowDown');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("Image, Teacher box 2: 0.700, Student box 2: ")');
    await opened.page.screenshot({ path: join(SHOTS, 'panel-boxes.png'), fullPage: true });
  });

  it('lists many methods in a chooser that keeps the focus', async () => {
    const methods = ['fgd', 'pfi', 'rm', 'dsig', ...Array.from({ length: 8 }, (_, i) => `m${i}`)];
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200 } });
    const { index, values } = fakeRecording({ totalSteps: 300 }, 180);
    const [first] = index.masks;
    if (first === undefined) throw new Error('no masks');
    const masks = methods.map((method) => ({ ...first, method, title: method, role: 'shared' as const }));
    await opened.page.evaluate(`window.postMessage({ type: 'pictures', folder: 'pictures/student-180', index: ${JSON.stringify({ ...index, masks })}, values: new Float32Array(${JSON.stringify([...values.subarray(0, 512)])}).buffer }, '*')`);
    const chooser = opened.page.locator('select[name="method"]');
    await chooser.waitFor();
    expect(await chooser.locator('option').count()).toBe(12);
    await chooser.focus();
    await chooser.selectOption('m7');
    await waitUntil(opened, 'document.querySelectorAll(".pane h3")[1].textContent === "m7"');
    expect(await opened.page.evaluate('document.activeElement.name')).toBe('method');
  });

  it('goes through the recorded steps by slider and by playing', async () => {
    const opened = await openWithMasks();
    await opened.page.waitForTimeout(300);
    const newest = await inkOf(opened, '.pane:nth-child(3) .view canvas');
    await opened.page.locator('.time input').fill('1');
    await waitUntil(opened, 'document.querySelector(".when").textContent.startsWith("step 30 ")');
    await opened.page.waitForTimeout(300);
    await expect.poll(() => inkOf(opened, '.pane:nth-child(3) .view canvas'), { timeout: 20_000 }).not.toBe(newest);
    await opened.page.getByRole('button', { name: 'Play the recorded steps' }).click();
    await waitUntil(opened, 'document.querySelector(".when").textContent.startsWith("step 90 ")');
    await opened.page.getByRole('button', { name: 'Pause' }).click();
    const asked = opened.posted.filter((message) => message.type === 'pictures').map((message) => message.folder);
    expect(new Set(asked).size, 'nothing is asked for twice').toBe(asked.length);
  });

  it('keeps one zoom for all panes and comes back to the whole', async () => {
    const opened = await openWithMasks();
    await opened.page.waitForTimeout(300);
    const whole = await inkOf(opened, '.pane:nth-child(2) .view canvas');
    await opened.page.getByRole('button', { name: 'Zoom in' }).click();
    await opened.page.waitForTimeout(200);
    await expect.poll(() => inkOf(opened, '.pane:nth-child(2) .view canvas'), { timeout: 20_000 }).not.toBe(whole);
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('0');
    await opened.page.waitForTimeout(200);
    await expect.poll(() => inkOf(opened, '.pane:nth-child(2) .view canvas'), { timeout: 20_000 }).toBe(whole);
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
    expect(await opened.page.locator('.when').innerText()).toBe('step 60 · 3 of 7');
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

  it('shows another run in the same page without anything of the first', async () => {
    const opened = await openWithMasks();
    await opened.send({ type: 'header', header: { id: 'other', name: 'other run', state: 'preparing', hasLine: false, picturesEvery: 50 } });
    await opened.send({ type: 'events', events: [], reset: true });
    await waitUntil(opened, 'document.querySelector("h1").textContent === "other run"');
    await waitUntil(opened, 'document.querySelector(".masks .empty").textContent === "Masks are recorded every 50 steps."');
    expect(await opened.page.locator('.waiting').first().innerText()).toContain('first step');
    await opened.page.waitForTimeout(400);
    expect(((await opened.state()) as ViewState).runId).toBe('other');
  });

  it('takes a hostile run folder for what it is: words', async () => {
    const evil = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>';
    const events: RunEvent[] = fakeEvents({ totalSteps: 20, arms: ['student'], name: evil.slice(0, 79) }).map((event) => {
      if (event.type === 'step') return { ...event, losses: { ...event.losses, ...(JSON.parse(`{"__proto__": 1, "constructor.prototype": 2}`) as Record<string, number>), [`${evil}.${evil}`]: 1, ...Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`p${i}.x`, i])) } };
      return event.type === 'started' ? { ...event, classes: [evil], summary: evil.repeat(50) } : event;
    });
    const opened = await open({ events, header: { name: evil, reason: evil, logTail: [evil] } });
    await opened.send({ type: 'problem', message: evil });
    await waitUntil(opened, '!document.querySelector(".problem").hidden');
    expect(await opened.page.locator('img, .page script').count()).toBe(0);
    expect(await opened.page.evaluate('window.hacked')).toBeUndefined();
    expect(await opened.page.locator('.chart').count()).toBeLessThan(16);
    expect(await opened.page.locator('.hint').innerText()).toContain('more parts are not shown');
  });

  it('outlives every message that is wrong at any one place, and draws the next right one', async () => {
    const opened = await openWithMasks();
    await sendAll(opened, hostileMessages());
    await opened.page.waitForTimeout(300);
    expect(await opened.page.evaluate('window.hacked')).toBeUndefined();
    expect(await opened.page.locator('img, .page script').count()).toBe(0);
    await opened.send({ type: 'header', header: { id: 'next', name: 'the next run', state: 'running', hasLine: false } });
    await opened.send({ type: 'events', events: fakeEvents({ totalSteps: 300, reached: 120 }), reset: true });
    await waitUntil(opened, 'document.querySelector("h1").textContent === "the next run" && document.querySelector(".facts").textContent.includes("step 120 / 300")');
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 4');
  });

  it('says once that lines of the record could not be read, and draws the others', async () => {
    const opened = await open({ header: { damage: '2 lines of events.jsonl could not be read and are left out.' } });
    await waitUntil(opened, 'document.querySelector(".notice").textContent === "2 lines of events.jsonl could not be read and are left out."');
    expect(await opened.page.locator('.chart').count()).toBe(6);
  });

  it.each([['light'], ['dark'], ['hc-dark'], ['hc-light']] as const)('has nothing serious for axe in %s', async (theme: ThemeName) => {
    const opened = await openWithMasks({ theme, run: { totalSteps: 300, reached: 200, methods: ['fgd', 'pfi', 'rm', 'dsig'] } });
    await opened.page.waitForTimeout(500);
    await opened.page.screenshot({ path: join(SHOTS, `panel-${theme}.png`), fullPage: true });
    await opened.send({ type: 'header', header: { id: 'fake-1', name: 'x', state: 'failed', reason: 'The loss is not a number.', hasLine: true, logTail: ['one', 'two'] } });
    await waitUntil(opened, '!document.querySelector(".trouble").hidden');
    await opened.page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const findings = await opened.page.evaluate<Finding[]>('axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)');
    const serious = findings.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
    expect(serious).toEqual([]);
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

  it('fits a narrow column without scrolling sideways', async () => {
    const opened = await openWithMasks({ width: 420 });
    await opened.page.waitForTimeout(300);
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(420);
    await opened.page.screenshot({ path: join(SHOTS, 'panel-narrow.png'), fullPage: true });
  });

  it('shows the same in a report, from a file, without a network', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'report-page-'));
    const context = await server.browser.newContext({ viewport: { width: 1300, height: 900 }, colorScheme: 'dark', offline: true });
    try {
      await writeFakeRun(folder, { totalSteps: 200, methods: ['fgd', 'pfi'], end: 'finished' });
      const file = await writeReport(folder, join(folder, 'report.html'), { assets: await server.assets() });
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
      await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
      const findings = await page.evaluate<Finding[]>('axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)');
      expect(findings.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''} ${nodes[0]?.failureSummary ?? ''}`)).toEqual([]);
      await page.screenshot({ path: join(SHOTS, 'report.png'), fullPage: true });
      expect([...faults, ...fetched]).toEqual([]);
    } finally {
      await context.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('decodes only what is looked at', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, images: 40, imageSize: 64 } });
    await opened.page.waitForTimeout(800);
    expect(opened.posted.filter((message) => message.type === 'pictures')).toHaveLength(1);
    const images = opened.posted.filter((message) => message.type === 'image').map((message) => message.file);
    expect(new Set(images).size).toBe(images.length);
    expect(images.length).toBeLessThan(40);
  });
});
