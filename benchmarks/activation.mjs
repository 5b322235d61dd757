/**
 * How long the extension takes to start: in the real workbench, and its code alone in a bare Node.js.
 *
 *   node benchmarks/activation.mjs [--times 5] [--processes 15]
 *
 * Prints JSON on its last line, medians in milliseconds with the least and the most. `workbench` wants code-server and Chromium (docs/vscode.md)
 * and is null without them: the window is opened so many times on a workspace with an experiment, each time with a new extension host.
 * `activate` is what the extension's log says (`activated in … ms`); `all` what the editor itself tells of it under *Developer: Show
 * Running Extensions*: reading and evaluating the code, and activating. `code` is `require('dist/extension.js')` in fresh processes with a
 * stand-in for the editor's module: `passed` by the clock, `processor` of all threads. Needs `npm run build`. Figures are
 * reported, not judged: machines differ.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, 'dist', 'extension.js');

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const round = (value) => Math.round(10 * value) / 10;
const sorted = (values) => [...values].sort((a, b) => a - b);
const summary = (values) => values.length === 0 ? null : { median: round(sorted(values)[values.length >> 1]), least: round(Math.min(...values)), most: round(Math.max(...values)) };

/** Everything that is asked of it, whatever that is; nothing is done. */
const standIn = `
  const { readFileSync } = require('node:fs');
  const Module = require('node:module');
  const anything = () => new Proxy(class {}, { get: (made, key) => key === 'prototype' ? made.prototype : key === Symbol.toPrimitive ? () => '' : key === 'then' ? undefined : anything(), apply: anything, construct: anything });
  const bundle = process.argv[1];
  const names = new Set([...readFileSync(bundle, 'utf8').matchAll(/\\bvscode\\d*\\.(\\w+)/g)].map(([, name]) => name));
  const editor = Object.fromEntries([...names].map((name) => [name, anything()]));
  const load = Module._load;
  Module._load = function (name, ...rest) { return name === 'vscode' ? editor : load.call(this, name, ...rest); };
  const used = process.cpuUsage();
  const begin = performance.now();
  const { activate } = require(bundle);
  const passed = performance.now() - begin;
  const { user, system } = process.cpuUsage(used);
  if (typeof activate !== 'function') throw new Error('there is nothing to activate');
  console.log(JSON.stringify({ passed, processor: (user + system) / 1000 }));`;

async function code(processes) {
  const taken = Array.from({ length: processes }, () => JSON.parse(execFileSync(process.execPath, ['-e', standIn, bundle], { encoding: 'utf8' })));
  return { bytes: (await stat(bundle)).size, passed: summary(taken.map(({ passed }) => passed)), processor: summary(taken.map(({ processor }) => processor)) };
}

/** The hands and eyes of the end-to-end tests, which are TypeScript. */
async function handsAndEyes(folder) {
  const outfile = join(folder, 'support.mjs');
  await build({
    stdin: { contents: "export { findTools, startWorkbench } from './test/e2e/support/codeServer.ts';\nexport { Driver } from './test/e2e/support/driver.ts';", resolveDir: root, loader: 'ts' },
    bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', outfile, logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(join(root, 'test', 'e2e', 'support')) },
  });
  return import(pathToFileURL(outfile).href);
}

async function logLines(folder) {
  const files = (await readdir(folder, { recursive: true }).catch(() => [])).filter((file) => file.endsWith('Distill Lab.log'));
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => [...text.matchAll(/activated in ([\d.]+) ms/g)].map(([, ms]) => Number(ms)));
}

async function workbench(times) {
  const folder = join(root, 'test-results', '.activation');
  try {
    const { findTools, startWorkbench, Driver } = await handsAndEyes(folder);
    const tools = findTools();
    if ('missing' in tools) {
      console.error(`not in the workbench: ${tools.missing}`);
      return null;
    }
    const experiment = 'name: first\ndata: { format: scenes }\nstudent: { detector: retinanet, backbone: tiny }\n';
    const running = await startWorkbench({ tools, files: { 'a.distill.yaml': experiment } });
    const all = [];
    try {
      for (let i = 0; i < times; i += 1) {
        const driver = await Driver.launch(tools);
        try {
          await driver.open(running.url);
          await driver.openFile('a.distill.yaml');
          await driver.codeLens('Run Distillation').waitFor({ timeout: 120_000 });
          await driver.command('Developer: Show Running Extensions');
          const row = driver.page.locator('.runtime-extensions-editor .extension').filter({ hasText: 'Distill Lab' });
          const text = await row.locator('.activation-time').innerText({ timeout: 60_000 });
          all.push(Number(/(\d+)\s*ms/.exec(text)?.[1] ?? NaN));
        } finally {
          await driver.close();
        }
      }
      const logs = join(dirname(running.workspace), 'user', 'logs');
      return { activate: summary(await logLines(logs)), all: summary(all) };
    } finally {
      await running.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (!existsSync(bundle)) throw new Error('dist/extension.js is missing: run `npm run build` first');
console.log(JSON.stringify({ code: await code(option('processes', 15)), workbench: await workbench(option('times', 5)) }));
