/** What a file unfolds to, and what is made of what was found. Pure parts. */
import { describe, expect, it } from 'vitest';
import { type Metrics, type RunState } from '../../../src/experiment/record.ts';
import { readExperiment } from '../../../src/experiment/load.ts';
import { hopeless, rungsOf } from '../../../src/sweep/halving.ts';
import { planSweep } from '../../../src/sweep/plan.ts';
import { studentT } from '../../../src/comparison/statistics.ts';
import { bestRow, meanOf, type Outcome, sweepRows } from '../../../src/sweep/results.ts';
import { verdict } from '../../../src/sweep/verdict.ts';
import { withOverrides } from '../../../src/sweep/writeBest.ts';
import { metrics } from '../store/material.ts';

const BASE = `name: base
data: { format: scenes, size: [64, 64] }
teacher: { detector: retinanet, backbone: tiny, weights: t.safetensors }
student: { detector: retinanet, backbone: tiny }
distill: [{ method: fgd }]
train: { steps: 500 }
`;
const plan = (lines: string, overrides: readonly string[] = []): ReturnType<typeof planSweep> => planSweep(`${BASE}${lines}`, 'f', { overrides });
const keys = (lines: string): readonly string[] => plan(lines).runs.map(({ key, controls }) => `${key}${controls.length === 0 ? '' : ` (${controls.join()})`}`);

describe('the plan of a sweep', () => {
  it('shares one control a seed among combinations that differ in distillation alone, controls first', () => {
    expect(keys('control: true\nseeds: [0, 4]\nsweep: { distill: [[fgd], [rm]] }\n')).toEqual([
      'control1-s0', 'c1-s0 (control1-s0)', 'c2-s0 (control1-s0)', 'control1-s4', 'c1-s4 (control1-s4)', 'c2-s4 (control1-s4)',
    ]);
  });

  it('gives each learning rate a control of its own', () => {
    expect(keys('control: true\nsweep: { train.learningRate: [0.1, 0.2] }\n')).toEqual(['control1-s0', 'control2-s0', 'c1-s0 (control1-s0)', 'c2-s0 (control2-s0)']);
  });

  it('trains a control that inherits, where the student inherits', () => {
    expect(keys('control: true\nsweep: { student.inherit: [none, head], "distill[0].alpha": [1, 2] }\n')).toEqual([
      'control1-s0', 'control2-s0', 'c1-s0 (control1-s0)', 'c2-s0 (control1-s0)', 'c3-s0 (control1-s0,control2-s0)', 'c4-s0 (control1-s0,control2-s0)',
    ]);
  });

  it('trains no controls that nobody asked for, and none of a plain training run', () => {
    expect(keys('seeds: [1, 2]\n')).toEqual(['c1-s1', 'c1-s2']);
    expect(keys('control: true\nsweep: { distill: [[], [fgd]] }\n')).toEqual(['control1-s0', 'c1-s0', 'c2-s0 (control1-s0)']);
  });

  it('trains what is the same only once', () => {
    const { runs, repeated } = plan('sweep: { train.batch: [2, 4, 2.0], train.learningRate: [1e-3, 0.001] }\n');
    expect([runs.length, repeated]).toEqual([2, 4]);
  });

  it('makes experiments that are complete without it', () => {
    const { runs, experiments } = plan('control: true\nseeds: [7]\nsweep: { "distill[0].alpha": [0.5], train.clip: [null] }\n', ['train.batch=2']);
    expect(runs.map(({ overrides }) => overrides[0])).toEqual(['train.batch=2', 'train.batch=2']);
    const { overrides } = runs[1] ?? { overrides: [] };
    const { experiment } = readExperiment(`${BASE}control: true\nseeds: [7]\nsweep: { "distill[0].alpha": [0.5], train.clip: [null] }\n`, 'f', { overrides });
    expect(experiment).toEqual(experiments.get('c1-s7'));
    expect(experiment).toMatchObject({ name: 'base, alpha 0.5, clip left out, seed 7', control: false, train: { seed: 7, batch: 2, clip: 35 }, distill: [{ method: 'fgd', alpha: 0.5 }] });
    expect(experiments.get('control1-s7')).toMatchObject({ distill: [], train: { seed: 7 } });
    expect(experiments.get('control1-s7')?.teacher).toBeUndefined();
  });

  it('keeps progressive teachers of a control, whose stages they are', () => {
    const teachers = 'teacher: [{ detector: retinanet, backbone: tiny, weights: a.pth }, { detector: retinanet, backbone: tiny, weights: b.pth }]\nteaching: progressive\ncontrol: true\nseeds: [1]\n';
    const text = `${BASE.replace(/teacher: .*\n/, '')}${teachers}`;
    expect(planSweep(text, 'f').experiments.get('control1-s1')?.teacher).toHaveLength(2);
  });

  it('is refused as a whole for one combination that is not sound', () => {
    const { runs, problems, experiment } = plan('sweep: { train.batch: [2, -1] }\n');
    expect([runs, experiment]).toEqual([[], undefined]);
    expect(problems[0]).toMatchObject({ code: 'DL106', message: expect.stringContaining('batch -1') as string });
  });
});

describe('halving', () => {
  const halving = { first: 0.25, keep: 0.5 };
  const at = (key: string, ...scores: readonly (readonly [number, number])[]): Parameters<typeof hopeless>[0][number] => ({ key, totalSteps: 100, scores: scores.map(([step, AP]) => ({ step, metrics: metrics(AP) })) });

  it.each([[{ first: 0.25, keep: 0.5 }, [0.25, 0.5]], [{ first: 0.1, keep: 1 / 3 }, [0.1, 0.3, 0.9]], [{ first: 0.9, keep: 0.5 }, [0.9]]])('%j looks at %j', (config, rungs) => {
    expect(rungsOf(config).map((rung) => Number(rung.toFixed(6)))).toEqual(rungs);
  });

  it.each<[string, Parameters<typeof hopeless>[0], readonly string[]]>([
    ['nobody alone', [at('a', [25, 0.1])], []],
    ['the worse of two', [at('a', [25, 0.1]), at('b', [25, 0.2])], ['a']],
    ['nobody of two alike', [at('a', [25, 0.2]), at('b', [25, 0.2])], []],
    ['nobody before the first look', [at('a', [24, 0.1]), at('b', [24, 0.2])], []],
    ['nobody that has gone on since', [at('a', [25, 0.1], [30, 0.1]), at('b', [25, 0.2])], []],
    ['the worse at the next look', [at('a', [25, 0.1], [50, 0.1]), at('b', [25, 0.2], [50, 0.2])], ['a']],
    ['by the first measurement at or after it', [at('a', [26, 0.3]), at('b', [40, 0.2])], ['b']],
    ['two of four', [at('a', [25, 0.1]), at('b', [25, 0.2]), at('c', [25, 0.3]), at('d', [25, 0.4])], ['a', 'b']],
    ['nobody that is at its end', [{ ...at('a', [100, 0.1]), totalSteps: 100 }, at('b', [100, 0.2])], []],
  ])('ends %s', (_, contenders, expected) => {
    expect([...hopeless(contenders, halving).keys()].sort()).toEqual(expected);
  });
});

describe('what becomes of a run that ended', () => {
  const ending = { isAsked: false, isEnding: false, doomed: undefined, job: undefined, vainTries: 0 };
  it.each<[string, Partial<Parameters<typeof verdict>[0]> & { readonly state: RunState }, ReturnType<typeof verdict>]>([
    ['finished', { state: 'finished' }, 'finished'],
    ['failed', { state: 'failed', isAsked: true }, 'failed'],
    ['killed: again', { state: 'killed' }, 'waiting'],
    ['killed thrice on the same step', { state: 'killed', vainTries: 3 }, 'killed'],
    ['stopped by somebody', { state: 'stopped', isAsked: true }, 'stopped'],
    ['stopped by the pause', { state: 'stopped', isAsked: true, isEnding: true }, 'waiting'],
    ['preempted: again', { state: 'stopped' }, 'waiting'],
    ['preempted, and the scheduler has put it back', { state: 'stopped', job: { state: 'waiting' } }, 'handed'],
    ['stopped while its job ends', { state: 'stopped', isAsked: true, job: { state: 'running' } }, 'stopped'],
    ['out of time, job over', { state: 'stopped', job: { state: 'ended' } }, 'waiting'],
    ['cancelled by scancel', { state: 'stopped', job: { state: 'ended', isCancelled: true } }, 'stopped'],
    ['hopeless', { state: 'stopped', isAsked: true, doomed: 'AP' }, 'skipped'],
    ['finished before it could be ended', { state: 'finished', isAsked: true, doomed: 'AP' }, 'finished'],
    ['lost to a node, says the store; the scheduler still has it', { state: 'lost', job: { state: 'running' } }, 'handed'],
  ])('%s', (_, given, expected) => {
    expect(verdict({ ...ending, ...given })).toBe(expected);
  });
});

describe('the results', () => {
  const outcome = (key: string, seed: number, AP: number | undefined, more: Partial<Outcome['note']> = {}): Outcome => ({
    note: { key, role: 'student', label: key.split('-')[0] ?? '', values: {}, seed, controls: [`control-s${seed}`], ...more },
    run: { folder: key, totalSteps: 10, state: AP === undefined ? 'running' : 'finished', evaluations: { student: [{ step: 10, metrics: metrics(AP ?? 0.9) satisfies Metrics }] } },
  });
  const control = (seed: number, AP: number): Outcome => outcome(`control-s${seed}`, seed, AP, { role: 'control', controls: [], label: 'control' });

  it('are means over seeds with gains over the control of the same seed', () => {
    const rows = sweepRows([outcome('a-s0', 0, 0.5), outcome('a-s1', 1, 0.7), control(0, 0.2), control(1, 0.5)]);
    expect(rows.map(({ label }) => label)).toEqual(['control', 'a']);
    const row = rows[1];
    expect(row?.AP?.mean).toBeCloseTo(0.6);
    expect(row?.AP?.sd).toBeCloseTo(Math.SQRT1_2 * 0.2);
    expect(row?.gain?.mean).toBeCloseTo(0.25);
    // Half-width: t(1) · sd / √2, with sd = 0.05 · √2.
    expect(row?.gainInterval).toBeCloseTo(12.706 * 0.05, 4);
    expect(rows[0]?.gain).toBeUndefined();
  });

  it('reckon the gain against the better of two controls, and only where both are there', () => {
    const both = { controls: ['control-s0', 'other-s0'] };
    const other = outcome('other-s0', 0, 0.4, { role: 'control', controls: [], label: 'control, inheriting' });
    expect(sweepRows([control(0, 0.2), other, outcome('a-s0', 0, 0.5, both)])[2]?.gain?.mean).toBeCloseTo(0.1);
    expect(sweepRows([control(0, 0.2), outcome('a-s0', 0, 0.5, both)])[1]?.gain).toBeUndefined();
  });

  it('leave out what is not finished, and choose no best by fewer seeds than others have', () => {
    const rows = sweepRows([outcome('a-s0', 0, 0.9), outcome('a-s1', 1, undefined), outcome('b-s0', 0, 0.5), outcome('b-s1', 1, 0.5), control(0, 0.2)]);
    expect(rows.find(({ label }) => label === 'a')?.AP).toEqual({ mean: 0.9, count: 1 });
    expect(bestRow(rows, 'AP')?.label).toBe('b');
    const [first] = rows;
    expect(first === undefined ? undefined : meanOf(first, 'gain')).toBeUndefined();
    expect(bestRow([], 'AP')).toBeUndefined();
  });

  it('have the quantiles of Student\'s t', () => {
    expect([1, 4, 30].map(studentT)).toEqual([12.706, 2.776, 2.042]);
    expect(studentT(60)).toBeCloseTo(2, 2);
  });
});

describe('the best, written back', () => {
  it('changes its keys alone and keeps comments', () => {
    const text = `# mine\n${BASE.replace('steps: 500 }', 'steps: 500, epochs: 1 } # long')}seeds: [1, 2]\nsweep: { train.batch: [2, 4] } # tried\nevaluate: { every: 50 } # often\n`;
    const written = withOverrides(text, 'best', ['train.epochs=', 'seeds=', 'sweep=', 'train.batch=4', 'distill=[{"method":"rm"}]', 'train.seed=2', 'control=false', 'name="x"']);
    expect(readExperiment(written, 'best').experiment).toMatchObject({ name: 'base', train: { batch: 4, seed: 2, steps: 500 }, distill: [{ method: 'rm' }] });
    expect(written).toMatch(/^# mine\n/);
    expect(written).toContain('# often');
    expect(written).not.toMatch(/seeds|sweep/);
  });

  it('is refused where it would not be an experiment', () => {
    expect(() => withOverrides(BASE, 'best', ['train.batch=-4'])).toThrow(expect.objectContaining({ code: 'DL743' }) as Error);
  });
});
