/** The first minutes in the real workbench: an experiment from a template, the doctor, the setting that hides the lenses. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { TEACHER } from './support/experiments.ts';
import { panelText, tools, whenPossible } from './support/story.ts';

describe.skipIf(!whenPossible())('the first minutes', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), files: { 'notes.txt': 'notes', 'teacher.distill.yaml': TEACHER } });
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

  test('Doctor tells in the log what engine there is', async () => {
    await driver.command('Distill Lab: Doctor');
    // The editor draws spaces that do not break.
    const output = async (): Promise<string> => (await driver.page.locator('.panel .view-lines').innerText().catch(() => '')).replaceAll('\u00a0', ' ');
    await driver.until('the log tells of the engine', async () => (await output()).includes('exit code'), 120_000);
    await driver.shot('22-doctor');
    expect(await output()).toMatch(/Backend +(tensorflow|webgpu|wasm|cpu)/);
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
