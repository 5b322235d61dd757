/**
 * The README's picture, from a real run: `node scripts/screenshots.mjs runs/<run>` opens the run's report in Chromium
 * and writes media/readme/panel.png. Needs Chromium (CHROMIUM names another program than /usr/bin/chromium).
 */
import { mkdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';

const root = join(import.meta.dirname, '..');
const [run] = process.argv.slice(2);
if (run === undefined) {
  console.error('usage: node scripts/screenshots.mjs RUN_FOLDER');
  process.exit(2);
}
const made = spawnSync(process.execPath, [join(root, 'dist/cli.js'), 'report', run], { stdio: 'inherit' });
if (made.status !== 0) process.exit(made.status ?? 1);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
try {
  const page = await (await browser.newContext({ colorScheme: 'dark', viewport: { width: 1240, height: 900 }, deviceScaleFactor: 1 })).newPage();
  await page.goto(pathToFileURL(join(resolve(run), 'report.html')).href);
  await page.waitForSelector('canvas');
  // Pictures are loaded when they are seen.
  await page.locator('.pane').first().scrollIntoViewIfNeeded();
  await page.waitForTimeout(2000);
  await page.evaluate('scrollTo(0, 0)');
  await page.waitForTimeout(300);
  const picture = await page.screenshot({ fullPage: true });
  mkdirSync(join(root, 'media/readme'), { recursive: true });
  await sharp(picture).png({ palette: true, colours: 128, compressionLevel: 9 }).toFile(join(root, 'media/readme/panel.png'));
} finally {
  await browser.close();
}
