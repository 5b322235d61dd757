/** Writing an experiment in the real workbench: completion, hover, definitions, format and outline, in experiments and in no other YAML file. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { tools, whenPossible } from './support/story.ts';

const EXPERIMENT = `# Cells, FCOS to FCOS.
name: cells
data:
  format: coco
  root: cells
  train: { annotations: train.json, images: images }
  val: { annotations: train.json, images: images }
  classes: []
  size: [64, 64]
teacher:
  detector: fcos
  backbone: small
  weights: teacher.safetensors
student:
  detector: fcos
  backbone: tiny
distill:
  - method: fgd
    scale: normalized
train:
  steps:   100
  optimizer: sgd
`;

const isPossible = whenPossible();

describe.skipIf(!isPossible)('writing an experiment', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    const annotations = JSON.stringify({ images: [], annotations: [], categories: [{ id: 1, name: 'RBC' }, { id: 2, name: 'white cell' }] });
    workbench = await startWorkbench({
      tools: tools(),
      files: { 'cells.distill.yaml': EXPERIMENT, 'other.yaml': EXPERIMENT, 'cells/train.json': annotations, 'cells/images/a.png': new Uint8Array(8), 'teacher.safetensors': new Uint8Array(8), 'teachers/big.pth': new Uint8Array(8) },
      settings: { 'editor.wordBasedSuggestions': 'off', 'editor.minimap.enabled': false },
    });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
    await driver.openFile('cells.distill.yaml');
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const press = (key: string): Promise<void> => driver.page.keyboard.press(key);

  const rows = (): Locator => driver.page.locator('.suggest-widget.visible .monaco-list-row');

  /** Asks for the list until it holds what is awaited: the extension may still be starting. */
  const suggested = async (label: string): Promise<string[]> => driver.until(`the list holds ${label}`, async () => {
    await press('Escape');
    await press('Control+Space');
    await rows().first().waitFor({ timeout: 5000 }).catch(() => undefined);
    const labels = await rows().locator('.label-name').allInnerTexts();
    return labels.includes(label) && labels;
  }, 120_000);

  /** Saves until the file holds it. Escape first would break off what is still at work. */
  const savedWith = (text: string): Promise<string> => driver.until(`the file holds ${text.trim()}`, async () => {
    await press('Control+s');
    const now = await readFile(path.join(workbench.workspace, 'cells.distill.yaml'), 'utf8');
    return now.includes(text) && now;
  });

  test('parameters of the chosen method come with the default for the chosen detector', async () => {
    await driver.goTo(19, 22);
    await press('Enter');
    await driver.page.keyboard.type('temp');
    const labels = await suggested('temperature');
    expect(labels.filter((label) => ['tap', 'branches', 'method'].includes(label))).toEqual([]);
    await driver.page.locator('.suggest-widget .monaco-list-row.focused').filter({ hasText: 'temperature' }).waitFor();
    await driver.shot('60-completion-parameter');
    await press('Enter');
    await savedWith('    scale: normalized\n    temperature: 0.8\n');
  });

  test('keys of a section, and whole blocks', async () => {
    await driver.goTo(23, 17);
    await press('Enter');
    const labels = await suggested('learningRate');
    expect(labels).not.toContain('every');
    await driver.page.keyboard.type('sched');
    await driver.page.locator('.suggest-widget .monaco-list-row.focused').filter({ hasText: 'schedule' }).waitFor();
    await press('Enter');
    // The values are offered at once, with the default marked.
    await rows().filter({ hasText: 'cosine' }).first().waitFor();
    await driver.shot('61-completion-value');
    await press('Escape');
    await driver.page.keyboard.type('step');
    await press('Escape');
    await savedWith('  schedule: step\n');
  });

  test('class names out of the annotations, files for weights', async () => {
    await driver.goTo(8, 13);
    const labels = await suggested('white cell');
    expect(labels).toContain('RBC');
    await driver.goTo(13, 12);
    const files = await suggested('teacher.safetensors');
    expect(files).toEqual(expect.arrayContaining(['teachers/big.pth', 'teachers/']));
    await driver.shot('62-completion-weights');
  });

  test('a hover tells meaning, values, default and paper, in light and dark', async () => {
    const hover = driver.page.locator('.monaco-hover:not(.hidden) .hover-contents').filter({ hasText: 'FGD · temperature' }).first();
    const show = async (): Promise<void> => {
      await driver.goTo(20, 8);
      await driver.until('the hover is there', async () => {
        await press('Control+k');
        await press('Control+i');
        return hover.waitFor({ timeout: 5000 }).then(() => true, () => false);
      });
    };
    await show();
    const text = await hover.innerText();
    expect(text).toMatch(/0\.8 \(for fcos\)/);
    expect(text).toMatch(/Focal and Global Knowledge Distillation/);
    expect(text).toMatch(/Page of FGD/);
    await driver.shot('63-hover-dark');
    await press('Escape');
    await driver.theme('Light Modern');
    await driver.tab('cells.distill.yaml').first().click();
    await show();
    await driver.shot('64-hover-light');
    await driver.goTo(12, 13);
    await suggested('resnet50');
    await driver.shot('65-completion-light');
    await press('Escape');
    await driver.theme('Dark Modern');
    await driver.tab('cells.distill.yaml').first().click();
  });

  test('the outline names methods, and Go to Symbol finds them', async () => {
    const row = driver.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'fgd' }).first();
    await driver.until('the symbols are listed', async () => {
      // Back into the editor: the theme was chosen elsewhere.
      await driver.goTo(2, 1);
      await press('Control+Shift+o');
      // Only rows in view exist.
      await driver.page.keyboard.type('fgd');
      return row.waitFor({ timeout: 10_000 }).then(() => true, () => false);
    });
    await driver.shot('66-symbols');
    await press('Escape');
  });

  test('a format mends blanks and keeps comments', async () => {
    await driver.command('Format Document');
    expect(await savedWith('  steps: 100\n')).toContain('# Cells, FCOS to FCOS.\nname: cells\n');
  });

  test('Go to Definition opens the annotations', async () => {
    await driver.goTo(6, 30);
    await press('F12');
    await driver.tab('train.json').first().waitFor();
    await driver.shot('67-definition');
  });

  test('another YAML file gets nothing of it', async () => {
    await driver.openFile('other.yaml');
    await driver.goTo(19, 22);
    await press('Enter');
    await press('Control+Space');
    await driver.page.locator('.suggest-widget.visible .message').filter({ hasText: 'No suggestions' }).waitFor();
    await driver.goTo(18, 8);
    await press('Control+k');
    await press('Control+i');
    await driver.shot('68-other-yaml');
    expect(await driver.page.locator('.monaco-hover:not(.hidden) .hover-contents').filter({ hasText: 'FGD' }).count()).toBe(0);
    expect(await driver.page.locator('.squiggly-error, .codelens-decoration').count()).toBe(0);
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
