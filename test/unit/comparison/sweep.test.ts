/** Runs of a sweep beside each other: gains over controls that are runs of their own, keys as columns, axes, the best. */
import { describe, expect, test } from 'vitest';
import { paletteOf } from '../../../src/charts/palette.ts';
import { linePath, parallelLayout, parallelSvg } from '../../../src/charts/parallelChart.ts';
import { bestEntry } from '../../../src/comparison/best.ts';
import { compareRuns } from '../../../src/comparison/compare.ts';
import { metricsOf, parallelOf } from '../../../src/comparison/parallel.ts';
import { type ComparedRun } from '../../../src/comparison/run.ts';
import { isWithin, movedEnd } from '../../../webview/compare/brushRange.ts';
import { runOf } from './material.ts';

function student(method: string, learningRate: number, seed: number, AP: number | undefined, more: Partial<ComparedRun> = {}): ComparedRun {
  const label = `${method}, learningRate ${learningRate}`;
  return runOf({
    id: `${label} ${seed}`, name: `scenes, ${label}, seed ${seed}`, seed, ...(AP !== undefined && { AP }), change: { distill: [{ method }], control: false, train: { learningRate } },
    more: { arms: ['student'], gain: undefined, sweep: { id: 'sweep', name: 'scenes', key: `${label}-s${seed}`, role: 'student', label, values: { distill: [{ method }], 'train.learningRate': learningRate }, seed, controls: [`control-s${seed}`] }, ...more },
  });
}
const control = (seed: number, AP: number): ComparedRun => runOf({
  id: `control ${seed}`, name: `scenes, control, seed ${seed}`, seed, AP, change: { distill: [], control: false, teacher: undefined },
  more: { arms: ['student'], methods: [], gain: undefined, sweep: { id: 'sweep', name: 'scenes', key: `control-s${seed}`, role: 'control', label: 'control', values: {}, seed, controls: [] } },
});
const RUNS = [control(0, 0.3), control(1, 0.32), student('fgd', 0.001, 0, 0.35), student('fgd', 0.001, 1, 0.38), student('rm', 0.1, 0, 0.34), student('rm', 0.1, 1, 0.34), student('rm', 0.001, 0, 0.5)];

describe('a table of a sweep', () => {
  const { results, entries, notes, sweep } = compareRuns(RUNS, { join: true });
  const cell = (row: number, key: string): string => results.rows[row]?.cells[results.columns.findIndex((column) => column.key === key)]?.text ?? '';

  test('has the changed keys as columns and no other, rows under their combinations', () => {
    expect(sweep).toEqual({ id: 'sweep', name: 'scenes' });
    expect(results.columns.flatMap(({ isKey, title }) => (isKey === true ? [title] : []))).toEqual(['distill', 'train.learningRate']);
    expect(entries.map(({ name }) => name)).toEqual(['control', 'fgd, learningRate 0.001', 'rm, learningRate 0.1', 'rm, learningRate 0.001, seed 0']);
  });

  test('tells the gain over the control of the same seed with its interval', () => {
    // 5 and 6 points: 5.5 ± 0.7, and 12.706 · 0.707 / √2 to either side.
    expect([cell(1, 'AP'), cell(1, 'gain'), cell(1, 'gainInterval')]).toEqual(['36.5 ± 2.1', '+5.5 ± 0.7', '−0.9 to +11.9']);
    expect([cell(0, 'gain'), cell(0, 'gainInterval'), cell(3, 'gain'), cell(3, 'gainInterval')]).toEqual(['–', '–', '+20.0', '–']);
    expect(notes.map(({ text }) => text).join(' ')).not.toContain('Without a control');
  });

  test('tells no gain where the control is not there, or was not measured at the same step', () => {
    const alone = compareRuns([student('fgd', 0.1, 0, 0.35), student('rm', 0.1, 0, 0.34)], { join: false });
    expect(alone.results.columns.map(({ key }) => key)).not.toContain('gain');
    const early = { ...student('fgd', 0.1, 0, 0.35), evaluations: { student: [{ step: 7, metrics: runOf({ AP: 0.4 }).evaluations.student?.[1]?.metrics ?? never() }] } };
    expect(compareRuns([control(0, 0.3), early], { join: false }).entries[1]?.runs[0]?.gain).toBeUndefined();
  });

  test('the seeds apart have their own column', () => {
    expect(compareRuns(RUNS, { join: false }).results.columns.at(-1)?.title).toBe('train.seed');
  });

  test('the best is not a lucky seed', () => {
    expect(bestEntry(entries, 'AP')?.name).toBe('fgd, learningRate 0.001');
    expect(bestEntry(entries, 'gain')?.name).toBe('fgd, learningRate 0.001');
    expect(bestEntry([], 'AP')).toBeUndefined();
  });
});

describe('parallel coordinates', () => {
  const comparison = compareRuns(RUNS, { join: true });
  const chart = parallelOf(comparison, 'AP') ?? never();

  test('have an axis a key and one for the metric, a line a combination, and the control as a mark', () => {
    expect(chart.axes.map(({ title }) => title)).toEqual(['distill', 'train.learningRate', 'AP']);
    expect(chart.lines.map(({ texts }) => texts)).toEqual([['fgd', '0.001', '36.5 ± 2.1'], ['rm', '0.1', '34.0 ± 0.0'], ['rm', '0.001', '50.0']]);
    expect(chart.lines.map(({ isBest, rank }) => [isBest, rank])).toEqual([[true, 1], [false, 2], [false, 0]]);
    expect(chart.marks.map(({ name, text }) => [name, text])).toEqual([['control', '31.0']]);
  });

  test('set numbers by their magnitude where that is wide, and words in their order', () => {
    const places = chart.lines.map(({ at }) => at.map((place) => Math.round(100 * (place ?? -1))));
    expect(places.map((place) => place.slice(0, 2))).toEqual([[100, 0], [0, 100], [0, 0]]);
    const three = compareRuns([0.001, 0.01, 0.1].map((rate) => student('fgd', rate, 0, 0.3)), { join: false });
    expect(parallelOf(three, 'AP')?.lines.map(({ at }) => Number(at[0]?.toFixed(6)))).toEqual([0, 0.5, 1]);
  });

  test('show a key that is left out below its axis, and what is not evaluated nowhere on the last one', () => {
    const without = student('fgd', 0.1, 0, undefined);
    const rest = Object.fromEntries(Object.entries(without.experiment ?? {}).filter(([key]) => key !== 'train'));
    const some = parallelOf(compareRuns([student('fgd', 0.001, 0, 0.3), student('fgd', 0.01, 0, 0.4), { ...without, experiment: rest }], { join: false }), 'AP');
    expect(some?.lines[2]?.at[0]).toBeLessThan(0);
    expect(some?.lines[2]?.at.at(-1)).toBeUndefined();
    expect(some?.axes[0]?.ticks.map(({ text }) => text)).toContain('–');
  });

  test('are not drawn where nothing differs or there is one combination', () => {
    expect(parallelOf(compareRuns([student('fgd', 0.1, 0, 0.3)], { join: true }), 'AP')).toBeUndefined();
    expect(metricsOf(comparison.entries)).toEqual(['AP', 'AP50', 'AP75', 'APm', 'APl', 'gain']);
  });

  test('as a file hold all names as text and nothing that runs', () => {
    const hostile = parallelOf(compareRuns([student('fgd', 0.001, 0, 0.3), student('rm', 0.01, 0, 0.4)].map((run, at) => ({ ...run, experiment: { distill: at === 0 ? '<script>' : 'x', train: { learningRate: at + 1, seed: 0 } } })), { join: false }), 'AP') ?? never();
    const svg = parallelSvg(hostile, { width: 600, height: 300 }, paletteOf('light'), ({ rank }) => rank > 0);
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;');
    expect(svg).toContain('stroke-opacity="0.1"');
    const layout = parallelLayout(hostile, { width: 600, height: 300 });
    expect([layout.placeAt(layout.y(0.25)), layout.placeAt(-99), layout.placeAt(999)]).toEqual([0.25, 1, 0]);
    expect(linePath({ ...hostile.lines[0] ?? never(), at: [undefined, undefined, 1] }, layout)).toBe('');
  });
});

describe('a brush', () => {
  test('moves from value to value, and is gone when it holds all', () => {
    const places = [0, 0.5, 1];
    expect(movedEnd(places, undefined, 'low', 'ArrowUp')).toEqual([0.5, 1]);
    expect(movedEnd(places, [0.5, 1], 'low', 'ArrowDown')).toBe('none');
    expect(movedEnd(places, [0.5, 1], 'high', 'Home')).toEqual([0.5, 0.5]);
    expect(movedEnd(places, [0.5, 0.5], 'low', 'ArrowUp')).toEqual([0.5, 0.5]);
    expect(movedEnd(places, [0.5, 1], 'high', 'Delete')).toBe('none');
    expect(movedEnd(places, undefined, 'low', 'a')).toBeUndefined();
  });

  test('holds what lies on its ends', () => {
    expect([isWithin(0.5, [0.5, 1]), isWithin(0.4, [0.5, 1]), isWithin(undefined, [0, 1]), isWithin(undefined, undefined)]).toEqual([true, false, false, true]);
  });
});

function never(): never {
  throw new Error('there is nothing');
}
