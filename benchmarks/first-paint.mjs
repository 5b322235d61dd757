/**
 * How long somebody looks at nothing after opening the panel of a run: one that has no event yet, and one that is busy with many.
 *
 *   node benchmarks/first-paint.mjs [--points 100000] [--times 5] [--no-workbench]
 *
 * Prints JSON on its last line, medians in milliseconds with the least and the most. `page` is the page alone in Chromium, counted from
 * its navigation: `paint` is the browser's first contentful paint, `header` the frame in which the run's name and state stand there,
 * `curves` the frame after the first line was drawn. A host sends the history in parts of 5,000 events, as the extension does.
 * `workbench` is the real one (null without code-server, docs/vscode.md): from the command *Open Run Panel* being chosen until the
 * panel tells the run, and until its curves are drawn; the panel is closed in between. Needs `npm run build`. Figures are reported, not judged.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const EVENTS_A_MESSAGE = 5000;

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

const round = (value) => Math.round(10 * value) / 10;
function summary(values) {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known.length === 0 ? null : { median: round(known[known.length >> 1]), least: round(known[0]), most: round(known.at(-1)) };
}

/** The fake runs, and the hands and eyes of the end-to-end tests, which are TypeScript. */
async function support(folder) {
  const outfile = join(folder, 'support.mjs');
  await build({
    stdin: {
      contents: ["export { findTools, startWorkbench } from './test/e2e/support/codeServer.ts';", "export { Driver } from './test/e2e/support/driver.ts';", "export { fakeRun } from './test/e2e/support/fakeRuns.ts';", "export { TEACHER } from './test/e2e/support/experiments.ts';", "export { fakeEvents } from './test/support/fakeRun.ts';"].join('\n'),
      resolveDir: root, loader: 'ts',
    },
    bundle: true, platform: 'node', format: 'esm', target: 'node20', packages: 'external', outfile, logLevel: 'warning',
    define: { 'import.meta.dirname': JSON.stringify(join(root, 'test', 'e2e', 'support')) },
  });
  return import(pathToFileURL(outfile).href);
}

/** Runs in the page before its script: the host, and a look at the page in every frame. */
const watcher = `
  globalThis.seen = {};
  globalThis.acquireVsCodeApi = () => ({
    postMessage(message) {
      if (message.type !== 'ready') return;
      // One after the other, as the extension reads the record.
      const next = async (part) => {
        const message = await (await fetch('/events/' + part)).json();
        if (message === null) return;
        globalThis.postMessage(message, '*');
        await next(part + 1);
      };
      void next(0);
    },
    getState() {}, setState() {},
  });
  const drawn = (canvas) => canvas !== null && canvas.width > 0 && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte > 0);
  const look = () => {
    const named = document.querySelector('h1')?.textContent ?? '';
    if (seen.header === undefined && named === 'busy or not') seen.header = performance.now();
    const waits = document.querySelector('[data-chart="total"] .waiting');
    if (seen.curves === undefined && (document.querySelector('[data-chart="total"] .legend-item .value')?.textContent ?? '') !== '' && waits?.hidden !== false && drawn(document.querySelector('[data-chart="total"] canvas'))) seen.curves = performance.now();
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);`;

async function page(runs, times) {
  const folder = await mkdtemp(join(tmpdir(), 'first-paint-'));
  const messagesOf = (events) => {
    const parts = [{ type: 'header', header: { id: 'bench', name: 'busy or not', state: events.length === 0 ? 'preparing' : 'running', hasLine: false } }];
    for (let first = 0; first < events.length; first += EVENTS_A_MESSAGE) parts.push({ type: 'events', events: events.slice(first, first + EVENTS_A_MESSAGE), reset: first === 0 });
    return parts.map((part) => JSON.stringify(part));
  };
  let messages = [];
  const files = { '/webview.js': ['text/javascript', join(root, 'dist/webview.js')], '/webview.css': ['text/css', join(root, 'dist/webview.css')] };
  const server = createServer((request, response) => {
    const file = files[request.url];
    const part = /^\/events\/(\d+)$/.exec(request.url)?.[1];
    if (part !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(messages[Number(part)] ?? 'null');
    else if (file === undefined) response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html lang="en"><head><link rel="stylesheet" href="/webview.css"></head><body><div id="panel"></div><script src="/webview.js"></script></body></html>');
    else readFile(file[1]).then((bytes) => response.writeHead(200, { 'content-type': file[0] }).end(bytes));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const result = {};
  try {
    for (const [name, events] of Object.entries(runs)) {
      messages = messagesOf(events);
      const taken = [];
      for (let i = 0; i < times; i += 1) {
        const context = await browser.newContext({ viewport: { width: 1400, height: 1000 } });
        const tab = await context.newPage();
        await tab.addInitScript({ content: watcher });
        await tab.goto(`http://127.0.0.1:${server.address().port}/`);
        await tab.waitForFunction(events.length === 0 ? 'seen.header !== undefined' : 'seen.curves !== undefined', undefined, { timeout: 120_000 });
        taken.push(await tab.evaluate(`({ paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime, ...seen })`));
        await context.close();
      }
      result[name] = Object.fromEntries(['paint', 'header', 'curves'].map((what) => [what, summary(taken.map((one) => one[what]))]));
    }
    return result;
  } finally {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function workbench({ findTools, startWorkbench, Driver, fakeRun, TEACHER }, runs, times) {
  const tools = findTools();
  if ('missing' in tools) {
    console.error(`not in the workbench: ${tools.missing}`);
    return null;
  }
  const text = (name) => TEACHER.replace('tiny-teacher', name);
  const files = Object.fromEntries(Object.keys(runs).map((name) => [`${name}.distill.yaml`, text(name)]));
  const running = await startWorkbench({ tools, files });
  const driver = await Driver.launch(tools);
  const result = {};
  try {
    let created = Date.now() - 60_000;
    for (const [name, events] of Object.entries(runs)) await fakeRun({ workspace: running.workspace, file: `${name}.distill.yaml`, text: text(name), id: `2026-01-01-${name}-aaaaa`, created: (created += 1000), events, isLive: true });
    await driver.open(running.url);
    for (const [name, events] of Object.entries(runs)) {
      await driver.openFile(`${name}.distill.yaml`);
      await driver.codeLens('Stop').waitFor({ timeout: 120_000 });
      const taken = [];
      for (let i = 0; i < times; i += 1) {
        const begin = await chosen(driver, 'Distill Lab: Open Run Panel');
        const frame = await driver.until('the panel tells the run', async () => {
          const [candidate] = await driver.panelFrames();
          return candidate !== undefined && await candidate.locator('header h1').innerText({ timeout: 1000 }).catch(() => '') !== '' ? candidate : undefined;
        });
        const header = Date.now() - begin;
        if (events.length > 0) await frame.locator('[data-chart="total"] .legend-item .value', { hasText: /\d/ }).first().waitFor({ timeout: 60_000 });
        taken.push({ header, curves: events.length > 0 ? Date.now() - begin : undefined });
        await driver.page.getByRole('tab', { name: new RegExp(`^${name},`) }).getByRole('button', { name: /^Close/ }).click();
        await driver.until('the panel is closed', async () => (await driver.panelFrames()).length === 0);
        await driver.tab(`${name}.distill.yaml`).click();
      }
      // The first opening also loads the editor's own frame.
      result[name] = { first: taken[0], ...Object.fromEntries(['header', 'curves'].map((what) => [what, summary(taken.map((one) => one[what]))])) };
    }
    return result;
  } finally {
    await driver.close();
    await running.close();
  }
}

/** Chooses a command, and when that was. */
async function chosen(driver, title) {
  const row = driver.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`).first();
  await driver.until(`there is the command ${title}`, async () => {
    await driver.page.keyboard.press('Escape');
    await driver.page.keyboard.press('F1');
    await driver.page.locator('.quick-input-widget input').fill(`>${title}`, { timeout: 5000 });
    return row.waitFor({ timeout: 5000 }).then(() => true, () => false);
  });
  const begin = Date.now();
  await row.click();
  return begin;
}

if (!existsSync(executablePath)) throw new Error(`There is no Chromium at ${executablePath}; CHROMIUM_PATH names another.`);
if (!existsSync(join(root, 'dist/webview.js'))) throw new Error('dist is missing: run `npm run build` first');
const folder = join(root, 'test-results', '.first-paint');
try {
  const tools = await support(folder);
  const [points, times] = [option('points', 100_000), option('times', 5)];
  const runs = { empty: [], busy: tools.fakeEvents({ name: 'busy', totalSteps: points, arms: ['student'], images: 0, picturesEvery: points }) };
  console.log(JSON.stringify({ points, page: await page(runs, times), workbench: process.argv.includes('--no-workbench') ? null : await workbench(tools, runs, times) }));
} finally {
  await rm(folder, { recursive: true, force: true });
}
