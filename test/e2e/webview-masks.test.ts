/** The mask viewer in a real Chromium. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fakeRecording } from '../support/fakeRun.ts';
import { hasChromium, inkOf, waitUntil } from '../support/panelPage.ts';
import { SHOTS, panelSuite } from './support/webviewSuite.ts';

describe.skipIf(!hasChromium)('the mask viewer in Chromium', () => {
  const { openWithMasks } = panelSuite();

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

  it('decodes only what is looked at', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, images: 40, imageSize: 64 } });
    await opened.page.waitForTimeout(800);
    expect(opened.posted.filter((message) => message.type === 'pictures')).toHaveLength(1);
    const images = opened.posted.filter((message) => message.type === 'image').map((message) => message.file);
    expect(new Set(images).size).toBe(images.length);
    expect(images.length).toBeLessThan(40);
  });

  it('holds few of 500 recorded masks at a time, and asks for each no more often than it is looked at', async () => {
    // 51 recordings of 10 images, each image once for all of them.
    const opened = await openWithMasks({ run: { totalSteps: 500, picturesEvery: 10, evaluateEvery: 500, images: 10, imageSize: 64 } });
    const slider = opened.page.locator('.time input');
    const last = Number(await slider.getAttribute('max'));
    expect(last).toBeGreaterThanOrEqual(50);
    for (let at = 0; at <= last; at += 1) {
      await slider.fill(String(at));
      await waitUntil(opened, `document.querySelector(".when").textContent.includes(" ${at + 1} of ${last + 1}")`);
    }
    await waitUntil(opened, 'window.bitmaps.made >= 10');
    const asked = opened.posted.filter((message) => message.type === 'image').map((message) => message.file);
    expect(new Set(asked).size, 'an image is stored once').toBe(asked.length);
    const { most } = await opened.page.evaluate<{ most: number }>('window.bitmaps');
    expect(most).toBeLessThanOrEqual(32);
    expect(await opened.page.locator('canvas').count()).toBeLessThan(40);
  });

  it('gives teacher, student and difference one scale, and each its own when that is switched off', async () => {
    const opened = await openWithMasks();
    const ends = async (): Promise<string[]> => opened.page.locator('.pane .scale:not(.none) .number').allInnerTexts();
    const [low, high, ...others] = await ends();
    expect(others).toEqual([low, high, `−${high}`, high]);
    await opened.page.getByLabel('Same scale').click();
    await expect.poll(async () => (await ends()).at(-1), { timeout: 20_000 }).not.toBe(high);
  });

  it('marks the pointed value on the colour bars and writes numbers into cells that are large enough', async () => {
    const opened = await openWithMasks({ run: { totalSteps: 300, reached: 200, methods: ['fgd', 'rm'] } });
    expect(await opened.page.locator('.scale-mark:visible').count()).toBe(0);
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('ArrowRight');
    await waitUntil(opened, 'document.querySelectorAll(".scale-mark:not([hidden])").length === 3');
    for (let i = 0; i < 4; i += 1) await opened.page.keyboard.press('+');
    // The cell stays in sight while the keys go on.
    for (let i = 0; i < 6; i += 1) await opened.page.keyboard.press('ArrowRight');
    await waitUntil(opened, 'document.querySelector("[aria-live]").textContent.startsWith("Image row 9, column 16")');
    await opened.page.waitForTimeout(300);
    await opened.page.screenshot({ path: join(SHOTS, 'panel-zoomed.png'), fullPage: true });
  });

  it('does by keys all that there are buttons for', async () => {
    const opened = await openWithMasks();
    const panes = opened.page.locator('.panes');
    await panes.focus();
    await opened.page.keyboard.press(']');
    await waitUntil(opened, 'document.querySelector(\'.strip input[aria-label^="Image 2"]\').checked');
    await opened.page.keyboard.press('[');
    await opened.page.keyboard.press('[');
    await waitUntil(opened, 'document.querySelector(\'.strip input[aria-label^="Image 4"]\').checked');
    await opened.page.keyboard.press('l');
    await waitUntil(opened, 'document.querySelector(".panes").getAttribute("aria-label").endsWith("level P4")');
    await opened.page.keyboard.press(',');
    await waitUntil(opened, '/^step 150 · 6 of 7 · AP \\d/.test(document.querySelector(".when").textContent)');
    await opened.page.keyboard.press(' ');
    await waitUntil(opened, 'document.querySelector(".when").textContent.startsWith("step 180 ")');
    await waitUntil(opened, 'document.querySelector(".time button").getAttribute("aria-label") === "Play the recorded steps"');
    expect(await opened.page.evaluate('document.activeElement.className')).toBe('panes');
  });

  it('draws the boxes on every pane when asked to', async () => {
    const opened = await openWithMasks();
    await opened.page.waitForTimeout(300);
    const without = await inkOf(opened, '.pane:nth-child(2) .view canvas');
    await opened.page.getByLabel('on all panes').click();
    await expect.poll(() => inkOf(opened, '.pane:nth-child(2) .view canvas'), { timeout: 20_000 }).not.toBe(without);
  });
});
