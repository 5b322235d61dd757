/**
 * How long the panel needs for an update with 6 series of 100,000 points, in a real Chromium.
 *
 *   node benchmarks/panel.mjs [--points 100000] [--updates 40]
 *
 * Prints JSON on its last line, times in milliseconds: `update` is a message with ten new steps, which change no pixel of
 * 100,000 and are drawn within a second; `redraw` one with 200, after which all charts are drawn anew. Of both, `script` is all
 * script time of the message and the frames it leads to, `longestFrame` the longest of those frames, `processor` the page's own
 * processor time for script, style and layout. `allHistory` is the script time of the whole history, in parts of 5,000 steps,
 * `zoom` that after zooming in. Figures are reported, not judged: machines differ.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

function option(name, otherwise) {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
}

/** Runs in the page before its script: a host that keeps quiet, and a stopwatch round every frame and message. */
const stopwatch = `
  globalThis.acquireVsCodeApi = () => ({ postMessage() {}, getState() {}, setState() {} });
  globalThis.spent = 0;
  globalThis.longest = 0;
  const timed = (work) => (...given) => { const begin = performance.now(); try { return work(...given); } finally { const took = performance.now() - begin; globalThis.spent += took; globalThis.longest = Math.max(globalThis.longest, took); } };
  const frame = globalThis.requestAnimationFrame.bind(globalThis);
  globalThis.requestAnimationFrame = (work) => frame(timed(work));
  const listen = globalThis.addEventListener.bind(globalThis);
  globalThis.addEventListener = (kind, work, options) => listen(kind, kind === 'message' ? timed(work) : work, options);
  const names = ['total', 'detection.classification', 'detection.box', 'fgd.foreground', 'fgd.background', 'fgd.global'];
  globalThis.stepsFrom = (first, count) => Array.from({ length: count }, (_, i) => {
    const step = first + i;
    const losses = Object.fromEntries(names.map((name, k) => [name, (1 + k) * Math.exp(-step / 40000) * (0.8 + 0.4 * Math.abs(Math.sin(step * (k + 1.7) * 12.9898)))]));
    return { type: 'step', time: 1.7e12 + 40 * step, arm: 'student', step, losses, learningRate: 0.01, gradientNorm: 2 + Math.sin(step), imagesPerSecond: 100 };
  });
  globalThis.post = (message) => new Promise((done) => {
    globalThis.spent = globalThis.longest = 0;
    globalThis.postMessage(message, '*');
    // The page may spread its drawing over some frames; all of them count.
    let frames = 12;
    const wait = () => { frames -= 1; if (frames > 0) frame(wait); else done(globalThis.spent); };
    setTimeout(wait, 0);
  });`;

const header = `{ type: 'header', header: { id: 'bench', name: 'bench', state: 'running', hasLine: false } }`;
const started = (points) => `{ type: 'started', time: 1.7e12, pid: 1, host: 'h', name: 'bench', totalSteps: ${2 * points}, stepsPerEpoch: 1000, from: { student: 0 }, engine: { backend: 'tensorflow', device: 'CPU', precision: 'float32', captured: true }, summary: '', arms: ['student'], methods: ['fgd'], classes: [] }`;

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? NaN;
const round = (value) => Math.round(10 * value) / 10;
/** The first few warm the compiler up, as a run's own first minutes do. */
const summary = (values) => ({ median: round(quantile(values.slice(5), 0.5)), p95: round(quantile(values.slice(5), 0.95)), max: round(Math.max(...values.slice(5))) });

async function serve(folder) {
  const types = { '/webview.js': 'text/javascript', '/webview.css': 'text/css' };
  const server = createServer((request, response) => {
    const type = types[request.url];
    if (type === undefined) response.writeHead(200, { 'content-type': 'text/html' }).end('<!DOCTYPE html><html lang="en"><head><link rel="stylesheet" href="/webview.css"></head><body><script src="/webview.js"></script></body></html>');
    else readFile(request.url === '/webview.css' ? join(root, 'webview/style.css') : join(folder, 'webview.js')).then((bytes) => response.writeHead(200, { 'content-type': type }).end(bytes));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function measure(page, points, updates) {
  await page.evaluate(`post(${header})`);
  const firstPaint = await page.evaluate(`(async () => {
    let spent = await post({ type: 'events', events: [${started(points)}], reset: true });
    for (let first = 1; first <= ${points}; first += 5000) spent += await post({ type: 'events', events: stepsFrom(first, Math.min(5000, ${points} - first + 1)), reset: false });
    return spent;
  })()`);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const processorTime = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * ['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'].reduce((sum, name) => sum + (metrics.find((metric) => metric.name === name)?.value ?? 0), 0);
  };
  // What the frames and the question itself cost without anything to draw; taken off below.
  const nothing = [];
  for (let i = 0; i < 10; i += 1) {
    const before = await processorTime();
    await page.evaluate('stepsFrom(1, 10), post(0)');
    nothing.push((await processorTime()) - before);
  }
  let at = points + 1;
  const update = async (steps) => {
    const [times, processor, longest] = [[], [], []];
    for (let i = 0; i < updates + 5; i += 1) {
      const before = await processorTime();
      times.push(await page.evaluate(`post({ type: 'events', events: stepsFrom(${at}, ${steps}), reset: false })`));
      at += steps;
      longest.push(await page.evaluate('globalThis.longest'));
      processor.push((await processorTime()) - before - quantile(nothing, 0.5));
    }
    return { script: summary(times), longestFrame: summary(longest), processor: summary(processor) };
  };
  const small = await update(10);
  const redraw = await update(200);
  const plot = await page.locator('[data-chart="total"] .plot canvas').boundingBox();
  await page.evaluate('globalThis.spent = 0');
  await page.mouse.move(plot.x + 150, plot.y + 60);
  await page.mouse.down();
  await page.mouse.move(plot.x + 158, plot.y + 60, { steps: 3 });
  await page.evaluate('globalThis.spent = 0');
  await page.mouse.up();
  await page.waitForTimeout(400);
  const zoom = await page.evaluate('globalThis.spent');
  return { points, series: 6, updates, update: small, redraw, allHistory: round(firstPaint), zoom: round(zoom) };
}

async function main() {
  if (!existsSync(executablePath)) throw new Error(`There is no Chromium at ${executablePath}; CHROMIUM_PATH names another.`);
  const folder = await mkdtemp(join(tmpdir(), 'bench-webview-'));
  await build({ absWorkingDir: root, entryPoints: ['webview/main.ts'], bundle: true, platform: 'browser', target: 'es2022', format: 'iife', outfile: join(folder, 'webview.js'), logLevel: 'warning' });
  const server = await serve(folder);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
    page.on('pageerror', (error) => { console.error(String(error)); });
    await page.addInitScript({ content: stopwatch });
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    console.log(JSON.stringify(await measure(page, option('points', 100_000), option('updates', 40))));
  } finally {
    await browser.close();
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
