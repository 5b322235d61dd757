/** `distill-lab compare` as a user calls it, on run folders made from formulas. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../../src/cli/program.ts';
import { writeFakeRun } from '../../support/fakeRun.ts';

const root = mkdtempSync(path.join(tmpdir(), 'distill-compare-'));
const [first, second] = [path.join(root, 'first'), path.join(root, 'second')];
let out: string[] = [];
let notes: string[] = [];
const output = { line: (text: string) => { out.push(text); }, note: (text: string) => { notes.push(text); }, status: () => undefined, terminal: false, columns: 120 };
const cli = (...args: readonly string[]): Promise<number> => main(['compare', ...args], { output, cliPath: '/nowhere/cli.js' });

beforeAll(async () => {
  await writeFakeRun(first, { name: 'first', totalSteps: 40, images: 0, end: 'finished' });
  await writeFakeRun(second, { name: 'second', totalSteps: 40, images: 0, end: 'finished', methods: ['rm'] });
});
afterAll(() => { rmSync(root, { recursive: true }); });
beforeEach(() => { [out, notes] = [[], []]; });

describe('compare', () => {
  it('shows figures, the key that differs, and AP by class', async () => {
    expect(await cli(first, second, '--baseline', first)).toBe(0);
    const [head, ...lines] = out.join('\n').split('\n');
    expect(head).toMatch(/^run +state +AP \(%\) +AP50 \(%\) +AP75 \(%\) +gain \(%\) +s\/step +at step +distill\[0\]\.method$/);
    expect(lines[0]).toMatch(/^first +finished +47\.5 +73\.6 +48\.4 +\+29\.3 +0\.0400 +40 +fgd$/);
    expect(lines[1]).toMatch(/^second +finished +47\.5 \(\+0\.0\) .* rm$/);
    expect(lines).toContain('In brackets: the difference from first.');
    expect(lines.join('\n')).toMatch(/\ndisc +57\.0 +57\.0 \(\+0\.0\)\n/);
  });

  it('writes CSV, Markdown, HTML and JSON, to the terminal or a file', async () => {
    expect(await cli(first, second, '--csv')).toBe(0);
    expect(out[0]?.split('\r\n')[0]).toBe('run,state,AP (%),AP50 (%),AP75 (%),gain (%),s/step,at step,distill[0].method');
    expect(await cli(first, second, '--markdown')).toBe(0);
    expect(out[1]).toContain('| run | state | AP (%) |');
    const file = path.join(root, 'comparison.html');
    expect(await cli(first, second, '--html', '--output', file)).toBe(0);
    expect(out[2]).toBe(file);
    expect(readFileSync(file, 'utf8')).toMatch(/^<!DOCTYPE html>[\s\S]*<th scope="row">second<\/th>/);
    expect(readFileSync(file, 'utf8').match(/<svg /g)?.length).toBeGreaterThan(5);
    expect(await cli(first, second, '--json', '--baseline', 'first')).toBe(0);
    expect(JSON.parse(out[3] ?? '')).toMatchObject({ baseline: 'first', results: [{ run: 'first', 'at step': 40, AP: { value: expect.closeTo(47.5, 1) as number } }, { run: 'second', AP: { difference: expect.closeTo(0, 9) as number } }] });
  });

  it('sorts by a column', async () => {
    expect(await cli(first, second, '--sort', 'run', '--csv')).toBe(0);
    expect(out[0]?.split('\r\n').slice(1, 3).map((line) => line.split(',')[0])).toEqual(['first', 'second']);
    expect(await cli(first, second, '--sort', 'nothing')).toBe(2);
    expect(notes.join('\n')).toContain('[DL732]');
  });

  it('refuses what is no run, a strange baseline, two forms at once', async () => {
    expect(await cli(root)).toBe(2);
    expect(notes.join('\n')).toContain('[DL704]');
    expect(await cli(first, '--baseline', second)).toBe(2);
    expect(notes.join('\n')).toContain('[DL731]');
    expect(await cli(first, '--csv', '--json')).toBe(2);
    expect(await cli()).toBe(2);
  });
});
