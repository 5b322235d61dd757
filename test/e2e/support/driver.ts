/** Hands and eyes for the workbench: commands by F1, the panel's frame, screenshots, and what the console complained of. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser, type Frame, type Locator, type Page } from 'playwright-core';
import { PROJECT, type Tools } from './codeServer.ts';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const SHOTS = path.join(PROJECT, 'test-results', 'vscode');

export class Driver {
  readonly page: Page;
  /** Everything that looks like a violated content security policy, from any frame. */
  readonly violations: string[] = [];
  /** Uncaught errors of the panel's page. */
  readonly pageErrors: string[] = [];
  private readonly browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.browser = browser;
    this.page = page;
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) this.violations.push(`${message.location().url}: ${message.text()}`);
    });
    page.on('pageerror', (error) => {
      const stack = error.stack ?? error.message;
      // The workbench's own frame around a page stumbles when that page goes while it is still being loaded (the walkthrough's).
      if (!stack.includes('webview/browser/pre/index.html') || /\/dist\/\w+\.js/.test(stack)) this.pageErrors.push(stack);
    });
  }

  static async launch(tools: Tools): Promise<Driver> {
    const browser = await chromium.launch({ executablePath: tools.chromium, args: FLAGS });
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    return new Driver(browser, await context.newPage());
  }

  async open(url: string): Promise<void> {
    await this.page.goto(url);
    await this.ready();
  }

  async reload(): Promise<void> {
    // In a browser the workbench writes down every five seconds what is open; nothing shows when it has.
    await this.page.waitForTimeout(10_000);
    await this.page.reload();
    await this.ready();
  }

  /** Opens a file from the Explorer, to stay (a double click). */
  async openFile(name: string): Promise<void> {
    await this.page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: name }).first().dblclick();
    await this.tab(name).first().waitFor();
    await this.page.locator('.editor-instance .view-lines').first().waitFor();
  }

  /** F1, the command's title, a click on its row. */
  async command(title: string): Promise<void> {
    // The first row need not be the one: what was used before comes first.
    const row = this.page.locator(`.quick-input-list .monaco-list-row[aria-label^="${title}"]`).first();
    await this.until(`there is the command ${title}`, async () => {
      // A list that was opened before the extension was known does not learn of it: it is opened anew.
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('F1');
      return heard(async () => {
        await this.page.locator('.quick-input-widget input').fill(`>${title}`, { timeout: 5000 });
        await row.click({ timeout: 5000 });
      });
    });
  }

  /** Changes the colour theme as a user does. */
  async theme(name: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row');
    await this.until(`the theme is ${name}`, async () => {
      await this.command('Preferences: Color Theme');
      return heard(async () => {
        // The list of themes takes the place of the list of commands.
        await row.filter({ hasText: 'Solarized Dark' }).or(row.filter({ hasText: 'Dark Modern' })).first().waitFor({ timeout: 10_000 });
        await this.page.locator('.quick-input-widget input').fill(name, { timeout: 5000 });
        await this.page.locator('.quick-input-list .monaco-list-row.focused').filter({ hasText: name }).waitFor({ timeout: 5000 });
        await this.page.keyboard.press('Enter');
        await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden', timeout: 5000 });
      });
    });
  }

  /** The cursor of the editor that has the focus, 1-based. A key that a busy workbench did not hear is pressed again. */
  async goTo(line: number, column = 1): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    const place = this.page.locator('.statusbar-item').filter({ hasText: `Ln ${line}, Col ${column}` });
    await this.until(`the cursor is at ${line}, ${column}`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+g');
      return heard(async () => {
        await input.fill(`:${line}:${column}`, { timeout: 5000 });
        await this.page.keyboard.press('Enter');
        await place.waitFor({ timeout: 5000 });
      });
    });
  }

  /** Puts another text in the place of a line of the editor that has the focus. @param line from 1 on. */
  async replaceLine(line: number, text: string): Promise<void> {
    await this.goTo(line);
    await this.page.keyboard.press('Home');
    await this.page.keyboard.press('Shift+End');
    await this.page.keyboard.insertText(text);
  }

  /** Follows the system's colours, without a key pressed: wants the setting `window.autoDetectColorScheme`. */
  async scheme(kind: 'light' | 'dark'): Promise<void> {
    await this.page.emulateMedia({ colorScheme: kind });
    await this.page.locator(kind === 'light' ? '.monaco-workbench.vs' : '.monaco-workbench.vs-dark').waitFor();
  }

  tab(name: string): Locator {
    return this.page.locator('.tabs-container .tab').filter({ hasText: name });
  }

  /** The buttons of the question that stands in the middle of the window. */
  dialogButton(text: string): Locator {
    return this.page.locator('.monaco-dialog-box .monaco-button').filter({ hasText: text });
  }

  /** Texts above the lines of the editor. */
  codeLens(text: string): Locator {
    return this.page.locator('.codelens-decoration').filter({ hasText: text });
  }

  notifications(): Locator {
    return this.page.locator('.notifications-toasts .notification-list-item');
  }

  statusBar(): Locator {
    return this.page.locator('.statusbar-item[id*="distillLab.run"], .statusbar-item:has(.codicon-graph-line)').first();
  }

  /** The frames that hold our page: those with its main part. VS Code nests two frames a webview. */
  async panelFrames(): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (const frame of this.page.frames()) {
      const isOurs = await frame.locator('main.page').count().catch(() => 0);
      if (isOurs > 0) frames.push(frame);
    }
    return frames;
  }

  async panelFrame(timeout = 20_000): Promise<Frame> {
    return this.until('the panel is there', async () => (await this.panelFrames())[0], timeout);
  }

  /** Asks again until there is an answer; the screen is kept when there is none. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>, timeout = 60_000): Promise<T> {
    const end = Date.now() + timeout;
    while (Date.now() < end) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      await this.page.waitForTimeout(100);
    }
    await this.shot(`missed-${what.replaceAll(/\W+/g, '-')}`);
    throw new Error(`It did not come true within ${timeout / 1000} s that ${what}.`);
  }

  async shot(name: string): Promise<void> {
    mkdirSync(SHOTS, { recursive: true });
    // Over nothing that has a tooltip.
    await this.page.mouse.move(300, 600);
    // Toasts slide in.
    await this.page.waitForTimeout(400);
    await this.page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  private async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    await this.page.locator('.explorer-viewlet, .explorer-folders-view').first().waitFor({ timeout: 60_000 });
  }
}

/** Whether the workbench did what it was asked to: one that is busy loses a key, or closes a list that has just opened. */
async function heard(action: () => Promise<void>): Promise<boolean> {
  return action().then(() => true, () => false);
}
