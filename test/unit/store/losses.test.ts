import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILES } from '../../../src/experiment/record.ts';
import { LossReader, LossSeries, MOST_POINTS } from '../../../src/store/losses.ts';
import { lines, runFolder, started, step } from './material.ts';

const losses = (global: number, focal = 1): { losses: Record<string, number> } => ({ losses: { total: 1 + global + focal, 'detection.box': 1, 'fgd.global': global, 'fgd.focal': focal } });

describe('the course of a method\'s loss', () => {
  it('is the sum of its parts, and each part', () => {
    const series = new LossSeries();
    for (const event of [started(), step(1, losses(3)), step(2, losses(2, 0.5))]) series.add(event);
    expect(series.ofMethod('fgd')).toEqual({
      total: [{ x: 1, y: 4 }, { x: 2, y: 2.5 }],
      parts: [{ name: 'global', points: [{ x: 1, y: 3 }, { x: 2, y: 2 }] }, { name: 'focal', points: [{ x: 1, y: 1 }, { x: 2, y: 0.5 }] }],
    });
    expect(series.ofMethod('pkd')).toBeUndefined();
  });

  it('keeps means of equal pieces, never more than a bound, over any number of steps', () => {
    const series = new LossSeries();
    for (let index = 1; index <= 100_000; index += 1) series.add(step(index, losses(index / 100_000)));
    const { total } = series.ofMethod('fgd') ?? { total: [] };
    expect(total.length).toBeGreaterThan(MOST_POINTS / 2);
    expect(total.length).toBeLessThanOrEqual(MOST_POINTS);
    expect(total.at(-1)?.x).toBe(100_000);
    for (const { x, y } of total) expect(Math.abs(y - 1 - x / 100_000)).toBeLessThan(0.01);
  });

  it('is the student\'s alone, and takes in the copies for further teachers', () => {
    const series = new LossSeries();
    series.add(step(1, { losses: { 'fgd.global': 1, 'fgd_2.global': 2, 'fgdx.global': 9 } }));
    series.add(step(2, { arm: 'control', losses: { 'fgd.global': 50 } }));
    expect(series.ofMethod('fgd')).toEqual({ total: [{ x: 1, y: 3 }], parts: [{ name: 'global', points: [{ x: 1, y: 1 }] }, { name: '2 global', points: [{ x: 1, y: 2 }] }] });
  });

  it('passes over values that are none, and a part that comes late', () => {
    const series = new LossSeries();
    series.add(step(1, { losses: { 'fgd.global': 1 } }));
    series.add(step(2, { losses: { 'fgd.global': Infinity, 'fgd.focal': 2 } }));
    series.add(step(3, { losses: { total: 1 } }));
    expect(series.ofMethod('fgd')?.total).toEqual([{ x: 1, y: 1 }, { x: 2, y: 2 }, { x: 3, y: NaN }]);
    expect(series.ofMethod('fgd')?.parts[1]?.points[0]).toEqual({ x: 1, y: NaN });
  });

  it('goes on from the checkpoint of a resume', () => {
    const series = new LossSeries();
    for (const event of [started(), step(1, losses(5)), step(2, losses(5)), step(3, losses(5)), started({ from: { student: 2 } }), step(3, losses(1))]) series.add(event);
    expect(series.ofMethod('fgd')?.total.map(({ x, y }) => [x, y])).toEqual([[1, 6], [2, 6], [3, 2]]);
  });

  it('does not grow with the number of parts that a broken run names', () => {
    const series = new LossSeries();
    for (let index = 0; index < 1000; index += 1) series.add(step(index + 1, { losses: { [`fgd.part${index}`]: 1 } }));
    expect(series.ofMethod('fgd')?.parts.length).toBeLessThanOrEqual(64);
  });
});

describe('read from a folder', () => {
  let root = '';
  beforeAll(() => { root = mkdtempSync(path.join(tmpdir(), 'distill-losses-')); });
  afterAll(() => { rmSync(root, { recursive: true }); });

  it('takes what is new, and begins anew when the file does', async () => {
    const folder = runFolder(root, 'a', lines([started(), step(1, losses(3)), step(2, losses(2))]));
    const reader = new LossReader(folder);
    const total = async (): Promise<unknown> => (await reader.read()).ofMethod('fgd')?.total.map(({ x, y }) => [x, y]);
    expect(reader.known).toBeUndefined();
    expect(await total()).toEqual([[1, 4], [2, 3]]);
    expect(reader.known?.points).toBe(2);
    appendFileSync(path.join(folder, FILES.events), lines([step(3, losses(1))]));
    expect(await total()).toEqual([[1, 4], [2, 3], [3, 2]]);
    expect(await total()).toEqual([[1, 4], [2, 3], [3, 2]]);
    writeFileSync(path.join(folder, FILES.events), lines([started(), step(1, losses(9))]));
    expect(await total()).toEqual([[1, 10]]);
  });

  it('reads a long file in bites to its end', async () => {
    const folder = runFolder(root, 'long', lines([started(), ...Array.from({ length: 20_000 }, (_, index) => step(index + 1, losses(1)))]));
    const { total } = (await new LossReader(folder).read()).ofMethod('fgd') ?? {};
    expect(total?.at(-1)).toEqual({ x: 20_000, y: 2 });
  });

  it('of a folder that is not there is empty', async () => {
    expect((await new LossReader(path.join(root, 'nowhere')).read()).points).toBe(0);
  });
});
