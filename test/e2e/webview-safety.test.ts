/** The panel's page before what is wrong, strange or meant badly. */
import { describe, expect, it } from 'vitest';
import { type RunEvent } from '../../src/experiment/record.ts';
import { type ViewState } from '../../webview/contract.ts';
import { fakeEvents } from '../support/fakeRun.ts';
import { hostileMessages } from '../support/hostileMessages.ts';
import { hasChromium, sendAll, waitUntil } from '../support/panelPage.ts';
import { panelSuite } from './support/webviewSuite.ts';

describe.skipIf(!hasChromium)('the panel and what it must not believe', () => {
  const { open, openWithMasks } = panelSuite();

  it('shows another run in the same page without anything of the first', async () => {
    const opened = await openWithMasks();
    await opened.send({ type: 'header', header: { id: 'other', name: 'other run', state: 'preparing', hasLine: false, picturesEvery: 50 } });
    await opened.send({ type: 'events', events: [], reset: true });
    await waitUntil(opened, 'document.querySelector("h1").textContent === "other run"');
    await waitUntil(opened, 'document.querySelector(".masks .empty").textContent === "Masks are recorded every 50 steps."');
    expect(await opened.page.locator('.waiting').first().innerText()).toContain('first step');
    await opened.page.waitForTimeout(400);
    expect(((await opened.state()) as ViewState).runId).toBe('other');
  });

  it('takes a hostile run folder for what it is: words', async () => {
    const evil = '<img src=x onerror="window.hacked = 1"><script>window.hacked = 2</script>';
    const events: RunEvent[] = fakeEvents({ totalSteps: 20, arms: ['student'], name: evil.slice(0, 79) }).map((event) => {
      if (event.type === 'step') return { ...event, losses: { ...event.losses, ...(JSON.parse(`{"__proto__": 1, "constructor.prototype": 2}`) as Record<string, number>), [`${evil}.${evil}`]: 1, ...Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`p${i}.x`, i])) } };
      return event.type === 'started' ? { ...event, classes: [evil], summary: evil.repeat(50) } : event;
    });
    const opened = await open({ events, header: { name: evil, reason: evil, logTail: [evil] } });
    await opened.send({ type: 'problem', message: evil });
    await waitUntil(opened, '!document.querySelector(".problem").hidden');
    expect(await opened.page.locator('img, .page script').count()).toBe(0);
    expect(await opened.page.evaluate('window.hacked')).toBeUndefined();
    expect(await opened.page.locator('.chart').count()).toBeLessThan(16);
    expect(await opened.page.locator('.curves .hint').innerText()).toContain('more parts are not shown');
  });

  it('outlives every message that is wrong at any one place, and draws the next right one', async () => {
    const opened = await openWithMasks();
    await sendAll(opened, hostileMessages());
    await opened.page.waitForTimeout(300);
    expect(await opened.page.evaluate('window.hacked')).toBeUndefined();
    expect(await opened.page.locator('img, .page script').count()).toBe(0);
    await opened.send({ type: 'header', header: { id: 'next', name: 'the next run', state: 'running', hasLine: false } });
    await opened.send({ type: 'events', events: fakeEvents({ totalSteps: 300, reached: 120 }), reset: true });
    await waitUntil(opened, 'document.querySelector("h1").textContent === "the next run" && document.querySelector(".facts").textContent.includes("step 120 / 300")');
    await waitUntil(opened, 'document.querySelectorAll(".pane").length === 4');
  });

  it('says once that lines of the record could not be read, and draws the others', async () => {
    const opened = await open({ header: { damage: '2 lines of events.jsonl could not be read and are left out.' } });
    await waitUntil(opened, 'document.querySelector(".notice").textContent === "2 lines of events.jsonl could not be read and are left out."');
    expect(await opened.page.locator('.chart').count()).toBe(6);
  });
});
