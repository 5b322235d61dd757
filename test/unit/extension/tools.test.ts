import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runTool } from '../../../src/extension/tools.ts';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(path.join(tmpdir(), 'tools-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(script: string, args: readonly string[] = [], signal = new AbortController().signal, onLine: (line: string) => void = () => undefined, grace = 60_000): Promise<number | undefined> {
  const cliPath = path.join(folder, 'cli.cjs');
  await writeFile(cliPath, script);
  return runTool({ node: process.execPath, cliPath, args, cwd: folder, signal, onLine, grace });
}

test('hands on each line of both streams and the exit code', async () => {
  const lines: string[] = [];
  const code = await run('console.log("a\\nb"); console.error("c", process.argv[2], process.env.ELECTRON_RUN_AS_NODE); process.exitCode = 3;', ['doctor'], undefined, (line) => lines.push(line));
  expect(code).toBe(3);
  expect(lines.sort()).toEqual(['a', 'b', 'c doctor 1']);
});

test('cancelling ends the child and what it started', async () => {
  const abort = new AbortController();
  // The grandchild holds the output open: were it left alive, the tool would never count as ended.
  const script = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    console.log('up'); setInterval(() => {}, 1000);`;
  expect(await run(script, [], abort.signal, () => { abort.abort(); })).toBeUndefined();
});

test('a child that does not end when it is asked to is killed', async () => {
  const abort = new AbortController();
  const script = `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);`;
  expect(await run(script, [], abort.signal, () => { abort.abort(); }, 50)).toBeUndefined();
});

test('a cancelled child cleans up before it counts as ended', async () => {
  const abort = new AbortController();
  const script = `const fs = require('node:fs'); fs.writeFileSync('half-made', '');
    process.on('SIGTERM', () => setTimeout(() => { fs.rmSync('half-made'); process.exit(1); }, 200)); console.log('up'); setInterval(() => {}, 1000);`;
  expect(await run(script, [], abort.signal, () => { abort.abort(); })).toBeUndefined();
  expect(existsSync(path.join(folder, 'half-made'))).toBe(false);
});

test('a Node that is not there is an error, not an exit code', async () => {
  await expect(runTool({ node: path.join(folder, 'no-node'), cliPath: 'x', args: [], cwd: folder, signal: new AbortController().signal, onLine: () => undefined })).rejects.toThrow(/ENOENT/);
});
