import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILES } from '../../../src/experiment/record.ts';
import { findAssets } from '../../../src/report/assets.ts';
import { chooseRecordings, collectEvents } from '../../../src/report/collect.ts';
import { inlineScript, json, text } from '../../../src/report/html.ts';
import { writeReport } from '../../../src/report/report.ts';
import { type ReportData } from '../../../webview/reportData.ts';
import { writeFakeRun, type FakeRunOptions } from '../../support/fakeRun.ts';

const assets = { script: 'document.title += "</script><!--";\r\n', style: '.a { color: red; }' };
let folder: string;

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'report-')); });
afterAll(async () => { await rm(folder, { recursive: true, force: true }); });

async function reportOf(name: string, options: FakeRunOptions, change?: (run: string) => Promise<void>): Promise<string> {
  const run = join(folder, name);
  await writeFakeRun(run, { totalSteps: 120, images: 2, imageSize: 64, ...options });
  await change?.(run);
  const file = await writeReport(run, join(run, 'out', 'report.html'), { assets, now: new Date('2026-01-02T03:04:05Z') });
  expect(file).toBe(join(run, 'out', 'report.html'));
  return readFile(file, 'utf8');
}

function dataOf(html: string): ReportData {
  return JSON.parse(/<script type="application\/json" id="report-data">([^<]*)<\/script>/.exec(html)?.[1] ?? '') as ReportData;
}

describe('a finished run', () => {
  it('has the table, the settings, the notes, and its data', async () => {
    const html = await reportOf('finished', { end: 'finished' });
    expect(html).toContain('<th scope="row">teacher</th><td>69.8</td>');
    expect(html).toContain('student without distillation, inheriting');
    expect(html).toContain('<td>+29.3</td>');
    expect(html).toContain('Finished: 120 steps of 3 trainings.');
    expect(html).toContain('one run, one seed');
    expect(html).toContain('2 boxes without area were dropped.');
    expect(html).toContain('learningRate: 0.006');
    const data = dataOf(html);
    expect(data.pictures).toHaveLength(6);
    expect(data.images.map((image) => image.file)).toEqual(['images/scene-0.png', 'images/scene-1.png']);
    expect(Buffer.from(data.pictures[0]?.values ?? '', 'base64').length % 4).toBe(0);
    expect(html).toContain('Masks of 6 of 11 recorded steps are in this report.');
    const offered = data.events.filter((event) => event.type === 'pictures').map((event) => event.folder);
    expect(offered).toEqual(data.pictures.map((item) => item.folder));
  });

  it('needs nothing from outside and lets nothing else run', async () => {
    const html = await reportOf('closed', { end: 'finished' });
    expect(html).not.toMatch(/\b(src|href|action)=/);
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(policy).toMatch(/^default-src &#39;none&#39;; script-src &#39;sha256-[^;]*&#39;; style-src &#39;sha256-/);
    expect(policy).not.toContain('unsafe');
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });
});

describe('other runs say what they are', () => {
  it('stopped', async () => { expect(await reportOf('stopped', { end: 'stopped', reached: 60 })).toContain('Stopped at step 60 of 120 of the student: everything below is of an unfinished run.'); });
  it('failed, with the log', async () => {
    const html = await reportOf('failed', { end: 'failed', reached: 60, arms: ['student'] });
    expect(html).toContain('Failed at step 60 of 120 of the student: The loss is not a number');
    expect(html).toContain('fgd.global is not a number at step 640');
    expect(html).toContain('No control was trained');
  });
  it('without a process: not finished, whatever its figures', async () => {
    const html = await reportOf('gone', { reached: 60 });
    expect(html).toMatch(/(Lost|Killed) at step 60 of 120/);
  });
  it('never evaluated', async () => {
    const html = await reportOf('early', { end: 'stopped', reached: 3, arms: ['student'], evaluateEvery: 50 });
    expect(html).toContain('<th scope="row">student, distilled</th><td>not evaluated</td>');
    expect(html).toContain('The student was not evaluated.');
  });
});

describe('a hostile or damaged run', () => {
  it('puts no markup of its own into the page', async () => {
    const evil = '</script><script>alert(1)</script><img src=x onerror=alert(2)>';
    const html = await reportOf('evil', { name: evil.slice(0, 70), end: 'finished' }, async (run) => {
      await appendFile(join(run, FILES.events), `${JSON.stringify({ type: 'warning', time: 1, message: evil })}\n{"torn`);
    });
    expect(html).not.toContain('<script>alert');
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x');
  });
  it('does not reach out of its folder for pictures', async () => {
    const html = await reportOf('escape', { end: 'finished' }, async (run) => {
      await writeFile(join(folder, 'secret.png'), 'secret');
      const events = await readFile(join(run, FILES.events), 'utf8');
      await writeFile(join(run, FILES.events), events.replace('"folder":"pictures/student-120"', '"folder":"../../escape"'));
      const index = join(run, 'pictures', 'student-108', 'index.json');
      await writeFile(index, (await readFile(index, 'utf8')).replace('images/scene-1.png', '../../secret.png'));
    });
    expect(dataOf(html).images.some((image) => image.file.includes('secret'))).toBe(false);
    expect(dataOf(html).pictures.some((item) => item.folder.includes('..'))).toBe(false);
    expect(html).toContain('which cannot be read');
  });
  it('is refused when it is no run at all', async () => {
    await expect(writeReport(join(folder, 'nothing'), join(folder, 'x.html'), { assets })).rejects.toMatchObject({ code: 'DL704' });
  });
});

describe('bounds', () => {
  it('thins long curves and says so', async () => {
    const html = await reportOf('long', { totalSteps: 20_000, arms: ['student'], end: 'finished', images: 0, evaluateEvery: 5000 });
    const steps = dataOf(html).events.filter((event) => event.type === 'step');
    expect(steps.length).toBeLessThanOrEqual(8001);
    expect(steps.length).toBeGreaterThan(3000);
    expect(steps.at(-1)?.step).toBe(20_000);
    expect(html).toContain('Curves are drawn from every 4th step');
  });
  it('keeps events in their order around a resume', async () => {
    const run = join(folder, 'resumed');
    await writeFakeRun(run, { totalSteps: 50, reached: 40, resumedAt: 20, arms: ['student'], images: 0 });
    const { events, thinning } = await collectEvents(run);
    expect(thinning).toBe(1);
    const again = events.findLastIndex((event) => event.type === 'started');
    expect(events.slice(again).filter((event) => event.type === 'step').map((event) => event.step)[0]).toBe(21);
  });
  it('chooses first, best and last recordings', () => {
    const recorded = Array.from({ length: 40 }, (_, i) => ({ step: 10 * i }));
    const chosen = chooseRecordings(recorded, 173).map((mark) => mark.step);
    expect(chosen).toHaveLength(6);
    expect([chosen[0], chosen.at(-1)]).toEqual([0, 390]);
    expect(chosen).toContain(170);
    expect(chooseRecordings(recorded.slice(0, 3), undefined)).toHaveLength(3);
  });
});

describe('HTML by hand', () => {
  it('escapes what could end its place', () => {
    expect(text('<a b="c" d=\'e\'>&\u0000')).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp; ');
    expect(JSON.parse(json({ a: '</script>\u2028<!--' }))).toEqual({ a: '</script>\u2028<!--' });
    expect(json('<')).toBe('"\\u003c"');
    expect(inlineScript('a = "</SCRIPT>" + "<!--";\r\n')).toBe('a = "\\x3c/SCRIPT>" + "\\x3c!--";\n');
  });
  it('says what to do when the page is not built', async () => {
    await expect(findAssets([join(folder, 'empty')])).rejects.toMatchObject({ code: 'DL790' });
  });
});
