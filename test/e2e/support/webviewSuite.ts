/** What the tests of the panel's page share: a server, a page a test, and that no page complained of anything. */
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { CHROMIUM, type Panel, PanelServer, type PanelOptions, hasChromium, waitUntil } from '../../support/panelPage.ts';

export const SHOTS = join(import.meta.dirname, '..', '..', '..', 'test-results', 'webview');
if (!hasChromium) console.warn(`The panel's page is not tested: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH names another).`);

export interface Suite {
  readonly server: () => PanelServer;
  readonly open: (options?: PanelOptions) => Promise<Panel>;
  /** And waits for the first masks. */
  readonly openWithMasks: (options?: PanelOptions) => Promise<Panel>;
}

/** Called inside a `describe`. */
export function panelSuite(): Suite {
  let server: PanelServer | undefined;
  let panel: Panel | undefined;
  const running = (): PanelServer => {
    if (server === undefined) throw new Error('the server is not there');
    return server;
  };
  beforeAll(async () => {
    await mkdir(SHOTS, { recursive: true });
    server = await PanelServer.start();
  });
  afterAll(async () => { await server?.stop(); });
  afterEach(async () => {
    const faults = panel?.faults ?? [];
    await panel?.close();
    panel = undefined;
    expect(faults).toEqual([]);
  });
  const open = async (options: PanelOptions = {}): Promise<Panel> => {
    panel = await running().open({ run: { totalSteps: 300, reached: 200 }, ...options });
    await panel.page.waitForSelector('.chart');
    return panel;
  };
  return {
    server: running, open,
    openWithMasks: async (options) => {
      const opened = await open(options);
      await opened.page.waitForSelector('.pane .view canvas');
      await waitUntil(opened, 'document.querySelectorAll(".pane").length >= 2');
      return opened;
    },
  };
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Samples of lines that stand out less from the page than graphics must (3 : 1). axe looks at texts alone. */
export function faintLines(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const pen = document.createElement('canvas').getContext('2d');
    const rgb = (colour) => { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
    const luminance = (colour) => rgb(colour).map((byte) => byte / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4).reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const behind = luminance(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll('.legend-item line, .legend-item rect, .sample line')].flatMap((sample) => {
      const colour = sample.getAttribute('stroke') ?? sample.getAttribute('fill');
      const own = luminance(colour);
      const contrast = (Math.max(own, behind) + 0.05) / (Math.min(own, behind) + 0.05);
      return contrast < 2.99 ? [colour + ' ' + contrast.toFixed(2)] : [];
    });
  })()`);
}

/** Titles of which a part cannot be read. */
export function cutTitles(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('h2, h3')].filter((title) => title.scrollWidth > title.clientWidth + 1 || title.scrollHeight > title.clientHeight + 1).map((title) => title.textContent)`);
}

/** What axe finds serious or critical, in words. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const findings = await page.evaluate<Finding[]>('axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations)');
  return findings.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
}
