/** The real workbench while an experiment is written: quick fixes at a problem, the page behind its code, inlay hints. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { tools, whenPossible } from './support/story.ts';

const SOUND = `# A student half as wide learns where its teacher looks.
name: fixes
data:
  format: scenes
  size: [64, 64]
teacher:
  detector: retinanet
  backbone: small
  weights: teacher.safetensors
student:
  detector: retinanet
  backbone: tiny
distill:
  - method: fgd
train:
  steps: 500
`;

const isPossible = whenPossible();

describe.skipIf(!isPossible)('while an experiment is written', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    workbench = await startWorkbench({
      tools: tools(),
      files: {
        'slip.distill.yaml': SOUND.replace('method: fgd', 'method: fdg'),
        'missing.distill.yaml': SOUND.replace('  size: [64, 64]\n', ''),
        'several.distill.yaml': SOUND.replace('method: fgd', 'method: fdg').replace('steps: 500', 'stepps: 500\n  batch: "4"'),
        'hints.distill.yaml': SOUND.replace('weights: teacher.safetensors', 'weights: teacher.safetensors # made before'),
        'idle.distill.yaml': SOUND.replace('steps: 500', 'steps: 500\n  optimizer: adamw\n  momentum: 0.9\n  milestones: [0.5]'),
        'beside.distill.yaml': SOUND.replace('method: fgd', 'method: fdg'),
        'plain.yaml': SOUND.replace('method: fgd', 'method: fdg'),
        'teacher.safetensors': 'words',
      },
      besideYaml: true,
      settings: { 'files.autoSave': 'off' },
    });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const lines = async (): Promise<string> => (await driver.page.locator('.editor-instance .view-line').allInnerTexts()).join('\n').replaceAll('\u00a0', ' ');

  /** The cursor at the next problem of the file. */
  const goToProblem = async (): Promise<void> => {
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.page.locator('.editor-instance .view-lines').first().click();
    await driver.command('Go to Next Problem in Files');
    await driver.page.locator('.marker-widget').first().waitFor();
  };

  const quickFix = async (title: string): Promise<void> => {
    const menu = driver.page.locator('.action-widget .monaco-list-row').filter({ hasText: title });
    await driver.until(`${title} is offered`, async () => {
      await driver.page.keyboard.press('Escape');
      await driver.page.keyboard.press('Control+.');
      return menu.first().waitFor({ timeout: 5000 }).then(() => true, () => false);
    });
    await driver.shot(`30-fix-${title.replaceAll(/\W+/g, '-').toLowerCase()}`);
    await menu.first().click();
  };

  test('a problem shows its code, and the code leads to its page', async () => {
    await driver.openFile('slip.distill.yaml');
    await goToProblem();
    const widget = driver.page.locator('.marker-widget').first();
    const code = widget.locator('a.code-link');
    await code.filter({ hasText: 'DL105' }).waitFor();
    await driver.shot('31-problem-dark');
    await code.click();
    await driver.tab('DL105').first().waitFor();
    await driver.until('the page is shown as it is read', async () => {
      for (const frame of driver.page.frames()) if (await frame.locator('h1').filter({ hasText: 'not one of the choices' }).count().catch(() => 0) > 0) return true;
      return false;
    });
    await driver.shot('32-error-page');
    await driver.openFile('slip.distill.yaml');
  });

  test('a word that was surely meant takes its place by Quick Fix', async () => {
    await goToProblem();
    await driver.page.keyboard.press('Escape');
    await quickFix('Change to fgd');
    await driver.until('the method is fgd', async () => (await lines()).includes('method: fgd'));
    await driver.page.locator('.squiggly-error').first().waitFor({ state: 'detached' });
  });

  test('a missing key is inserted at its place', async () => {
    await driver.openFile('missing.distill.yaml');
    await goToProblem();
    await driver.page.keyboard.press('Escape');
    await quickFix('Add size');
    await driver.until('the size is there', async () => (await lines()).includes('  size: [128, 128]'));
    await driver.page.locator('.squiggly-error').first().waitFor({ state: 'detached' });
    await driver.command('File: Save');
    const saved = path.join(workbench.workspace, 'missing.distill.yaml');
    await driver.until('it is saved', async () => (await readFile(saved, 'utf8')).includes('size'));
    expect(await readFile(saved, 'utf8')).toBe(SOUND.replace('[64, 64]', '[128, 128]'));
  });

  test('Fix All mends every slip at once', async () => {
    await driver.openFile('several.distill.yaml');
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.command('Fix All');
    await driver.until('all slips are mended', async () => {
      const text = await lines();
      return text.includes('method: fgd') && text.includes('  steps: 500') && text.includes('  batch: 4');
    });
  });

  test('what has no effect is faded', async () => {
    await driver.openFile('idle.distill.yaml');
    await driver.page.locator('.squiggly-inline-unnecessary').first().waitFor();
    await driver.shot('33-idle');
  });

  test('hints stand behind their lines and go with the setting', async () => {
    await driver.openFile('hints.distill.yaml');
    const hint = driver.page.getByText('neck: 48 channels, 3 levels').first();
    await hint.waitFor();
    await driver.page.getByText('temperature: 0.5, alpha: 0.001, …').first().waitFor();
    await driver.shot('34-hints-dark');
    await driver.theme('Light Modern');
    await driver.shot('34-hints-light');
    const settings = path.join(workbench.workspace, '.vscode', 'settings.json');
    await mkdir(path.dirname(settings), { recursive: true });
    await writeFile(settings, '{ "distillLab.inlayHints": false }');
    await hint.waitFor({ state: 'detached' });
    await writeFile(settings, '{ "distillLab.inlayHints": true }');
    await hint.waitFor();
  });

  test('a double click writes a hint down', async () => {
    await driver.page.getByText('neck: 48 channels, 3 levels').last().dblclick();
    await driver.until('the neck is written', async () => (await lines()).includes('    channels: 48'));
    await driver.shot('35-hint-written');
  });

  describe('beside another YAML extension, which would take every YAML file for an experiment', () => {
    /** So few that all of them are in view. */
    const offered = async (label: string): Promise<string[]> => {
      await driver.goTo(7, 13);
      return driver.until(`${label} is offered`, async () => {
        await driver.page.keyboard.press('Escape');
        await driver.page.keyboard.press('Control+Space');
        const rows = driver.page.locator('.suggest-widget.visible .monaco-list-row .label-name');
        await rows.first().waitFor({ timeout: 5000 }).catch(() => undefined);
        const labels = await rows.allInnerTexts();
        return labels.includes(label) && labels;
      }, 120_000);
    };
    const hovers = async (line: number, column: number): Promise<string[]> => {
      await driver.goTo(line, column);
      const rows = driver.page.locator('.monaco-hover:not(.hidden) .hover-row');
      return driver.until('there is a hover', async () => {
        await driver.page.keyboard.press('Control+k');
        await driver.page.keyboard.press('Control+i');
        const isThere = await rows.filter({ hasText: 'The detector' }).first().waitFor({ timeout: 5000 }).then(() => true, () => false);
        return isThere && rows.allInnerTexts();
      });
    };

    test('that is at work in a YAML file, where ours is not', async () => {
      await driver.openFile('plain.yaml');
      await driver.page.locator('.squiggly-error').first().waitFor({ timeout: 120_000 });
      expect(await offered('fcos')).toContain('gfl');
      expect(await hovers(7, 4)).toHaveLength(1);
      expect(await driver.page.locator('.codelens-decoration').count()).toBe(0);
    });

    test('an experiment shows each problem, suggestion and hover once', async () => {
      await driver.openFile('beside.distill.yaml');
      await driver.page.locator('.squiggly-error').first().waitFor();
      const labels = await offered('fcos');
      expect(labels).toEqual([...new Set(labels)]);
      await driver.shot('36-beside-completion');
      expect(await hovers(7, 4)).toHaveLength(1);
      await driver.page.keyboard.press('Escape');
      await driver.command('Problems: Focus on Problems View');
      const row = driver.page.locator('.markers-panel .monaco-list-row');
      await row.filter({ hasText: 'other-yaml' }).first().waitFor();
      await row.filter({ hasText: 'DL105' }).first().waitFor();
      await driver.shot('37-beside-problems');
      const all = await row.allInnerTexts();
      // Experiments of the tests before have rows of their own.
      expect(all.filter((text) => text.includes('DL105')), all.join('\n')).toHaveLength(1);
      expect(all.filter((text) => /^\s*beside\.distill\.yaml/.test(text)).map((text) => text.replaceAll(/\D+/g, ''))).toEqual(['1']);
    });
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
