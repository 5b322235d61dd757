/** The page of a comparison in a real Chromium under its real policy. Screenshots go to `test-results/webview`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CompareState } from '../../webview/compare/contract.ts';
import { comparedOf, compareHost, eventsOf, type FakeCompared } from '../support/compareHost.ts';
import { fakeEvents } from '../support/fakeRun.ts';
import { CHROMIUM, type Panel, PanelServer, type PanelOptions, hasChromium, inkOf, waitUntil } from '../support/panelPage.ts';
import { type ThemeName } from '../support/themes.ts';
import { cutTitles, faintLines, seriousFindings } from './support/axe.ts';
import { SHOTS } from './support/webviewSuite.ts';

if (!hasChromium) console.warn(`The page of a comparison is not tested: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH names another).`);

const STEPS = { totalSteps: 300, images: 3 };
const SLOW: FakeCompared = { id: 'slow', run: { ...STEPS, name: 'scenes-fgd' } };
const FAST: FakeCompared = { id: 'fast', run: { ...STEPS, name: 'scenes-fgd-fast' }, learningRate: 0.01, skill: 1.08 };
const seeds = (name: string, learningRate: number, skills: readonly number[]): FakeCompared[] => skills.map((skill, seed) => ({ id: `${name}-${seed}`, run: { ...STEPS, name }, seed, learningRate, skill }));
const TABLE = '.results table';

describe.skipIf(!hasChromium)('a comparison in Chromium', () => {
  let server: PanelServer;
  let panel: Panel | undefined;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    server = await PanelServer.start('webview/compare/main.ts');
  });
  afterAll(async () => { await server.stop(); });
  afterEach(async () => {
    const faults = panel?.faults ?? [];
    await panel?.close();
    panel = undefined;
    expect(faults).toEqual([]);
  });

  async function open(fakes: readonly FakeCompared[], options: PanelOptions = {}): Promise<Panel> {
    panel = await server.open({ height: 1900, ...options, answer: compareHost(fakes) });
    return panel;
  }
  async function openDrawn(fakes: readonly FakeCompared[], options: PanelOptions = {}): Promise<Panel> {
    const opened = await open(fakes, options);
    await opened.page.waitForSelector('.chart');
    await waitUntil(opened, 'document.querySelector(".legend-item .value").textContent !== ""');
    return opened;
  }
  const head = (on: Panel): Promise<string[]> => on.page.locator(`${TABLE} thead th`).allInnerTexts();
  const row = (on: Panel, at: number): Promise<string[]> => on.page.locator(`${TABLE} tbody tr`).nth(at).locator('th, td').allInnerTexts();
  const saved = (on: Panel): { readonly kind: string; readonly name: string; readonly content: unknown }[] => (on.posted as unknown as { readonly type: string; readonly kind: string; readonly name: string; readonly content: unknown }[]).filter(({ type }) => type === 'save');

  it('shows figures, the one key that differs, and what the others differ by from the pinned run', async () => {
    const opened = await openDrawn([SLOW, FAST]);
    expect(await head(opened)).toEqual(['run', 'state', 'AP (%)', 'AP50 (%)', 'AP75 (%)', 'gain (%)', 's/step', 'at step', 'train.learningRate']);
    expect((await row(opened, 0)).map((text) => text.trim())).toEqual(['scenes-fgd', 'finished', '47.5', '73.6', '48.4', '+29.3', '0.0400', '300', '0.006']);
    await opened.page.getByRole('button', { name: 'scenes-fgd: baseline' }).click();
    await waitUntil(opened, `document.querySelectorAll("${TABLE} .difference").length === 5`);
    expect((await row(opened, 1))[2]?.replace(/\s+/g, ' ')).toBe('51.3+3.8');
    expect(await opened.page.locator('.results .hint').innerText()).toContain('against scenes-fgd');
    expect(await opened.page.locator('.classes .bar').count()).toBe(4);
  });

  it('sorts by a head, by pointer and by keys, and gives the first order back', async () => {
    const opened = await openDrawn([SLOW, FAST]);
    const names = (): Promise<string[]> => opened.page.locator(`${TABLE} tbody .name`).allInnerTexts();
    await opened.page.getByRole('button', { name: 'AP (%)', exact: true }).focus();
    await opened.page.keyboard.press('Enter');
    await expect.poll(names).toEqual(['scenes-fgd-fast', 'scenes-fgd']);
    expect(await opened.page.locator(`${TABLE} th[aria-sort]`).getAttribute('aria-sort')).toBe('descending');
    await opened.page.keyboard.press('Enter');
    await expect.poll(names).toEqual(['scenes-fgd', 'scenes-fgd-fast']);
    await opened.page.keyboard.press('Enter');
    await expect.poll(() => opened.page.locator(`${TABLE} th[aria-sort]`).count()).toBe(0);
  });

  it('overlays the curves, zooms with detail that comes back, and hides a run in all charts', async () => {
    const opened = await openDrawn([SLOW, FAST]);
    expect(await opened.page.locator('.chart').count()).toBe(10);
    const legend = opened.page.locator('[data-chart="total"] .legend-item');
    expect(await legend.locator('.name').allInnerTexts()).toEqual(['scenes-fgd', 'scenes-fgd-fast']);
    const strokes = await legend.locator('line').evaluateAll((lines: unknown[]) => lines.map((line) => { const of = line as { getAttribute(name: string): string | null }; return [of.getAttribute('stroke'), of.getAttribute('stroke-dasharray')]; }));
    expect(new Set(strokes.map(([colour]) => colour)).size).toBe(2);
    expect(new Set(strokes.map(([, dash]) => dash)).size).toBe(2);
    const before = await inkOf(opened, '[data-chart="total"] canvas');
    const box = await opened.page.locator('[data-chart="total"] .plot canvas').boundingBox();
    if (box === null) throw new Error('the plot is not there');
    await opened.page.mouse.move(box.x + 120, box.y + 60);
    await opened.page.mouse.down();
    await opened.page.mouse.move(box.x + 220, box.y + 80, { steps: 5 });
    await opened.page.mouse.up();
    await expect.poll(async () => ((await opened.state()) as CompareState | null)?.zoom?.length, { timeout: 20_000 }).toBe(2);
    await expect.poll(() => inkOf(opened, '[data-chart="total"] canvas'), { timeout: 20_000 }).not.toBe(before);
    await opened.page.getByRole('button', { name: 'Show everything' }).click();
    await expect.poll(async () => ((await opened.state()) as CompareState).zoom, { timeout: 20_000 }).toBeUndefined();
    await legend.nth(1).click();
    await waitUntil(opened, '[...document.querySelectorAll(".chart")].filter((chart) => chart.getBoundingClientRect().top < innerHeight).every((chart) => chart.querySelectorAll(".legend-item")[1].getAttribute("aria-pressed") === "false")');
  });

  it('joins seeds to mean ± sd with a band, and takes them apart again', async () => {
    const opened = await openDrawn([...seeds('fgd', 0.006, [0.96, 1, 1.05]), ...seeds('fgd-fast', 0.01, [1.02, 1.06, 1.1])]);
    expect(await opened.page.locator('h1').innerText()).toBe('Comparison of 6 runs');
    expect(await opened.page.locator(`${TABLE} tbody tr`).count()).toBe(2);
    expect((await row(opened, 0)).slice(1, 4).map((text) => text.trim())).toEqual(['finished', '3', '47.6 ± 2.1']);
    await opened.page.getByRole('button', { name: 'fgd: baseline', exact: true }).click();
    // Seed by seed: 0.06, 0.06, 0.05 of 47.5.
    await waitUntil(opened, `document.querySelector("${TABLE} .difference").textContent === "+2.7 ± 0.3"`);
    expect(await opened.page.locator('.curves .hint').innerText()).toContain('mean ± standard deviation');
    const joined = await inkOf(opened, '[data-chart="ap"] canvas');
    await opened.page.waitForTimeout(400);
    await opened.page.screenshot({ path: join(SHOTS, 'compare-seeds.png'), fullPage: true });
    await opened.page.getByLabel('Join seeds').uncheck();
    await waitUntil(opened, `document.querySelectorAll("${TABLE} tbody tr").length === 6`);
    expect(await head(opened)).toContain('train.seed');
    await expect.poll(() => inkOf(opened, '[data-chart="ap"] canvas'), { timeout: 20_000 }).not.toBe(joined);
  });

  it('shows a sweep as parallel coordinates, brushed by dragging and by keys, and names its best to be written', async () => {
    const note = (key: string, role: 'student' | 'control', label: string, values: Record<string, unknown>, seed: number): NonNullable<FakeCompared['sweep']> => ({ id: '2026-01-01-scenes', name: 'scenes', key, role, label, values, seed, controls: role === 'control' ? [] : [`control1-s${seed}`] });
    const combinations = ([['fgd', 0.006, 1], ['fgd', 0.01, 1.08], ['rm', 0.006, 0.97], ['rm', 0.01, 1.02]] as const);
    const fakes = [0, 1].flatMap((seed): FakeCompared[] => [
      { id: `control-${seed}`, seed, skill: 0.9, run: { ...STEPS, name: 'scenes, control', arms: ['student'], methods: [] }, sweep: note(`control1-s${seed}`, 'control', 'control', {}, seed) },
      ...combinations.map(([method, learningRate, skill], at): FakeCompared => ({ id: `c${at}-${seed}`, seed, learningRate, skill: skill + 0.01 * seed, run: { ...STEPS, name: `scenes, ${method}`, arms: ['student'], methods: [method] }, sweep: note(`c${at}-s${seed}`, 'student', `${method}, learningRate ${learningRate}`, { distill: [{ method }], 'train.learningRate': learningRate }, seed) })),
    ]);
    const opened = await openDrawn(fakes);
    expect(await opened.page.locator('h1').innerText()).toBe('Sweep of scenes: 10 runs');
    expect((await head(opened)).slice(-2)).toEqual(['distill', 'train.learningRate']);
    expect(await head(opened)).toContain('95 % interval of the gain (%)');
    const band = opened.page.locator('.parallel');
    await band.locator('path.line').first().waitFor({ state: 'attached' });
    expect(await band.locator('path.line').count()).toBe(4);
    expect(await band.locator('.parallel-said').innerText()).toContain('Best: fgd, learningRate 0.01: AP');
    const faint = (): Promise<number> => band.locator('path.line[stroke-opacity="0.1"]').count();
    const end = band.getByRole('slider', { name: 'distill: lower end of the choice' });
    await end.focus();
    await opened.page.keyboard.press('ArrowUp');
    await expect.poll(faint).toBe(2);
    expect(await band.locator('.parallel-said').innerText()).toContain('2 of 4 combinations');
    expect(await opened.page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('distill: lower end of the choice');
    await opened.page.keyboard.press('Delete');
    await expect.poll(faint).toBe(0);
    const axis = await band.locator('[data-axis="metric"] .axis-room').boundingBox();
    if (axis === null) throw new Error('the axis is not there');
    await opened.page.mouse.move(axis.x + axis.width / 2, axis.y + 2);
    await opened.page.mouse.down();
    await opened.page.mouse.move(axis.x + axis.width / 2, axis.y + axis.height / 3, { steps: 5 });
    await opened.page.mouse.up();
    await expect.poll(faint).toBeGreaterThan(0);
    await opened.page.screenshot({ path: join(SHOTS, 'compare-sweep-dark.png'), fullPage: true });
    await band.getByRole('button', { name: 'Show all lines' }).click();
    await expect.poll(faint).toBe(0);
    await band.locator('.lines').focus();
    await opened.page.keyboard.press('ArrowRight');
    expect(await band.locator('.parallel-said').innerText()).toMatch(/^fgd, learningRate 0.01: AP/);
    await band.getByLabel('Best by').selectOption('gain');
    await expect.poll(() => band.locator('[data-axis="metric"] text').first().textContent()).toContain('gain');
    await band.getByRole('button', { name: 'Write Best as Experiment' }).click();
    await expect.poll(() => opened.posted.some((message) => JSON.stringify(message) === '{"type":"writeBest","metric":"gain"}')).toBe(true);
    await band.getByRole('button', { name: 'Save Keys and results as SVG' }).click();
    await expect.poll(() => saved(opened).map(({ kind }) => kind)).toContain('svg');
    expect(String(saved(opened).find(({ kind }) => kind === 'svg')?.content)).toContain('train.learningRate');
    await band.getByRole('button', { name: 'Save Keys and results as PNG' }).click();
    await expect.poll(() => saved(opened).map(({ kind }) => kind), { timeout: 20_000 }).toContain('png');
  });

  it('draws the axes in the light theme too', async () => {
    const fakes = [0.9, 1, 1.06, 1.02, 0.97].map((skill, at): FakeCompared => ({ id: `r${at}`, skill, learningRate: 0.001 * 3 ** at, run: { ...STEPS, name: `run ${at}`, methods: [at % 2 === 0 ? 'fgd' : 'rm'] } }));
    const opened = await openDrawn(fakes, { theme: 'light' });
    await opened.page.locator('.parallel path.line').first().waitFor({ state: 'attached' });
    await opened.page.screenshot({ path: join(SHOTS, 'compare-sweep-light.png'), fullPage: true });
    expect(await opened.page.locator('.parallel').getByRole('button', { name: 'Write Best as Experiment' }).count()).toBe(0);
  });

  it('shows masks of two runs side by side on one scale', async () => {
    const opened = await openDrawn([SLOW, FAST]);
    await opened.page.locator('.masks').scrollIntoViewIfNeeded();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 3');
    expect(await opened.page.locator('.pane h3').allInnerTexts()).toEqual(['scenes-fgd', 'scenes-fgd-fast', 'Right less left']);
    const ends = await opened.page.locator('.pane .scale').evaluateAll((bars: unknown[]) => bars.map((bar) => (bar as { textContent: string }).textContent));
    expect(ends[0]).toBe(ends[1]);
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('ArrowRight');
    const values = (): Promise<number[]> => opened.page.locator('.pane .note').allInnerTexts().then((texts) => texts.map((text) => Number(text.replace('−', '-'))));
    await expect.poll(async () => (await values())[0] ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
    const [left = 0, right = 0, difference = 0] = await values();
    expect(right / left).toBeCloseTo(1.08, 1);
    expect(difference).toBeCloseTo(right - left, 2);
    await opened.page.locator('.time input').fill('1');
    await waitUntil(opened, 'document.querySelector(".when").textContent.startsWith("step 30 ")');
    // A step that was chosen by a key is kept: playing stops.
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press(' ');
    await opened.page.getByRole('button', { name: 'Pause' }).waitFor();
    await opened.page.keyboard.press(',');
    await opened.page.getByRole('button', { name: 'Play the recorded steps' }).waitFor();
    await opened.page.getByRole('button', { name: 'Swap' }).click();
    await waitUntil(opened, 'document.querySelector(".pane h3").textContent === "scenes-fgd-fast"');
  });

  it('writes charts as SVG and PNG, tables as CSV, reports as Markdown and HTML', async () => {
    const opened = await openDrawn([SLOW, FAST]);
    await opened.page.getByRole('button', { name: 'Save AP as SVG' }).click();
    await opened.page.getByRole('button', { name: 'Save AP as PNG' }).click();
    await opened.page.locator('.results').getByRole('button', { name: 'CSV' }).click();
    await opened.page.getByRole('button', { name: 'Save AP50 as CSV' }).click();
    for (const kind of ['SVG', 'PNG', 'CSV']) await opened.page.locator('.classes').getByRole('button', { name: kind }).click();
    await opened.page.getByRole('button', { name: 'HTML Report' }).click();
    await opened.page.getByRole('button', { name: 'Markdown' }).click();
    await expect.poll(() => saved(opened).map(({ kind }) => kind).sort(), { timeout: 20_000 }).toEqual(['csv', 'csv', 'csv', 'html', 'md', 'png', 'png', 'svg', 'svg']);
    const of = (kind: string): unknown => saved(opened).find((one) => one.kind === kind)?.content;
    expect(of('svg')).toMatch(/^<svg xmlns=.*scenes-fgd-fast.*<\/svg>$/s);
    expect((of('png') as { readonly bytes: number[] }).bytes.slice(0, 4)).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(of('csv')).toMatch(/^run,state,AP \(%\).*train\.learningRate\r\nscenes-fgd,finished,47\.49/);
    expect(of('md')).toContain('| scenes-fgd-fast |');
    expect(saved(opened).filter(({ kind }) => kind === 'svg').at(-1)?.content).toMatch(/^<svg xmlns=.*AP by class.*scenes-fgd-fast.*<\/svg>$/s);
    expect(saved(opened).find(({ name }) => name === 'AP50')?.content).toMatch(/^step,scenes-fgd \(%\),scenes-fgd-fast \(%\)\r\n30,/);
    // Ten curves, the classes, and the keys that differ on parallel coordinates.
    expect((of('html') as string).match(/<svg /g)).toHaveLength(12);
    expect(of('html')).not.toContain('<script');
  });

  it('follows a run that goes, keeps one that was deleted, and comes back as it was left', async () => {
    const going: FakeCompared = { ...FAST, run: { ...FAST.run, reached: 100 }, state: 'running' };
    const opened = await openDrawn([SLOW, going]);
    expect(await opened.page.locator('.notes').innerText()).toContain('Still going');
    const before = await inkOf(opened, '[data-chart="total"] canvas');
    await opened.send({ type: 'of', id: 'fast', message: { type: 'events', events: eventsOf(FAST).filter((event) => event.type === 'step' && event.arm === 'student' && event.step > 100 && event.step <= 240), reset: false } });
    await expect.poll(() => inkOf(opened, '[data-chart="total"] canvas'), { timeout: 20_000 }).not.toBe(before);
    await opened.send({ type: 'run', run: { ...comparedOf(FAST), state: 'deleted' } });
    await waitUntil(opened, 'document.querySelector(".notes .grave").textContent === "No longer there, shown as last read: scenes-fgd-fast."');
    await opened.page.getByText('Epoch', { exact: true }).click();
    await opened.page.getByRole('button', { name: 'scenes-fgd-fast: baseline' }).click();
    await expect.poll(async () => ((await opened.state()) as CompareState | null)?.baseline, { timeout: 20_000 }).toBe('fast');
    expect(JSON.stringify(await opened.state()).length).toBeLessThan(2048);
    await opened.reload();
    await opened.page.waitForSelector('.chart');
    await waitUntil(opened, 'document.querySelector(".baseline .name").textContent === "scenes-fgd-fast"');
    expect(await opened.page.locator('input[name="axis"]:checked').getAttribute('value')).toBe('epoch');
    expect(((await opened.state()) as CompareState).runs).toEqual(['slow', 'fast']);
  });

  it('says what there is not: one run, no evaluation, other data, nothing at all', async () => {
    const opened = await openDrawn([{ ...SLOW, run: { ...SLOW.run, reached: 5, arms: ['student'] }, state: 'running' }]);
    expect(await opened.page.locator('.notes').innerText()).toMatch(/One run is shown[\s\S]*Not evaluated yet: scenes-fgd\./);
    await opened.send({ type: 'set', runs: [comparedOf(SLOW), comparedOf({ ...FAST, val: 50 })] });
    await waitUntil(opened, 'document.querySelector(".notes .grave").textContent.includes("cannot be compared")');
    await opened.page.screenshot({ path: join(SHOTS, 'compare-odd.png'), fullPage: true });
    await opened.send({ type: 'set', runs: [] });
    await waitUntil(opened, 'document.querySelector(".head .empty").textContent === "No run is chosen." && document.querySelector(".results").hidden');
  });

  it('takes a hostile run for what it is: words', async () => {
    const evil = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>';
    const opened = await open([{ id: evil, run: { ...STEPS, name: evil.slice(0, 79) } }, { ...FAST, run: { ...FAST.run, name: '$(x) __proto__' } }]);
    for (const message of [null, 4, {}, { type: 'set' }, { type: 'set', runs: [null, { id: 'x' }] }, { type: 'run', run: { id: 'fast' } }, { type: 'of', id: 'fast', message: { type: 'events', events: [null], reset: false } }, { type: 'of', id: '__proto__', message: { type: 'events', events: fakeEvents(STEPS), reset: true } }, { type: 'of', id: 3 }]) await opened.send(message);
    await opened.send({ type: 'set', runs: [{ ...comparedOf(FAST), name: evil, classes: [evil], perClass: JSON.parse('{"__proto__": {"AP": 0.5}, "constructor": {"AP": 0.4}}') as object }, comparedOf(SLOW)] });
    await waitUntil(opened, 'document.querySelectorAll(".results tbody tr").length === 2');
    expect(await opened.page.locator('img, .page script').count()).toBe(0);
    expect(await opened.page.evaluate('window.hacked')).toBeUndefined();
  });

  it.each([['light'], ['dark'], ['hc-dark'], ['hc-light']] as const)('has nothing serious for axe in %s', async (theme: ThemeName) => {
    const opened = await openDrawn([SLOW, FAST, { ...SLOW, id: 'rm', run: { ...STEPS, name: 'scenes-fgd-rm', methods: ['fgd', 'rm'] }, skill: 1.03 }], { theme });
    await opened.page.getByRole('button', { name: 'scenes-fgd: baseline', exact: true }).click();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 3');
    await opened.page.waitForTimeout(500);
    await opened.page.screenshot({ path: join(SHOTS, `compare-${theme}.png`), fullPage: true });
    expect(await seriousFindings(opened.page)).toEqual([]);
    expect(await faintLines(opened.page)).toEqual([]);
    expect(await cutTitles(opened.page)).toEqual([]);
  });

  it('fits a narrow column without scrolling sideways', async () => {
    const opened = await openDrawn([SLOW, FAST], { width: 420 });
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 3');
    expect(await opened.page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(420);
    await opened.page.screenshot({ path: join(SHOTS, 'compare-narrow.png'), fullPage: true });
  });
});
