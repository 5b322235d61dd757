/** The first minutes in the real workbench: an experiment from a template, the doctor, the setting that hides the lenses. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { TEACHER } from './support/experiments.ts';
import { panelText, tools, whenPossible } from './support/story.ts';

/** The least that is a VOC folder. */
const CELLS = {
  'data/cells/Annotations/a.xml': '<annotation><size><width>640</width><height>480</height></size><object><name>WBC</name></object><object><name>RBC</name></object></annotation>',
  'data/cells/ImageSets/Main/train.txt': 'a\n',
  'data/cells/JPEGImages/a.jpg': '',
};

describe.skipIf(!whenPossible())('the first minutes', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: { 'notes.txt': 'notes', 'teacher.distill.yaml': TEACHER, ...CELLS } });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const create = async (): Promise<void> => {
    await driver.command('Distill Lab: Create Experiment');
    const row = driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'scenes-fgd.distill.yaml' });
    await row.waitFor();
    await driver.shot('20-templates');
    await row.click();
  };

  test('Create Experiment writes a commented template and opens it', async () => {
    await create();
    await driver.tab('scenes-fgd.distill.yaml').waitFor();
    await driver.codeLens('Run Distillation').waitFor();
    expect(await readFile(path.join(workbench.workspace, 'scenes-fgd.distill.yaml'), 'utf8')).toMatch(/^#/);
    await driver.shot('21-created');
  });

  test('a second one overwrites nothing', async () => {
    await create();
    await driver.tab('scenes-fgd-2.distill.yaml').waitFor();
    expect((await readdir(workbench.workspace)).filter((file) => file.startsWith('scenes-fgd')).sort()).toEqual(['scenes-fgd-2.distill.yaml', 'scenes-fgd.distill.yaml']);
  });

  test('Doctor lists what there is, and leads to the log', async () => {
    await driver.command('Distill Lab: Doctor');
    const list = driver.page.locator('.quick-input-widget');
    await list.locator('.monaco-list-row').filter({ hasText: 'Computes on' }).waitFor({ timeout: 120_000 });
    await driver.shot('22-doctor');
    expect(await list.locator('.quick-input-title').innerText()).toMatch(/^Doctor/);
    await list.locator('.codicon-output').click();
    // The editor draws spaces that do not break.
    const output = async (): Promise<string> => (await driver.page.locator('.panel .view-lines').innerText().catch(() => '')).replaceAll('\u00a0', ' ');
    await driver.until('the log tells it too', async () => (await output()).includes('Computes on'));
    await driver.page.keyboard.press('Escape');
  });

  test('data in the workspace is offered, with its classes filled in', async () => {
    await driver.command('Distill Lab: Create Experiment');
    const row = driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'cells: distil a student' });
    await row.waitFor();
    await driver.shot('24-own-data');
    expect(await row.innerText()).toMatch(/VOC · data\/cells[\s\S]*2 classes: RBC, WBC/);
    await row.click();
    await driver.tab('cells-fgd.distill.yaml').waitFor();
    expect(await readFile(path.join(workbench.workspace, 'cells-fgd.distill.yaml'), 'utf8')).toMatch(/root: data\/cells[\s\S]*classes: \[RBC, WBC\]/);
  });

  test('a run without distillation has its panel too, by the play button', async () => {
    await driver.openFile('teacher.distill.yaml');
    await driver.page.locator('.editor-actions .codicon-play').first().click();
    const frame = await driver.panelFrame(60_000);
    await driver.until('it has finished', async () => (await panelText(frame)).includes('finished'), 120_000);
    await driver.shot('23-teacher');
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
