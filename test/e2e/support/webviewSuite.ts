/** What the tests of the panel's page share: a server, a page a test, and that no page complained of anything. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
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
