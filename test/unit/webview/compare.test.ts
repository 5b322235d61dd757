/** The pure parts of the comparison's page: which lines there are, what two runs recorded in common, what is kept and believed. */
import { describe, expect, it, test } from 'vitest';
import { paletteOf } from '../../../src/charts/palette.ts';
import { chartsOfRuns, chartSvg } from '../../../src/comparison/curves.ts';
import { entriesOf } from '../../../src/comparison/seeds.ts';
import { readToPage } from '../../../webview/compare/messages.ts';
import { commonChoices, commonLevels, commonSteps, pairsOf } from '../../../webview/compare/pairs.ts';
import { freshState, restoreState } from '../../../webview/compare/state.ts';
import { sourceOfRuns } from '../../../webview/curves/samples.ts';
import { RunModel } from '../../../webview/model.ts';
import { comparedOf, eventsOf, type FakeCompared } from '../../support/compareHost.ts';
import { fakeRecording } from '../../support/fakeRun.ts';

const RUN = { totalSteps: 60, images: 1 };
const fakes: FakeCompared[] = [
  { id: 'a', run: { ...RUN, name: 'fgd' }, seed: 0, skill: 1 }, { id: 'b', run: { ...RUN, name: 'fgd' }, seed: 1, skill: 0.9 },
  { id: 'c', run: { ...RUN, name: 'rm', methods: ['rm'], picturesEvery: 12 } },
];
const models = new Map(fakes.map((fake) => {
  const model = new RunModel();
  model.add(eventsOf(fake), true);
  return [fake.id, model] as const;
}));
const order = fakes.map(({ id }) => id);
const chartsWith = (join: boolean): ReturnType<typeof chartsOfRuns> => chartsOfRuns({ entries: entriesOf(fakes.map(comparedOf), join), order, models });
const window = { axis: 'step', range: [0, 60], buckets: 100, smoothing: 0 } as const;
const modelOf = (id: string): RunModel => models.get(id) ?? new RunModel();

describe('charts of runs', () => {
  it('are one a quantity, with a line a run that has it; a colour stays when seeds are joined', () => {
    const apart = chartsWith(false);
    expect(apart.map(({ key }) => key).slice(0, 4)).toEqual(['ap', 'ap50', 'gain', 'total']);
    expect(apart.find(({ key }) => key === 'part:rm.rank')?.series.map(({ runs }) => runs)).toEqual([['c']]);
    expect(apart[0]?.series.map(({ runs }) => runs)).toEqual([['a'], ['b'], ['c']]);
    const joined = chartsWith(true);
    expect(joined[0]?.series.map(({ runs }) => runs)).toEqual([['a', 'b'], ['c']]);
    expect(joined[0]?.series[1]?.colour).toBe(apart[0]?.series[2]?.colour);
    expect(new Set(apart[0]?.series.map(({ colour, dash }) => `${colour} ${dash.join()}`)).size).toBe(3);
  });

  it('have the mean of the seeds with its spread', () => {
    const [AP] = chartsWith(true);
    const [series] = AP?.series ?? [];
    if (series === undefined) throw new Error('no series');
    const { line, band = [] } = sourceOfRuns(models).draw(series, window);
    const last = (id: string): number => 100 * (modelOf(id).lastEvaluation('student')?.metrics.AP ?? NaN);
    expect(line.at(-1)?.y).toBeCloseTo((last('a') + last('b')) / 2, 9);
    expect((band.at(-1)?.high ?? 0) - (band.at(-1)?.low ?? 0)).toBeCloseTo(Math.SQRT2 * Math.abs(last('a') - last('b')), 9);
    expect(sourceOfRuns(models).valueAt(series, 'step', undefined)).toBeCloseTo((last('a') + last('b')) / 2, 9);
  });

  it('can be written as they are looked at', () => {
    const [AP] = chartsWith(false);
    if (AP === undefined) throw new Error('no chart');
    const svg = chartSvg(AP, sourceOfRuns(models), { axis: 'step', range: [0, 60], smoothing: 0, logarithmic: false, isHidden: ({ group }) => group === 'c' }, paletteOf('light'));
    expect(svg).toMatch(/^<svg /);
    expect(svg).toContain('>fgd<');
    expect(svg).not.toContain('>rm<');
  });
});

describe('what two runs recorded in common', () => {
  const step = (methods: readonly string[]): { index: ReturnType<typeof fakeRecording>['index']; values: Float32Array } => fakeRecording({ ...RUN, methods }, 60);

  it('are steps, maps and levels of both', () => {
    expect(commonSteps(modelOf('a'), modelOf('c')).map(({ step: at }) => at)).toEqual([1, 12, 24, 36, 48, 60]);
    const [both] = commonChoices(step(['fgd', 'rm']), step(['fgd']));
    expect(both?.key).toBe('fgd/spatialAttention');
    expect(commonChoices(step(['rm']), step(['fgd']))).toEqual([]);
    if (both !== undefined) expect(commonLevels(step(['fgd']), step(['fgd']), both).map(({ name }) => name)).toEqual(['P3', 'P4', 'P5']);
  });

  it('are compared as right less left', () => {
    const [left, right] = [step(['fgd']), step(['fgd'])];
    const doubled = { ...right, values: right.values.map((value) => 2 * value) };
    const [choice] = commonChoices(left, doubled);
    if (choice === undefined) throw new Error('no mask');
    const [pair] = pairsOf(left, doubled, choice, 'P4', 0);
    expect(pair?.left?.role).toBe('student');
    expect(pair?.difference?.values).toEqual(pair?.left?.values);
    const [cut] = pairsOf(left, { ...doubled, index: { ...doubled.index, masks: [] } }, choice, 'P4', 0);
    expect(cut?.difference).toBeUndefined();
  });
});

describe('the state', () => {
  it('comes back as it was, whatever else was saved', () => {
    const state = { ...freshState(), runs: ['a'], baseline: 'a', zoom: [1, 2] as const, order: { column: 'AP', descending: true }, hidden: ['b'], axis: 'time' as const };
    expect(restoreState(JSON.parse(JSON.stringify(state)))).toEqual(state);
    for (const strange of [undefined, null, 4, 'x', [], { runs: 4, zoom: [2, 1], order: 3, axis: 'x', smoothing: 9, hidden: [1, null] }]) expect(restoreState(strange)).toEqual(freshState());
  });
});

describe('messages to the page', () => {
  const [fake] = fakes;
  const run = fake === undefined ? undefined : comparedOf(fake);

  test.each([[{ type: 'set', runs: [run] }], [{ type: 'run', run }], [{ type: 'saved', name: 'x' }], [{ type: 'of', id: 'a', message: { type: 'problem', message: 'x' } }]])('takes %#', (message) => {
    expect(readToPage(message)).toEqual(message);
  });

  test.each([[undefined], [null], [4], [{}], [{ type: 'set' }], [{ type: 'run', run: { id: 'a' } }], [{ type: 'run', run: { ...run, evaluations: { student: [4] } } }], [{ type: 'of', id: 'a', message: { type: 'events' } }], [{ type: 'of', id: 3, message: { type: 'problem', message: 'x' } }]])('leaves out %#', (message) => {
    expect(readToPage(message)).toBeUndefined();
  });

  it('leaves out the runs of a set that are none', () => {
    expect(readToPage({ type: 'set', runs: [null, { id: 'x' }, run] })).toEqual({ type: 'set', runs: [run] });
  });
});
