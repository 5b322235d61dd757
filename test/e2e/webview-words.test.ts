/** The page in a language that nobody speaks: every word of ours that is still English would show. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { METHOD_CARDS } from '../../src/experiment/methods/index.ts';
import { fakeEvents, fakeRecording } from '../support/fakeRun.ts';
import { FAKE_CLASSES } from '../support/fakeScene.ts';
import { type Panel, hasChromium, waitUntil } from '../support/panelPage.ts';
import { SHOTS, panelSuite } from './support/webviewSuite.ts';

const RUN = { totalSteps: 300, reached: 200, methods: ['fgd', 'rm'] } as const;

/** Each text in brackets, with accents and a third longer, as translations are. */
async function pseudoWords(): Promise<Record<string, string>> {
  const bundle = JSON.parse(await readFile(join(import.meta.dirname, '../../l10n/bundle.l10n.json'), 'utf8')) as Record<string, string>;
  const accents: Readonly<Record<string, string>> = { a: 'á', e: 'é', i: 'í', o: 'ó', u: 'ú', A: 'Á', E: 'É', I: 'Í', O: 'Ó', U: 'Ú' };
  const strange = (text: string): string => `⟦${text.replace(/\{\d+\}|[aeiouAEIOU]/g, (match) => accents[match] ?? match)}${'·'.repeat(Math.ceil(text.length / 3))}⟧`;
  return Object.fromEntries(Object.keys(bundle).map((text) => [text, strange(text)]));
}

/** Everything that is seen or read aloud. */
const TEXTS = `(() => {
  const texts = [];
  const walk = document.createTreeWalker(document.querySelector('.page'), NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node !== null; node = walk.nextNode()) texts.push(node.textContent);
  for (const node of document.querySelectorAll('.page *')) for (const name of ['aria-label', 'aria-description', 'aria-valuetext', 'title', 'placeholder', 'alt']) if (node.hasAttribute(name)) texts.push(node.getAttribute(name));
  return texts;
})()`;

/** What comes from the run, not from us. */
function wordsOfTheRun(): string[] {
  const { index } = fakeRecording(RUN, 180);
  const started = fakeEvents(RUN).find((event) => event.type === 'started');
  const parts = new Set(fakeEvents(RUN).flatMap((event) => (event.type === 'step' ? Object.keys(event.losses).map((name) => name.split('.')[1] ?? name) : [])));
  return [
    'scenes-fgd', started?.summary ?? '', started?.engine.device ?? '', 'float32', 'AP50', 'AP75', 'AP', 'viridis', 'magma', 'SVG', 'PNG', 'CSV', 'reason of the run', 'line of the log', 'damage of the record',
    ...parts, ...FAKE_CLASSES, ...Object.values(METHOD_CARDS).map(({ title }) => title),
    ...index.images.map(({ id }) => id), ...index.masks.flatMap(({ title, caption, level }) => [title, caption, level]),
  ].sort((a, b) => b.length - a.length);
}

/** What is left of the texts without brackets and without the run's own words. */
async function english(on: Panel): Promise<string[]> {
  const own = wordsOfTheRun();
  const texts = await on.page.evaluate<string[]>(TEXTS);
  return [...new Set(texts)].filter((text) => {
    let rest = text;
    for (const word of own) rest = rest.replaceAll(word, ' ');
    // Texts stand in texts: the innermost first.
    while (/⟦[^⟦⟧]*⟧/.test(rest)) rest = rest.replaceAll(/⟦[^⟦⟧]*⟧/g, ' ');
    return /\p{L}{2,}/u.test(rest);
  });
}

describe.skipIf(!hasChromium)('the panel in another language', () => {
  const { open, openWithMasks } = panelSuite();

  it('shows no English word of its own: running, failed, masks, boxes, bars', async () => {
    const words = await pseudoWords();
    const opened = await openWithMasks({ run: RUN, words });
    await waitUntil(opened, 'document.querySelector(".state-word").textContent === "⟦rúnníng···⟧"');
    expect(await english(opened)).toEqual([]);
    await opened.page.screenshot({ path: join(SHOTS, 'panel-words.png'), fullPage: true });
    await opened.page.locator('.masks').getByText('RM', { exact: true }).click();
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 3');
    await opened.page.locator('.panes').focus();
    await opened.page.keyboard.press('ArrowRight');
    expect(await english(opened)).toEqual([]);
    await opened.page.locator('.masks').getByText('FGD', { exact: true }).click();
    await opened.page.locator('select[name="mask"]').selectOption({ label: 'Channel attention' });
    await opened.page.locator('.bars').waitFor();
    await opened.page.locator('.bars').focus();
    await opened.page.keyboard.press('ArrowRight');
    expect(await english(opened)).toEqual([]);
    await opened.send({ type: 'header', header: { id: 'fake-1', name: 'scenes-fgd', state: 'failed', reason: 'reason of the run', hasLine: true, logTail: ['line of the log'], damage: 'damage of the record' } });
    await waitUntil(opened, '!document.querySelector(".trouble").hidden');
    expect(await english(opened)).toEqual([]);
  });

  it('says what will come in that language too', async () => {
    const opened = await open({ words: await pseudoWords(), events: [], header: { state: 'preparing', name: 'scenes-fgd' } });
    await waitUntil(opened, 'document.querySelector(".masks .empty").textContent.startsWith("⟦")');
    expect(await english(opened)).toEqual([]);
  });

  it('stays English where the page is given no words, or none that can be read', async () => {
    const opened = await open({ words: { Stop: 7 } as unknown as Record<string, string> });
    expect(await opened.page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(1);
    // And this is how it would be found.
    expect((await english(opened)).length).toBeGreaterThan(20);
  });
});
