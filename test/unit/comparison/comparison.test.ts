import { describe, expect, it, test } from 'vitest';
import { compareRuns } from '../../../src/comparison/compare.ts';
import { differingKeys, showValue } from '../../../src/comparison/keys.ts';
import { notesOf } from '../../../src/comparison/notes.ts';
import { entriesOf, hasSeeds } from '../../../src/comparison/seeds.ts';
import { difference, measureOf, spread, spreadOf } from '../../../src/comparison/statistics.ts';
import { type Table } from '../../../src/comparison/table.ts';
import { experimentOf, runOf } from './material.ts';

const textOf = (table: Table | undefined, row: number, column: string): string => table?.rows[row]?.cells[table.columns.findIndex(({ title }) => title === column)]?.text ?? 'missing';
const changeOf = (table: Table | undefined, row: number, column: string): string | undefined => table?.rows[row]?.cells[table.columns.findIndex(({ title }) => title === column)]?.difference?.text;
const said = (...runs: Parameters<typeof entriesOf>[0]): string[] => notesOf(entriesOf(runs, true)).map(({ text }) => text);

describe('spread', () => {
  test.each([
    [[], undefined],
    [[3], { mean: 3, count: 1 }],
    // Deviations −3, −1, −1, −1, 0, 0, 2, 4: squares 32, over 7.
    [[2, 4, 4, 4, 5, 5, 7, 9], { mean: 5, sd: Math.sqrt(32 / 7), count: 8 }],
  ])('of %j', (values, expected) => {
    expect(spreadOf(values)).toEqual(expected);
  });

  it('is of the seeds that came equally far', () => {
    const [entry] = entriesOf([runOf({ id: 'a', seed: 0, AP: 0.4 }), runOf({ id: 'b', seed: 1, AP: 0.44 }), runOf({ id: 'c', seed: 2, AP: 0.1, step: 200 })], true);
    if (entry === undefined) throw new Error('no entry');
    const of = spread(entry, measureOf('AP'));
    expect(of?.count).toBe(2);
    expect(of?.mean).toBeCloseTo(0.42, 12);
    expect(of?.sd).toBeCloseTo(0.04 / Math.SQRT2, 12);
  });

  it('takes what COCO leaves undefined for nothing', () => {
    const [entry] = entriesOf([runOf({ AP: -1 })], false);
    if (entry === undefined) throw new Error('no entry');
    expect(spread(entry, measureOf('AP'))).toBeUndefined();
  });
});

describe('the difference from the baseline', () => {
  const seeds = (id: string, values: readonly (readonly [number, number])[], change = {}): ReturnType<typeof runOf>[] => values.map(([seed, AP]) => runOf({ id: `${id}${seed}`, name: id, seed, AP, change }));
  const base = seeds('base', [[0, 0.3], [1, 0.4], [2, 0.5]]);

  it('is made seed by seed: what both share cancels out', () => {
    // Differences 0.01, 0.02, 0.03: their spread is a tenth of that of the runs.
    const [baseline, other] = entriesOf([...base, ...seeds('other', [[0, 0.31], [1, 0.42], [2, 0.53]], { train: { learningRate: 0.02 } })], true);
    if (baseline === undefined || other === undefined) throw new Error('not joined');
    const change = difference(other, baseline, measureOf('AP'));
    expect(change).toMatchObject({ count: 3, paired: true });
    expect(change?.mean).toBeCloseTo(0.02, 12);
    expect(change?.sd).toBeCloseTo(0.01, 12);
  });

  it('is that of the means where seeds are not the same, without a spread', () => {
    const [baseline, other] = entriesOf([...base, ...seeds('other', [[7, 0.6], [8, 0.7]], { train: { learningRate: 0.02 } })], true);
    if (baseline === undefined || other === undefined) throw new Error('not joined');
    const change = difference(other, baseline, measureOf('AP'));
    expect(change).toMatchObject({ paired: false });
    expect(change?.sd).toBeUndefined();
    expect(change?.mean).toBeCloseTo(0.25, 12);
  });
});

describe('seeds', () => {
  it('are joined where nothing else differs, names apart', () => {
    const runs = [runOf({ id: 'x', name: 'fgd seed 2', seed: 2 }), runOf({ id: 'y', name: 'other', change: { train: { batch: 8 } } }), runOf({ id: 'z', name: 'fgd seed 1', seed: 1 })];
    expect(entriesOf(runs, true).map(({ key, name, runs: joined }) => [key, name, joined.map(({ id }) => id)])).toEqual([['x', 'fgd', ['z', 'x']], ['y', 'other', ['y']]]);
    expect(entriesOf(runs, false)).toHaveLength(3);
    expect(hasSeeds(runs)).toBe(true);
    expect(hasSeeds(runs.slice(0, 2))).toBe(false);
  });

  it('of one number count once: the run that tells more stays', () => {
    const [entry] = entriesOf([runOf({ id: 'old', AP: 0.4 }), runOf({ id: 'short', AP: 0.2, step: 300, more: { created: 9 } }), runOf({ id: 'new', AP: 0.4, more: { created: 5 } })], true);
    expect(entry?.runs.map(({ id }) => id)).toEqual(['new']);
    expect(entry?.repeats).toBe(2);
  });

  it('need a record of the experiment', () => {
    expect(entriesOf([runOf({ id: 'a', more: { experiment: undefined } }), runOf({ id: 'b', more: { experiment: undefined } })], true)).toHaveLength(2);
  });
});

describe('keys that differ', () => {
  const keys = (...experiments: unknown[]): (readonly [string, readonly unknown[]])[] => differingKeys(experiments).map(({ key, values }) => [key, values] as const);

  it('are the ones that differ, whatever the names', () => {
    expect(keys(experimentOf(), experimentOf({ name: 'other', change: { train: { learningRate: 0.02 } } }), experimentOf({ change: { train: { learningRate: 0.03 } } }))).toEqual([['train.learningRate', [0.01, 0.02, 0.03]]]);
    expect(keys(experimentOf(), experimentOf())).toEqual([]);
    expect(keys(experimentOf())).toEqual([]);
    expect(keys(undefined, experimentOf())).toEqual([]);
  });

  it('of another method are no differences of their own', () => {
    const [fgd, cwd] = [experimentOf(), experimentOf({ change: { distill: [{ method: 'cwd' }] } })];
    expect(keys(fgd, cwd)).toEqual([['distill[0].method', ['fgd', 'cwd']]]);
    const stronger = experimentOf({ change: { distill: [{ method: 'fgd', alpha: 0.002 }] } });
    expect(keys(fgd, cwd, stronger).map(([key]) => key)).toEqual(['distill[0].method', 'distill[0].alpha']);
  });

  it('tell a method that only some have by its name', () => {
    const [row] = keys(experimentOf(), experimentOf({ change: { distill: [{ method: 'fgd' }, { method: 'cwd' }] } }));
    expect(row?.[0]).toBe('distill[1]');
    expect(row?.[1].map(showValue)).toEqual(['–', 'cwd']);
  });

  test.each([[undefined, '–'], [null, '–'], ['x', 'x'], [0.5, '0.5'], [true, 'true'], [[1, 2], '1, 2'], [{ a: 1, b: 'c' }, 'a: 1, b: c'], [{ method: 'rm', weight: 1 }, 'rm']])('%j is shown as %s', (value, text) => {
    expect(showValue(value)).toBe(text);
  });
});

describe('the comparison', () => {
  const runs = [
    runOf({ id: 'a', name: 'slow', AP: 0.4, gain: 0.05, perClass: { disc: 0.5, star: 0.3 } }),
    runOf({ id: 'b', name: 'fast', AP: 0.432, gain: 0.082, perClass: { disc: 0.55, star: 0.25, ring: 0.1 }, change: { train: { learningRate: 0.02 } } }),
  ];

  it('shows figures, differences from the baseline and the one key that differs', () => {
    const { results, baseline } = compareRuns(runs, { join: true, baseline: 'a' });
    expect(baseline?.name).toBe('slow');
    expect(results.columns.map(({ title }) => title)).toEqual(['run', 'state', 'AP', 'AP50', 'AP75', 'gain', 's/step', 'memory', 'at step', 'train.learningRate']);
    expect(['run', 'state', 'AP', 'AP50', 'gain', 's/step', 'memory', 'at step', 'train.learningRate'].map((column) => textOf(results, 1, column))).toEqual(['fast', 'finished', '43.2', '63.2', '+8.2', '0.0400', '512', '1,000', '0.02']);
    expect(['AP', 'AP50', 'gain', 's/step'].map((column) => changeOf(results, 1, column))).toEqual(['+3.2', '+3.2', '+3.2', '+0']);
    expect(changeOf(results, 0, 'AP')).toBeUndefined();
    expect(results.rows.map(({ isBaseline }) => isBaseline)).toEqual([true, false]);
  });

  it('joins seeds to mean ± sd and can leave them apart', () => {
    const more = [...runs, runOf({ id: 'c', name: 'slow', seed: 1, AP: 0.42, gain: 0.09 })];
    const { results } = compareRuns(more, { join: true, baseline: 'a' });
    expect(results.rows).toHaveLength(2);
    expect(['seeds', 'AP', 'gain'].map((column) => textOf(results, 0, column))).toEqual(['2', '41.0 ± 1.4', '+7.0 ± 2.8']);
    const apart = compareRuns(more, { join: false }).results;
    expect(apart.rows).toHaveLength(3);
    expect(apart.columns.map(({ title }) => title)).toContain('train.seed');
  });

  it('shows AP by class, also of classes that only some have', () => {
    const { classes } = compareRuns(runs, { join: true, baseline: 'a' });
    expect(classes?.rows.map(({ key }) => key)).toEqual(['disc', 'star', 'ring']);
    expect([0, 1, 2].map((row) => textOf(classes, row, 'fast'))).toEqual(['55.0', '25.0', '10.0']);
    expect([0, 1, 2].map((row) => changeOf(classes, row, 'fast'))).toEqual(['+5.0', '−5.0', undefined]);
    expect(textOf(classes, 2, 'slow')).toBe('–');
  });

  it('holds with nothing to compare', () => {
    expect(compareRuns([], { join: true }).results.rows).toEqual([]);
    const { results, classes } = compareRuns([runOf({ more: { experiment: undefined, secondsPerStep: undefined, peakMemory: undefined } })], { join: true, baseline: 'gone' });
    expect(results.columns.map(({ title }) => title)).toEqual(['run', 'state', 'AP', 'at step']);
    expect(textOf(results, 0, 'AP')).toBe('–');
    expect(classes).toBeUndefined();
  });
});

describe('notes', () => {
  it('say nothing where there is nothing to say', () => {
    expect(said(runOf({ id: 'a', AP: 0.4 }), runOf({ id: 'b', AP: 0.5, change: { train: { batch: 8 } } }))).toEqual([]);
  });

  it('say that AP of different data sets cannot be compared', () => {
    const notes = notesOf(entriesOf([runOf({ id: 'a', AP: 0.4 }), runOf({ id: 'b', AP: 0.5, change: { data: { format: 'scenes', size: [128, 128], val: 50 } } })], true));
    expect(notes).toEqual([{ text: 'These runs were evaluated on 2 different sets of images, classes or metrics: their AP cannot be compared.', grave: true }]);
    expect(said(runOf({ id: 'a', AP: 0.4 }), runOf({ id: 'b', AP: 0.5, change: { data: { format: 'scenes', size: [128, 128], train: 50 } } })), 'other training images').toEqual([]);
  });

  it('say what is missing, unfinished, gone', () => {
    expect(said(runOf({ id: 'a', AP: 0.4, step: 500 }), runOf({ id: 'b', name: 'other', AP: 0.5, change: { train: { batch: 8 } } }))).toEqual(['The last evaluations are of different steps, from 500 to 1,000.']);
    expect(said(runOf({ name: 'young', more: { state: 'running' } }))).toEqual(['One run is shown: choose another to compare it with.', 'Not evaluated yet: young.', 'Still going, so the figures will change: young.']);
    expect(said(runOf({ id: 'a', AP: 0.4, more: { state: 'deleted' } }), runOf({ id: 'b', AP: 0.4, change: { control: false }, more: { arms: ['student'] } }))).toEqual(['No longer there, shown as last read: scenes-fgd.', 'Without a control, so there is no gain to tell: scenes-fgd.']);
    expect(said(...[0, 1, 2, 3, 4].map((seed) => runOf({ id: `r${seed}`, name: `n${seed}`, seed, AP: 0.4, step: seed === 0 ? 500 : 1000 })))).toEqual(['One seed has not come as far as the others and is not in the mean.']);
    expect(said(...[1, 2, 3, 4, 5].map((batch) => runOf({ id: `r${batch}`, name: `n${batch}`, change: { train: { batch } } })))).toEqual(['Not evaluated yet: n1, n2, n3 and 2 more.']);
  });
});
