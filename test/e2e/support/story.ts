/** What the stories share: whether they can be told here, their workspace, and how the panel is read. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Frame } from 'playwright-core';
import sharp from 'sharp';
import { beforeEach } from 'vitest';
import { findTools, PROJECT, type Tools } from './codeServer.ts';
import { TEACHER } from './experiments.ts';

const found = findTools();

/** Where a tool is missing the stories are skipped, saying so; with `DISTILL_LAB_FULL=1` they fail instead. */
export function whenPossible(): boolean {
  if (!('missing' in found)) return true;
  if (process.env.DISTILL_LAB_FULL === '1') throw new Error(found.missing);
  console.warn(`SKIPPED: the real VS Code is not tested: ${found.missing}.`);
  return false;
}

export function tools(): Tools {
  if ('missing' in found) throw new Error(found.missing);
  return found;
}

/** Called inside a `describe` that tells a story: what follows a failed chapter would only fail for the same reason, slowly. */
export function inChapters(): void {
  let broken = false;
  beforeEach(({ skip, onTestFailed }) => {
    skip(broken, 'an earlier chapter failed');
    onTestFailed(() => { broken = true; });
  });
}

/** The given files beside a tiny teacher that the product's own command line has trained. */
export async function workspaceFiles(files: Readonly<Record<string, string>>): Promise<Record<string, string | Uint8Array>> {
  return { ...files, 'teacher.safetensors': await trainTeacher() };
}

async function trainTeacher(): Promise<Uint8Array> {
  const folder = await mkdtemp(path.join(tmpdir(), 'distill-lab-teacher-'));
  try {
    const cli = path.join(PROJECT, 'dist/cli.js');
    if (!existsSync(cli)) throw new Error('dist/cli.js is missing: run `npm run build` first.');
    const experiment = path.join(folder, 'teacher.distill.yaml');
    await writeFile(experiment, TEACHER);
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [cli, 'run', experiment, '--json'], { cwd: folder, maxBuffer: 2 ** 26 });
    const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { readonly folder?: string };
    if (last.folder === undefined) throw new Error(`The teacher was not trained: ${stdout}`);
    const weights = path.join(folder, 'teacher.safetensors');
    await run(process.execPath, [cli, 'export', last.folder, '--output', weights], { cwd: folder });
    return await readFile(weights);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The header of the panel as text. */
export async function panelText(frame: Frame): Promise<string> {
  return frame.locator('header.head').innerText().catch(() => '');
}

/** The step that the header tells: `step 40 / 1,500`. */
export async function stepShown(frame: Frame): Promise<number | undefined> {
  const match = /step ([\d,]+)/.exec(await panelText(frame));
  return match?.[1] === undefined ? undefined : Number(match[1].replaceAll(',', ''));
}

/** Whether something is drawn where the first of these elements is: pixels of many brightnesses, not one colour. */
export async function isDrawn(frame: Frame, selector: string): Promise<boolean> {
  const element = frame.locator(selector).first();
  if (!await element.isVisible()) return false;
  const { channels } = await sharp(await element.screenshot()).stats();
  return channels.slice(0, 3).some(({ stdev }) => stdev > 10);
}
