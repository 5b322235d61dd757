/** What runs leave in the experiment that they were made of, in the real workbench: small charts, large ones, the line that failed. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunEvent } from '../../src/experiment/record.ts';
import { ended, evaluation, started, step } from '../unit/store/material.ts';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver, SHOTS } from './support/driver.ts';
import { distillation } from './support/experiments.ts';
import { fakeRun, grow } from './support/fakeRuns.ts';
import { tools, whenPossible } from './support/story.ts';

const STEPS = 1200;
const FILE = 'scenes-fgd.distill.yaml';
const TEXT = distillation('scenes-fgd', STEPS).replace('  - method: fgd\n', '  - method: fgd\n    temperature: 1.0\n  - method: pkd   # scale-free features\n').replace('checkpoint:', 'control: true\ncheckpoint:');
const FAILED = 'failed.distill.yaml';
const FAILED_TEXT = distillation('failed', 20, 'garbage.safetensors');
const TEACHERS_LINE = FAILED_TEXT.split('\n').findIndex((line) => line.includes('garbage')) + 1;
const DAY = 24 * 3600 * 1000;

/** A run up to a step: losses at every fourth step, an evaluation of student and control every 120. */
function eventsUpTo(last: number, from = 0, best = 0.431): RunEvent[] {
  const name = '<img src=x onerror=alert(1)> scenes-fgd';
  const events: RunEvent[] = from > 0 ? [] : [started({ name, totalSteps: STEPS, arms: ['student', 'control'], methods: ['fgd', 'pkd'], methodTitles: { fgd: 'FGD', pkd: 'PKD' } }), evaluation('teacher', 0, 0.452)];
  for (let at = from + 4; at <= last; at += 4) {
    const t = at / STEPS;
    const noise = 0.12 * Math.sin(at * 12.9898) ** 2;
    const losses = { 'detection.classification': 0.6 * Math.exp(-3 * t) + 0.2, 'fgd.foreground': 0.9 * Math.exp(-4 * t) + noise, 'fgd.background': 0.3 * Math.exp(-2 * t) + noise / 2, 'fgd.attention': 0.1 * Math.exp(-2 * t), 'fgd.global': 0.2 * Math.exp(-5 * t), 'pkd.features': 1.2 * Math.exp(-1.5 * t) + noise };
    events.push(step(at, { losses: { ...losses, total: Object.values(losses).reduce((a, b) => a + b, 0) } }));
    if (at % 120 === 0) events.push(evaluation('student', at, best * (1 - Math.exp(-3.2 * t)) / (1 - Math.exp(-3.2))), step(at, { arm: 'control' }), evaluation('control', at, 0.377 * (1 - Math.exp(-2.8 * t)) / (1 - Math.exp(-2.8))));
  }
  return events;
}

interface Mark {
  /** What is drawn before and said after it; empty where there is nothing. */
  readonly picture: string;
  readonly text: string;
}

describe.skipIf(!whenPossible())('results in the experiment', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    workbench = await startWorkbench({ tools: tools(), settings: { 'files.autoSave': 'off' }, files: { [FILE]: TEXT, [FAILED]: FAILED_TEXT, 'teacher.safetensors': 'words', 'garbage.safetensors': 'words' } });
    const { workspace } = workbench;
    const now = Date.now();
    await fakeRun({ workspace, file: FILE, text: TEXT, id: 'older', created: now - 2 * DAY, events: [...eventsUpTo(STEPS, 0, 0.402), ended('finished', now)] });
    await fakeRun({ workspace, file: FILE, text: TEXT, id: 'newer', created: now - DAY, events: [...eventsUpTo(STEPS), ended('finished', now)] });
    await fakeRun({
      workspace, file: FAILED, text: FAILED_TEXT, id: 'failed', created: now - DAY,
      events: [started({ name: 'failed' }), { type: 'ended', time: now, state: 'failed', error: { code: 'DL401', message: 'garbage.safetensors holds no weights.', explanation: '', line: TEACHERS_LINE } }],
    });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
    await driver.openFile(FILE);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const lineOf = (text: string): Locator => driver.page.locator('.view-line').filter({ hasText: text }).first();

  /** What stands behind the end of a line: pictures and words of pseudo-elements, which no text of a page holds. */
  async function marks(line: string): Promise<Mark[]> {
    return lineOf(line).evaluate((element) => {
      // In the page; its types are not those of this project.
      interface Node { readonly textContent: string | null }
      const spans = [...(element as unknown as { querySelectorAll(selector: string): Iterable<Node> }).querySelectorAll('span[class*="ced-"]')];
      const window = globalThis as unknown as { getComputedStyle(node: Node, pseudo: string): { readonly content: string } };
      const content = (span: Node, pseudo: string): string => window.getComputedStyle(span, pseudo).content;
      return spans.map((span) => ({ picture: content(span, '::before'), text: content(span, '::after').replace(/^"|"$/g, '') }))
        .filter(({ picture, text }) => picture.startsWith('url') || !['none', 'normal', ''].includes(text));
    }).catch(() => []);
  }
  const texts = async (line: string): Promise<string> => (await marks(line)).map(({ text }) => text).filter((text) => text !== 'none').join(' ');
  const settings = async (values: Readonly<Record<string, unknown>>): Promise<void> => {
    await mkdir(path.join(workbench.workspace, '.vscode'), { recursive: true });
    await writeFile(path.join(workbench.workspace, '.vscode/settings.json'), JSON.stringify(values));
  };

  /** Rests the pointer on the small chart after a line until the large one is there. */
  async function hover(line: string): Promise<Locator> {
    const tip = driver.page.locator('.monaco-hover:not(.hidden)').filter({ has: driver.page.locator('img') }).first();
    await driver.until(`the chart after ${line} is shown`, async () => {
      await driver.page.mouse.move(300, 700);
      const end = await lineOf(line).locator('span[class*="ced-"]').last().boundingBox();
      if (end === null) return false;
      await driver.page.mouse.move(end.x + 60, end.y + end.height / 2);
      await driver.page.mouse.move(end.x + 62, end.y + end.height / 2);
      return tip.waitFor({ timeout: 3000 }).then(() => true, () => false);
    });
    return tip;
  }

  /** Hovers fade in. */
  async function shotOfHover(name: string): Promise<void> {
    await driver.page.waitForTimeout(400);
    await driver.page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
    await driver.page.mouse.move(300, 700);
    await driver.page.locator('.monaco-hover:not(.hidden) img').first().waitFor({ state: 'hidden' });
  }

  test('after the name stands how AP grew, with the gain; after each method how its loss fell', async () => {
    await driver.until('AP is there', async () => (await texts('name:')).includes('AP 43.1 (+5.4 over control)'));
    expect((await marks('name:')).some(({ picture }) => picture.startsWith('url("data:image/svg+xml;base64,'))).toBe(true);
    await driver.until('losses are there', async () => /loss 0\.\d+/.test(await texts('- method: fgd')) && /loss 0\.\d+/.test(await texts('- method: pkd')));
    expect(await texts('temperature:')).toBe('');
    await driver.codeLens('Compare').waitFor();
    await driver.shot('30-inline-dark');
  });

  test('hovering shows the large chart and the last runs', async () => {
    const tip = await hover('name:');
    expect(await tip.locator('img').first().evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth)).toBeGreaterThan(300);
    const rows = await tip.locator('tbody tr').allInnerTexts();
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/finished\s+43\.1\s+\+5\.4\s+1,200/);
    expect(rows[1]).toMatch(/finished\s+40\.2\s+\+2\.5\s+1,200/);
    await shotOfHover('31-inline-hover-ap');
    expect(await (await hover('- method: fgd')).locator('img').first().getAttribute('alt')).toMatch(/FGD loss/);
    await shotOfHover('32-inline-hover-loss');
  });

  test('a run that goes moves the charts, and leaves the text and the cursor where they are', async () => {
    const { workspace } = workbench;
    const folder = await fakeRun({ workspace, file: FILE, text: TEXT, id: 'live', created: Date.now(), events: eventsUpTo(116), isLive: true });
    await driver.codeLens('Stop').waitFor();
    // No evaluation yet: nothing older is shown beside a run that goes.
    await driver.until('the older AP is gone', async () => (await texts('name:')) === '');
    const first = await driver.until('a loss of the new run', async () => /loss [\d.]+/.exec(await texts('- method: fgd'))?.[0]);
    await grow(folder, eventsUpTo(480, 116));
    await driver.until('AP of the new run', async () => /AP \d+\.\d \(\+\d+\.\d over control\)/.test(await texts('name:')));
    // Read after AP: losses of a long run take longer.
    await driver.until('the loss moved', async () => { const now = /loss [\d.]+/.exec(await texts('- method: fgd'))?.[0]; return now !== undefined && now !== first; });
    const picture = (await marks('name:'))[0]?.picture;
    await driver.shot('33-inline-live');
    await grow(folder, [...eventsUpTo(STEPS, 480), ended('finished', Date.now())]);
    await driver.until('the last AP', async () => (await texts('name:')).includes('AP 43.1 (+5.4 over control)'));
    expect((await marks('name:'))[0]?.picture).not.toBe(picture);
    await driver.codeLens('Run Distillation').waitFor();
  });

  test('typing hides the chart of its line until a pause, and the others follow', async () => {
    const { keyboard } = driver.page;
    await lineOf('name:').click({ position: { x: 40, y: 8 } });
    await keyboard.press('End');
    await keyboard.press('End');
    // However slow the machine: somebody who goes on typing has it out of the way.
    await driver.until('the chart is out of the way', async () => {
      await keyboard.type('x');
      return (await texts('name:')) === '';
    });
    expect(await texts('- method: fgd')).toContain('loss');
    await driver.until('it is back after the pause', async () => (await texts('name: scenes-fgdx')).includes('AP 43.1'));
    await keyboard.press('Enter');
    await keyboard.type('# a line of its own');
    await driver.until('all stand at their lines', async () => (await texts('name: scenes-fgdx')).includes('AP 43.1') && (await texts('- method: pkd')).includes('loss') && (await texts('# a line of its own')) === '');
    // No YAML any more: what was known stays where it is.
    await lineOf('control: true').click();
    await keyboard.press('End');
    await keyboard.type(' [');
    await driver.page.locator('.squiggly-error').first().waitFor();
    expect(await texts('name: scenes-fgdx')).toContain('AP 43.1');
    await driver.command('File: Revert File');
    await driver.until('the file is as it was', async () => (await lineOf('scenes-fgdx').count()) === 0 && (await texts('name: scenes-fgd')).includes('AP 43.1'));
  });

  test('each is turned off by a setting of its own', async () => {
    await settings({ 'distillLab.inlineCharts.ap': false });
    await driver.until('AP is gone', async () => (await texts('name:')) === '');
    expect(await texts('- method: fgd')).toContain('loss');
    await settings({ 'distillLab.inlineCharts.losses': false });
    await driver.until('losses are gone, AP is back', async () => (await texts('- method: fgd')) === '' && (await texts('name:')).includes('AP 43.1'));
    await settings({ 'distillLab.codeLens': false });
    await driver.codeLens('Compare').waitFor({ state: 'detached' });
    await settings({});
    await driver.codeLens('Compare').waitFor();
    await driver.until('all are back', async () => (await texts('- method: fgd')).includes('loss') && (await texts('name:')).includes('AP'));
  });

  test.each([['light', 'Light Modern'], ['contrast-dark', 'Dark High Contrast'], ['contrast-light', 'Light High Contrast']])('is drawn for the theme: %s', async (name, theme) => {
    const before = (await marks('name:'))[0]?.picture;
    await driver.theme(theme);
    await driver.until('the chart has other colours', async () => {
      const now = (await marks('name:'))[0]?.picture;
      return now !== undefined && now !== before;
    });
    await driver.shot(`34-inline-${name}`);
    await hover('name:');
    await shotOfHover(`35-inline-hover-${name}`);
  });

  test('the line that failed a run is marked in the gutter and among the problems, until it is changed', async () => {
    const mark = driver.page.locator('.glyph-margin-widgets .cgmr[class*="ced-"]');
    await driver.openFile(FAILED);
    await mark.waitFor();
    expect(await mark.evaluate((element) => (globalThis as unknown as { getComputedStyle(node: unknown): { readonly backgroundImage: string } }).getComputedStyle(element).backgroundImage)).toMatch(/^url\("data:image\/svg\+xml;base64,/);
    const [markBox, lineBox] = [await mark.boundingBox(), await lineOf('garbage.safetensors').boundingBox()];
    expect(Math.abs((markBox?.y ?? 0) - (lineBox?.y ?? 99))).toBeLessThan(10);
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.shot('36-inline-failed-contrast-light');
    await driver.theme('Dark Modern');
    await mark.waitFor();
    await driver.shot('36-inline-failed-dark');
    await settings({ 'distillLab.gutterMarks': false });
    await mark.waitFor({ state: 'detached' });
    await settings({});
    await mark.waitFor();
    await lineOf('garbage.safetensors').click();
    await driver.page.keyboard.press('Home');
    await driver.page.keyboard.press('Enter');
    await driver.until('the mark has moved with its line', async () => Math.abs(((await mark.boundingBox())?.y ?? 0) - ((await lineOf('garbage.safetensors').boundingBox())?.y ?? 99)) < 10);
    await driver.page.keyboard.press('End');
    await driver.page.keyboard.type('2');
    await mark.waitFor({ state: 'detached' });
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
