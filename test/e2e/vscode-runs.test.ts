/** The view of runs in the real workbench: what it shows, and what can be done from it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FakeRunOptions, fakeEvents, writeFakeRun } from '../support/fakeRun.ts';
import { PROJECT, startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { TEACHER } from './support/experiments.ts';
import { tools, whenPossible } from './support/story.ts';

const isPossible = whenPossible();
const HOSTILE = '<img src=x onerror="document.title=1"> $(trash) [x](command:workbench.action.quit)';

describe.skipIf(!isPossible)('the view of runs', () => {
  let workbench: Workbench;
  let driver: Driver;
  let root = '';
  const now = Date.now();

  const view = (): Locator => driver.page.locator('[id="workbench.view.extension.distillLab"]');
  const rows = (): Locator => view().locator('.monaco-list-row');
  /** By its name, and a word of it. */
  const row = (name: string, word = ''): Locator => view().locator(`.monaco-list-row[aria-label^="${name}"]${word === '' ? '' : `[aria-label*="${word}"]`}`);
  const labels = async (): Promise<string[]> => Promise.all((await rows().all()).map(async (one) => await one.getAttribute('aria-label', { timeout: 2000 }).catch(() => null) ?? ''));
  const menu = (title: string): Locator => driver.page.locator('.monaco-menu .action-item').filter({ hasText: title });
  const input = (): Locator => driver.page.locator('.quick-input-widget input[type="text"]').first();
  const pickRow = (text: string): Locator => driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text });

  async function fake(id: string, options: FakeRunOptions): Promise<string> {
    const folder = path.join(root, id);
    await writeFakeRun(folder, { totalSteps: 60, logEvery: 5, images: 0, ...options });
    return folder;
  }

  async function fromMenu([name = '', word]: readonly string[], title: string): Promise<void> {
    // A menu that has just come up takes no click on a slow machine; it is asked again until it has gone.
    await driver.until(`${title} is chosen`, async () => {
      if (!await menu(title).isVisible()) await row(name, word).click({ button: 'right' });
      await menu(title).hover();
      await menu(title).click();
      return menu(title).waitFor({ state: 'hidden', timeout: 3000 }).then(() => true, () => false);
    });
  }

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: { 'teacher.distill.yaml': TEACHER } });
    root = path.join(workbench.workspace, 'runs');
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  test('says what to do when there is none', async () => {
    await driver.page.locator('.activitybar .action-item a[aria-label^="Distill Lab"]').click();
    await view().getByText('There is no run yet.').waitFor();
    await view().getByRole('button', { name: 'Create Experiment' }).waitFor();
    await driver.shot('30-runs-empty');
  });

  test('shows runs that appear in the folder, by experiment, hostile ones with a warning', async () => {
    await fake('2026-01-01-scenes-fgd-aaaaa', { name: 'scenes-fgd', end: 'finished', begin: now - 7_200_000 });
    await fake('2026-01-01-scenes-fgd-bbbbb', { name: 'scenes-fgd', end: 'stopped', reached: 40, begin: now - 3_600_000 });
    await fake('2026-01-01-scenes-rm-ccccc', { name: 'scenes-rm', methods: ['rm'], end: 'failed', reached: 30, begin: now - 600_000 });
    const events = path.join(await fake('2026-01-01-hostile-ddddd', { name: 'hostile', end: 'finished', arms: ['student'], begin: now - 86_400_000 }), 'events.jsonl');
    await writeFile(events, `${(await readFile(events, 'utf8')).replaceAll('"name":"hostile"', `"name":${JSON.stringify(HOSTILE)}`)}garbage\n\u0000\n`);
    await truncate(events, 2 * 2 ** 30);
    await mkdir(path.join(workbench.workspace, 'elsewhere'));
    await writeFile(path.join(workbench.workspace, 'elsewhere', 'events.jsonl'), '');
    await symlink(path.join(workbench.workspace, 'elsewhere'), path.join(root, 'link'));
    await driver.until('all runs are there', async () => (await rows().count()) >= 9, 120_000);
    const all = (await labels()).join('\n');
    expect(all).toMatch(/scenes-fgd, .*AP 4\d\.\d \(\+\d+\.\d\) · 2 h ago.*, finished/);
    expect(all).toMatch(/scenes-rm, .*failed/);
    expect(all).toMatch(/img src=x.*with a warning/);
    expect(all).toMatch(/link.*lost.*with a warning/);
    await driver.shot('31-runs');
    // The rows may be drawn anew under the pointer: it comes again until the tooltip is there.
    await driver.until('the tooltip tells the gain', async () => {
      await driver.page.mouse.move(700, 600);
      await row('scenes-fgd', 'finished').locator('.monaco-icon-label').hover();
      return driver.page.locator('.monaco-hover').filter({ hasText: 'over the better control' }).first().waitFor({ timeout: 5000 }).then(() => true, () => false);
    });
    await driver.page.screenshot({ path: path.join(PROJECT, 'test-results', 'vscode', '32-runs-tooltip.png') });
  });

  test('sorts, filters and flattens', async () => {
    await driver.command('Distill Lab: Show Runs as a List');
    await driver.until('the list is flat', async () => (await rows().count()) === 5);
    await driver.command('Distill Lab: Sort Runs');
    await pickRow('By name').click();
    await driver.until('it stands by name', async () => (await labels()).filter((label) => label.startsWith('scenes')).map((label) => label.split(',')[0]).join(' ') === 'scenes-fgd scenes-fgd scenes-rm');
    await driver.command('Distill Lab: Filter Runs');
    await pickRow('By words').click();
    await input().fill('fgd stopped');
    await driver.page.keyboard.press('Enter');
    await driver.until('one is shown', async () => (await rows().count()) === 1);
    await view().getByText('1 of 5 runs').waitFor();
    await driver.command('Distill Lab: Show All Runs');
    await driver.until('all are shown', async () => (await rows().count()) === 5);
    await driver.command('Distill Lab: Filter Runs');
    await pickRow('By state').click();
    await pickRow('failed').locator('input[type="checkbox"], .monaco-checkbox, .quick-input-list-checkbox').first().click();
    await driver.page.keyboard.press('Enter');
    await driver.until('the failed one is shown', async () => (await labels()).every((label) => label.startsWith('scenes-rm')));
    await driver.command('Distill Lab: Show All Runs');
    await driver.until('all are shown again', async () => (await rows().count()) === 5);
  });

  test('opens a run by a click and its experiment to read', async () => {
    await row('scenes-fgd', 'finished').click();
    await driver.panelFrame();
    expect(await driver.panelFrames()).toHaveLength(1);
    await fromMenu(['scenes-fgd', 'finished'], 'Open Experiment as Started');
    await driver.tab('experiment.yaml').waitFor();
    await driver.page.locator('.editor-instance .view-line').filter({ hasText: 'detector: retinanet' }).first().waitFor();
    await driver.shot('33-run-config');
  });

  test('renames by key and pins from the menu, in the run folder and nowhere else', async () => {
    await row('scenes-fgd', 'stopped').click();
    await driver.page.keyboard.press('F2');
    await input().fill('The long one');
    await driver.page.keyboard.press('Enter');
    await row('The long one', 'stopped').waitFor();
    await fromMenu(['The long one'], 'Pin Run');
    await driver.until('the pinned one comes first', async () => (await labels())[0]?.startsWith('The long one, pinned') === true);
    const folder = path.join(root, '2026-01-01-scenes-fgd-bbbbb');
    expect(JSON.parse(await readFile(path.join(folder, 'note.json'), 'utf8'))).toEqual({ title: 'The long one', pinned: true });
  });

  test('deletes the row that the keys have come to, with its size, and puts it back', async () => {
    const folder = path.join(root, '2026-01-01-scenes-rm-ccccc');
    await row('scenes-fgd', 'finished').click();
    await driver.page.keyboard.press('ArrowDown');
    await driver.until('the arrows are on the failed run', async () => (await view().locator('.monaco-list-row.focused').getAttribute('aria-label'))?.startsWith('scenes-rm') === true);
    await driver.page.keyboard.press('Delete');
    const told = driver.notifications().filter({ hasText: 'Deleted scenes-rm' });
    await told.waitFor();
    expect(await told.innerText()).toMatch(/\d+(\.\d)? kB are freed when this window is closed/);
    await row('scenes-rm').waitFor({ state: 'detached' });
    expect(existsSync(folder)).toBe(false);
    await driver.shot('34-run-deleted');
    await told.getByText('Undo').click();
    await row('scenes-rm', 'failed').waitFor();
    expect(existsSync(folder)).toBe(true);
  });

  test('cleans up after a dry run', async () => {
    const useless = path.join(root, '2026-01-01-useless-eeeee');
    await writeFakeRun(useless, { name: 'useless', totalSteps: 60, images: 0, end: 'failed', begin: now - 400_000 });
    const [first] = fakeEvents({ name: 'useless', end: 'failed', totalSteps: 60 });
    await writeFile(path.join(useless, 'events.jsonl'), `${JSON.stringify(first)}\n${JSON.stringify({ type: 'ended', time: now, state: 'failed' })}\n`);
    const old = path.join(root, '2026-01-01-scenes-fgd-aaaaa', 'checkpoints/student');
    for (const name of ['last', 'last.old']) {
      await mkdir(path.join(old, name), { recursive: true });
      await writeFile(path.join(old, name, 'state.json'), '{}');
      await writeFile(path.join(old, name, 'student.safetensors'), Buffer.alloc(3_000_000));
    }
    await row('useless').waitFor({ timeout: 120_000 });
    await driver.command('Distill Lab: Clean Up Runs');
    await pickRow('last.old').waitFor();
    await pickRow('useless').first().waitFor();
    await driver.shot('35-clean-up');
    await driver.page.keyboard.press('Escape');
    expect(existsSync(path.join(old, 'last.old'))).toBe(true);
    await driver.command('Distill Lab: Clean Up Runs');
    await pickRow('last.old').waitFor();
    await driver.page.locator('.quick-input-widget .monaco-button').filter({ hasText: 'OK' }).click();
    await driver.notifications().filter({ hasText: 'Deleted 2 items' }).waitFor();
    await row('useless').waitFor({ state: 'detached' });
    expect(await readdir(old)).toEqual(['last']);
  });

  test('shows a run that was started from the command line, and how many go', async () => {
    const cli = path.join(PROJECT, 'dist/cli.js');
    await promisify(execFile)(process.execPath, [cli, 'run', 'teacher.distill.yaml', '--set', 'train.steps=3000', '--detach'], { cwd: workbench.workspace });
    await row('tiny-teacher, ').waitFor({ timeout: 120_000 });
    await driver.page.locator('.activitybar .badge').filter({ hasText: '1' }).first().waitFor();
    await driver.until('it trains', async () => (await labels()).some((label) => /tiny-teacher, .*\d+ %.*, running/.test(label)), 300_000);
    await driver.shot('36-runs-live');
    await fromMenu(['tiny-teacher'], 'Stop');
    await row('tiny-teacher', 'stopped').waitFor({ timeout: 120_000 });
  });

  test('looks right in the light, too', async () => {
    await driver.command('Distill Lab: Group Runs by Experiment');
    await driver.until('it is grouped', async () => (await rows().count()) > 6);
    await driver.theme('Light Modern');
    await driver.shot('37-runs-light');
    await driver.theme('Dark Modern');
    await driver.shot('38-runs-dark');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
