/** The real workbench when things go wrong: no trust, a broken experiment, a run that fails, a child that is killed. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWorkbench, type Workbench } from './support/codeServer.ts';
import { Driver } from './support/driver.ts';
import { distillation } from './support/experiments.ts';
import { panelText, stepShown, tools, whenPossible, workspaceFiles } from './support/story.ts';

/** A tag that other readers of YAML would call a function for, and a key that is none. */
const HOSTILE = `name: hostile
data: { format: scenes, train: 16, val: 4, size: [64, 64] }
student: !!js/function 'function () { require("fs").writeFileSync("owned", "") }'
train: { stepps: 3 }
`;

const isPossible = whenPossible();

describe.skipIf(!isPossible)('Restricted Mode', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    workbench = await startWorkbench({ tools: tools(), trust: 'ask', files: { 'good.distill.yaml': distillation('good', 20), 'hostile.distill.yaml': HOSTILE } });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
    await driver.dialogButton('No, I don').click();
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  test('says above the first line that runs are off, and offers no run button', async () => {
    await driver.openFile('good.distill.yaml');
    await driver.codeLens('Runs are off in Restricted Mode').waitFor();
    expect(await driver.page.locator('.editor-actions .codicon-play').count()).toBe(0);
  });

  test('Run Distillation starts nothing and gives the reason', async () => {
    await driver.command('Distill Lab: Run Distillation');
    await driver.notifications().filter({ hasText: 'Runs are off in Restricted Mode' }).waitFor();
    await driver.shot('10-restricted');
    expect(existsSync(path.join(workbench.workspace, 'runs'))).toBe(false);
  });

  test('a hostile file is only text, with its mistakes underlined', async () => {
    await driver.openFile('hostile.distill.yaml');
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.shot('11-hostile');
    expect((await readdir(workbench.workspace)).sort()).toEqual(['good.distill.yaml', 'hostile.distill.yaml']);
  });
});

describe.skipIf(!isPossible)('when something is wrong', () => {
  let workbench: Workbench;
  let driver: Driver;

  beforeAll(async () => {
    const files = await workspaceFiles({
      'wrong.distill.yaml': distillation('wrong', 20).replace('method: fgd', 'method: fdg'),
      'no-teacher.distill.yaml': distillation('no-teacher', 20, 'garbage.safetensors'),
      'garbage.safetensors': 'these are no weights, only words of some length',
      'long.distill.yaml': distillation('long', 5000),
    });
    workbench = await startWorkbench({ tools: tools(), files });
    driver = await Driver.launch(tools());
    await driver.open(workbench.url);
  });
  afterAll(async () => {
    await driver.close();
    await workbench.close();
  });

  const runFolder = async (name: string): Promise<string> => {
    const runs = path.join(workbench.workspace, 'runs');
    const folder = existsSync(runs) ? (await readdir(runs)).find((run) => run.includes(`-${name}-`)) : undefined;
    return folder === undefined ? '' : path.join(runs, folder);
  };

  test('an experiment with a mistake is underlined and not started', async () => {
    await driver.openFile('wrong.distill.yaml');
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.command('Distill Lab: Run Distillation');
    await driver.notifications().filter({ hasText: 'Not started:' }).waitFor();
    await driver.shot('12-wrong');
    expect(await runFolder('wrong')).toBe('');
    await driver.notifications().getByText('Go to Line').click();
    await driver.page.locator('.statusbar-item').filter({ hasText: 'Ln 10' }).waitFor();
  });

  test('a run that fails tells the reason in the panel, and leads to the line', async () => {
    await driver.openFile('no-teacher.distill.yaml');
    await driver.command('Distill Lab: Run Distillation');
    const frame = await driver.panelFrame(60_000);
    await driver.until('the panel says failed', async () => (await panelText(frame)).includes('failed'), 120_000);
    const text = await panelText(frame);
    expect(text).toMatch(/garbage\.safetensors/);
    expect(text).not.toContain(workbench.workspace);
    await driver.shot('13-failed');
    await frame.getByRole('button', { name: 'Go to the line' }).click();
    await driver.page.locator('.statusbar-item').filter({ hasText: 'Ln 7' }).waitFor();
    await driver.page.locator('.squiggly-error').first().waitFor();
    await driver.shot('14-failed-line');
  });

  test('a child that is killed from outside shows as killed within 5 s, with its last words', async () => {
    await driver.openFile('long.distill.yaml');
    await driver.command('Distill Lab: Run Distillation');
    const frame = await driver.until('the panel shows the new run', async () => {
      for (const candidate of await driver.panelFrames()) if ((await panelText(candidate)).includes('long')) return candidate;
      return undefined;
    });
    await driver.until('it trains', async () => ((await stepShown(frame)) ?? 0) > 2, 120_000);
    expect(await driver.panelFrames()).toHaveLength(1);
    const { pid } = JSON.parse(await readFile(path.join(await runFolder('long'), 'heartbeat'), 'utf8')) as { readonly pid: number };
    process.kill(pid, 'SIGKILL');
    await driver.until('the panel says killed', async () => (await panelText(frame)).includes('killed'), 5000);
    await frame.locator('.log').filter({ hasText: /\S/ }).waitFor();
    await driver.shot('15-killed');
    await driver.codeLens('Resume').waitFor();
  });

  test('no content security policy was violated and no error went uncaught', () => {
    expect(driver.violations).toEqual([]);
    expect(driver.pageErrors).toEqual([]);
  });
});
