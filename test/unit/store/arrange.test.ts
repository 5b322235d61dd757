import { describe, expect, it } from 'vitest';
import { type RunEvent, type RunState } from '../../../src/experiment/record.ts';
import { chooseRuns, groupRuns, type SortKey, sortRuns } from '../../../src/store/arrange.ts';
import { emptyHistory, fold } from '../../../src/store/history.ts';
import { type RunSummary, summarize } from '../../../src/store/run.ts';
import { ended, evaluation, started } from './material.ts';

interface Made { readonly ap?: number; readonly control?: number; readonly bytes?: number; readonly pinned?: boolean; readonly state?: RunState; readonly file?: string; readonly methods?: string[]; readonly title?: string }

function run(id: string, created: number, { ap, control, bytes, pinned = false, state = 'finished', file, methods = ['fgd'], title }: Made = {}): RunSummary {
  const events: RunEvent[] = [started({ name: `experiment ${id}`, arms: control === undefined ? ['student'] : ['student', 'control'], methods })];
  if (ap !== undefined) events.push(evaluation('student', 1, ap));
  if (control !== undefined) events.push(evaluation('control', 1, control));
  const history = emptyHistory();
  for (const event of [...events, ended()]) fold(history, event);
  const outline = file === undefined ? undefined : { name: id, sourceFile: file, methods, created };
  const made = summarize(`/runs/${id}`, history, { outline, note: { pinned, title }, heartbeat: undefined, launch: undefined, stopRequested: false, created, alive: undefined });
  return { ...made, bytes, state };
}

const runs = [
  run('a', 1, { ap: 0.5, control: 0.4, bytes: 10, title: 'Zebra' }),
  run('b10', 2, { ap: 0.7, control: 0.69, bytes: 30, title: 'b10' }),
  run('b9', 3, { ap: -1, bytes: 20, title: 'b9' }),
  run('d', 4, { title: 'apple' }),
];
const ids = (list: readonly RunSummary[]): string => list.map(({ id }) => id).join(' ');

describe('runs in order', () => {
  it.each<[SortKey, string]>([
    ['newest', 'd b9 b10 a'],
    ['ap', 'b10 a d b9'],
    ['gain', 'a b10 d b9'],
    ['name', 'd b9 b10 a'],
    ['size', 'b10 b9 a d'],
  ])('by %s', (key, expected) => {
    expect(ids(sortRuns(runs, key))).toBe(expected);
  });

  it.each<SortKey>(['newest', 'ap', 'gain', 'name', 'size'])('the pinned first, by %s too', (key) => {
    expect(sortRuns([...runs, run('old', 0, { pinned: true })], key)[0]?.id).toBe('old');
  });
});

describe('a choice of runs', () => {
  const mixed = [run('a', 1, { methods: ['fgd'] }), run('b', 2, { methods: ['pkd'], state: 'failed', title: 'Baseline' }), run('c', 3, { methods: ['fgd', 'pkd'], state: 'running' })];
  it.each<[string, RunState[], string]>([
    ['', [], 'a b c'],
    ['PKD', [], 'b c'],
    ['pkd  fgd', [], 'c'],
    ['base', [], 'b'],
    ['experiment b', [], 'b'],
    ['', ['failed', 'running'], 'b c'],
    ['fgd', ['failed'], ''],
    ['running', [], 'c'],
  ])('by %j and %j', (text, states, expected) => {
    expect(ids(chooseRuns(mixed, { text, states }))).toBe(expected);
  });
});

describe('groups', () => {
  it('go by the experiment file, are called as its newest run, and keep the order given', () => {
    const list = [run('a', 1, { file: '/x/one.yaml' }), run('b', 3, { file: '/x/two.yaml' }), run('c', 2, { file: '/x/one.yaml' }), run('d', 0), run('e', 5)];
    const groups = groupRuns(list);
    expect(groups.map(({ name, sourceFile, runs: members }) => [name, sourceFile, ids(members)])).toEqual([
      ['experiment c', '/x/one.yaml', 'a c'], ['experiment b', '/x/two.yaml', 'b'], ['experiment d', undefined, 'd'], ['experiment e', undefined, 'e'],
    ]);
  });
});
