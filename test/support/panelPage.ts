/**
 * The panel's page in a real Chromium, under the content security policy that the extension sets, with a host played by the
 * test: what the page posts is answered from a fake run.
 */
import { createServer, type Server } from 'node:http';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, type Page, chromium } from 'playwright-core';
import { type RunEvent } from '../../src/experiment/record.ts';
import { type RunHeader, type ToHost } from '../../webview/contract.ts';
import { type FakeRunOptions, fakeEvents, fakeRecording } from './fakeRun.ts';
import { fakeImage } from './fakeScene.ts';
import { type ThemeName, themeClass, themeSheet } from './themes.ts';

export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const hasChromium = existsSync(CHROMIUM);
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const ROOT = join(import.meta.dirname, '..', '..');
const NONCE = 'dGVzdC1ub25jZQ';

export interface PanelOptions {
  readonly theme?: ThemeName;
  readonly run?: FakeRunOptions;
  readonly events?: readonly RunEvent[];
  readonly header?: Partial<RunHeader>;
  readonly width?: number;
  readonly height?: number;
  /** Translations, as the extension puts them into the page. */
  readonly words?: Readonly<Record<string, string>>;
  /** What `getState` gives at first. */
  readonly state?: unknown;
  /** Plays the host of another page than the run's. */
  readonly answer?: (page: Page, message: unknown) => Promise<void>;
}

export interface Panel {
  readonly page: Page;
  /** Everything the page posted. */
  readonly posted: ToHost[];
  /** Policy violations, page errors, and errors in the console. */
  readonly faults: string[];
  send(message: unknown): Promise<void>;
  /** What the page last saved. */
  state(): Promise<unknown>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** The bundle as `scripts/build.mjs` makes it, in a folder of its own so that the test never sees an old one. */
export async function bundlePage(entry = 'webview/main.ts'): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'panel-'));
  await build({ absWorkingDir: ROOT, entryPoints: [entry], bundle: true, platform: 'browser', target: 'es2022', format: 'iife', outfile: join(folder, 'webview.js'), logLevel: 'warning' });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export class PanelServer {
  readonly #server: Server;
  readonly #browser: Browser;
  readonly #folder: string;
  readonly #remove: () => Promise<void>;
  theme: ThemeName = 'dark';
  words: PanelOptions['words'];

  private constructor(server: Server, browser: Browser, folder: string, remove: () => Promise<void>) {
    this.#folder = folder;
    this.#server = server;
    this.#browser = browser;
    this.#remove = remove;
  }

  /** @param entry of the page; its style sheet is its own where it imports one */
  static async start(entry?: string): Promise<PanelServer> {
    const { folder, remove } = await bundlePage(entry);
    const style = existsSync(join(folder, 'webview.css')) ? join(folder, 'webview.css') : join(ROOT, 'webview', 'style.css');
    const files: Readonly<Record<string, readonly [string, string]>> = { '/webview.js': ['text/javascript', join(folder, 'webview.js')], '/webview.css': ['text/css', style] };
    const open: { server?: PanelServer } = {};
    const server = createServer((request, response) => {
      const path = (request.url ?? '/').split('?')[0] ?? '/';
      const file = files[path];
      const theme = open.server?.theme ?? 'dark';
      if (file !== undefined) void readFile(file[1]).then((bytes) => response.writeHead(200, { 'content-type': file[0] }).end(bytes));
      else if (path === '/theme.css') response.writeHead(200, { 'content-type': 'text/css' }).end(themeSheet(theme));
      else response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy(request.headers.host ?? '') }).end(html(theme, open.server?.words));
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', () => { resolve(); }); });
    open.server = new PanelServer(server, await launchChromium(), folder, remove);
    return open.server;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  get browser(): Browser {
    return this.#browser;
  }

  /** What a report embeds. */
  async assets(): Promise<{ readonly script: string; readonly style: string }> {
    const [script, style] = await Promise.all([readFile(join(this.#folder, 'webview.js'), 'utf8'), readFile(join(ROOT, 'webview', 'style.css'), 'utf8')]);
    return { script, style };
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await new Promise<void>((resolve) => { this.#server.close(() => { resolve(); }); });
    await this.#remove();
  }

  async open(options: PanelOptions = {}): Promise<Panel> {
    this.theme = options.theme ?? 'dark';
    this.words = options.words;
    const context = await this.#browser.newContext({ viewport: { width: options.width ?? 1400, height: options.height ?? 1500 } });
    const page = await context.newPage();
    const posted: ToHost[] = [];
    const faults: string[] = [];
    page.on('pageerror', (error) => { faults.push(error.stack ?? String(error)); });
    page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
    await page.exposeBinding('postToHost', async (_, message: ToHost) => {
      posted.push(message);
      await (options.answer === undefined ? answer(page, message, options) : options.answer(page, message));
    });
    await page.exposeFunction('reportViolation', (text: string) => { faults.push(`policy: ${text}`); });
    await page.addInitScript({ content: hostScript(options.state) });
    await page.goto(this.address);
    return {
      page, posted, faults,
      send: (message) => sendTo(page, message),
      state: () => page.evaluate('JSON.parse(sessionStorage.getItem("state") ?? "null")'),
      reload: async () => { await page.reload(); },
      close: () => context.close(),
    };
  }
}

/** As in the extension's panel: nothing but the page's own script and style. */
function policy(host: string): string {
  const source = `http://${host}`;
  return `default-src 'none'; script-src 'nonce-${NONCE}'; style-src ${source}; img-src ${source} data: blob:; font-src ${source}`;
}

function html(theme: ThemeName, words: PanelOptions['words']): string {
  const data = words === undefined ? '' : `<script type="application/json" id="words">${JSON.stringify(words).replaceAll('<', '\\u003c')}</script>`;
  return `<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Run</title>
<link rel="stylesheet" href="/theme.css"><link rel="stylesheet" href="/webview.css"></head>
<body class="${themeClass(theme)}">${data}<script nonce="${NONCE}" src="/webview.js"></script></body></html>`;
}

function hostScript(state: unknown): string {
  return `
    if (sessionStorage.getItem('state') === null) sessionStorage.setItem('state', ${JSON.stringify(JSON.stringify(state ?? null))});
    const decode = globalThis.createImageBitmap.bind(globalThis);
    globalThis.bitmaps = { made: 0, open: 0, most: 0 };
    globalThis.createImageBitmap = async (...given) => {
      const bitmap = await decode(...given);
      const close = bitmap.close.bind(bitmap);
      bitmap.close = () => { globalThis.bitmaps.open -= 1; close(); };
      Object.assign(globalThis.bitmaps, { made: globalThis.bitmaps.made + 1, open: globalThis.bitmaps.open + 1, most: Math.max(globalThis.bitmaps.most, globalThis.bitmaps.open + 1) });
      return bitmap;
    };
    globalThis.acquireVsCodeApi = () => ({
      // Bytes do not cross to the test as they are.
      postMessage: (message) => globalThis.postToHost(message.content instanceof ArrayBuffer ? { ...message, content: { bytes: [...new Uint8Array(message.content)] } } : message),
      getState: () => JSON.parse(sessionStorage.getItem('state')) ?? undefined,
      setState: (value) => sessionStorage.setItem('state', JSON.stringify(value)),
    });
    document.addEventListener('securitypolicyviolation', (event) => globalThis.reportViolation(event.violatedDirective + ' ' + event.blockedURI));`;
}

export const bytesOf = (base64: string): string => `Uint8Array.from(atob(${JSON.stringify(base64)}), (c) => c.charCodeAt(0)).buffer`;

export async function sendTo(page: Page, message: unknown): Promise<void> {
  await page.evaluate(`window.postMessage(${JSON.stringify(message).replaceAll('<', '\\u003c')}, '*')`);
}

/** Many at once, of anything that a message can carry: what JSON cannot say is told by a mark. */
export async function sendAll(on: Panel, messages: Iterable<unknown>): Promise<void> {
  const text = JSON.stringify([...messages], (_, value: unknown) => {
    if (value === undefined) return { $: 'undefined' };
    if (typeof value === 'number' && !Number.isFinite(value)) return { $: 'NaN' };
    return value instanceof ArrayBuffer ? { $: 'bytes', of: [...new Uint8Array(value)] } : value;
  });
  await on.page.evaluate(`(() => {
    const revive = (value) => {
      if (typeof value !== 'object' || value === null) return value;
      if (value.$ === 'undefined') return undefined;
      if (value.$ === 'NaN') return NaN;
      if (value.$ === 'bytes') return Uint8Array.from(value.of).buffer;
      return Array.isArray(value) ? value.map(revive) : Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
    };
    for (const message of revive(JSON.parse(${JSON.stringify(text)}))) window.postMessage(message, '*');
  })()`);
}

async function answer(page: Page, message: ToHost, options: PanelOptions): Promise<void> {
  const run = options.run ?? {};
  if (message.type === 'ready') {
    await sendTo(page, { type: 'header', header: { id: 'fake-1', name: run.name ?? 'scenes-fgd', state: 'running', hasLine: false, picturesEvery: 150, evaluateEvery: 150, ...options.header } });
    await sendTo(page, { type: 'events', events: options.events ?? fakeEvents(run), reset: true });
  } else if (message.type === 'pictures') {
    const { index, values } = fakeRecording(run, Number(message.folder.split('-').at(-1)));
    const base64 = Buffer.from(values.buffer).toString('base64');
    await page.evaluate(`window.postMessage({ type: 'pictures', folder: ${JSON.stringify(message.folder)}, index: ${JSON.stringify(index)}, values: ${bytesOf(base64)} }, '*')`);
  } else if (message.type === 'image') {
    const image = Number(/scene-(\d+)/.exec(message.file)?.[1] ?? 0);
    const base64 = (await fakeImage(image, run.imageSize ?? 128)).toString('base64');
    await page.evaluate(`window.postMessage({ type: 'image', file: ${JSON.stringify(message.file)}, mime: 'image/png', bytes: ${bytesOf(base64)} }, '*')`);
  }
}

/** Until an expression of the page is true. */
export async function waitUntil(on: Panel, condition: string): Promise<void> {
  // Not by waitForFunction: it evaluates strings inside the page, which the policy rightly forbids.
  const until = Date.now() + 60_000;
  // A condition on what is not drawn yet is not true yet.
  while (!(await on.page.evaluate<boolean>(condition).catch(() => false))) {
    if (Date.now() > until) throw new Error(`never true: ${condition}`);
    await on.page.waitForTimeout(40);
  }
}

/** How many pixels of a canvas are drawn, or a sum over them that changes with the picture. */
export function inkOf(on: Panel, selector: string): Promise<number> {
  return on.page.evaluate(`(() => {
  const canvas = document.querySelector(${JSON.stringify(selector)});
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i] + 3 * data[i + 1] + 7 * data[i + 2] + 11 * data[i + 3];
  return sum;
})()`);
}
