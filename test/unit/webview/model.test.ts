import { describe, expect, it } from 'vitest';
import { type Arm, type EventOf, type RunEvent } from '../../../src/experiment/record.ts';
import { chartsOf } from '../../../webview/curves/charts.ts';
import { Samples, extent, shares } from '../../../webview/curves/samples.ts';
import { curvesWaiting, evaluationWaiting, masksWaiting } from '../../../webview/empty.ts';
import { MAX_PARTS, RunModel, groupOf, partOf } from '../../../webview/model.ts';
import { secondsLeft, statusOf } from '../../../webview/status.ts';
import { fakeEvents } from '../../support/fakeRun.ts';

const header = { id: 'r', name: 'r', state: 'running', hasLine: false } as const;

function started(from: Partial<Record<Arm, number>>, time = 0, totalSteps = 100): EventOf<'started'> {
  return {
    type: 'started', time, pid: 1, host: 'h', name: 'n', totalSteps, stepsPerEpoch: 10, from, engine: { backend: 'tensorflow', device: 'CPU', precision: 'float32', captured: true },
    summary: 's', arms: ['control', 'student'], methods: ['fgd'], classes: ['a'],
  };
}

function step(at: number, losses: Record<string, number> = { total: at }, arm: Arm = 'student', time = at * 1000): EventOf<'step'> {
  return { type: 'step', time, arm, step: at, losses, learningRate: 0.1, gradientNorm: 1, imagesPerSecond: 8 };
}

function modelOf(...events: RunEvent[]): RunModel {
  const model = new RunModel();
  model.add(events, true);
  return model;
}

const stepsOf = (model: RunModel, arm: Arm = 'student'): number[] => [...(model.arms.get(arm)?.steps.view() ?? [])];

describe('RunModel', () => {
  it('keeps arms, parts and speeds apart', () => {
    const model = modelOf(started({ student: 0 }), step(1, { total: 3, 'fgd.global': 1 }), step(1, { total: 5 }, 'control', 2000));
    expect(model.arms.get('student')?.parts.get('fgd.global')?.last).toBe(1);
    expect(model.arms.get('control')?.parts.get('total')?.last).toBe(5);
    expect(model.arms.get('control')?.parts.has('fgd.global')).toBe(false);
    expect(model.currentArm).toBe('control');
  });

  it('forgets everything on reset and adds otherwise', () => {
    const model = modelOf(started({ student: 0 }), step(1), step(2));
    model.add([step(3)], false);
    expect(stepsOf(model)).toEqual([1, 2, 3]);
    model.add([started({ student: 0 }), step(1)], true);
    expect(stepsOf(model)).toEqual([1]);
  });

  it('cuts steps, evaluations, masks and checkpoints past the step that a later start goes on from', () => {
    const evaluation = (at: number, subject: 'student' | 'control'): RunEvent => ({ type: 'evaluation', time: 0, step: at, subject, metrics: {} as EventOf<'evaluation'>['metrics'], perClass: {}, seconds: 1 });
    const model = modelOf(
      started({ student: 0, control: 0 }), step(1, { total: 1 }, 'control'), step(2, { total: 1 }, 'control'), evaluation(2, 'control'), step(1), step(2), step(3), step(4), evaluation(2, 'student'), evaluation(4, 'student'),
      { type: 'pictures', time: 0, arm: 'student', step: 4, folder: 'a' }, { type: 'checkpoint', time: 0, arm: 'student', step: 2, folder: 'c', kind: 'last' }, { type: 'checkpoint', time: 0, arm: 'student', step: 4, folder: 'c', kind: 'last' },
      started({ student: 2, control: 2 }, 100_000), step(3, { total: 30 }, 'student', 101_000),
    );
    expect(stepsOf(model)).toEqual([1, 2, 3]);
    expect(model.arms.get('student')?.parts.get('total')?.last).toBe(30);
    expect(stepsOf(model, 'control')).toEqual([1, 2]);
    expect(model.evaluations.get('student')?.map((item) => item.step)).toEqual([2]);
    expect(model.evaluations.get('control')?.map((item) => item.step)).toEqual([2]);
    expect(model.pictures).toEqual([]);
    expect(model.checkpoints.map((mark) => mark.step)).toEqual([2]);
    expect(model.resumes).toEqual([{ arm: 'control', step: 2 }, { arm: 'student', step: 2 }]);
  });

  it('breaks the line at a resume and at a hole, not at a change of the logging distance', () => {
    const model = modelOf(started({ student: 0 }), step(1), step(2), step(12), step(22), started({ student: 22 }), step(23), step(400));
    expect(stepsOf(model)).toEqual([1, 2, 12, 22, 23, 400]);
    expect(model.arms.get('student')?.breaks).toEqual([4, 5]);
  });

  it('counts training time without the pause between sessions', () => {
    const model = modelOf(started({ student: 0 }), step(1, {}, 'student', 1000), step(2, {}, 'student', 3000), started({ student: 2 }, 9e6), step(3, {}, 'student', 9_001_000), step(4, {}, 'student', 9_003_000));
    expect(model.arms.get('student')?.elapsed.last).toBe(4);
    expect(model.position('student', 4, 'time')).toBeCloseTo(4 / 60);
    expect(model.stepAt('student', 2.5 / 60, 'time')).toBe(3);
    expect(model.position('student', 25, 'epoch')).toBe(2.5);
    expect(model.stepAt('student', 2.5, 'epoch')).toBe(25);
  });

  it('leaves the turns of other arms and evaluations out of an arm\'s time', () => {
    const turn = (arm: Arm, time: number): RunEvent => ({ type: 'phase', time, phase: 'training', arm });
    const model = modelOf(
      started({}), turn('control', 0), step(1, {}, 'control', 1000), step(2, {}, 'control', 2000), turn('student', 10_000), step(1, {}, 'student', 12_000), step(2, {}, 'student', 14_000),
      turn('control', 50_000), step(3, {}, 'control', 51_000), turn('student', 90_000), step(3, {}, 'student', 92_000), step(4, {}, 'control', 93_000),
    );
    expect([...(model.arms.get('control')?.elapsed.view() ?? [])]).toEqual([0, 1, 2, 2]);
    expect([...(model.arms.get('student')?.elapsed.view() ?? [])]).toEqual([0, 2, 4]);
    expect(secondsLeft(model)).toBeCloseTo(96 * 1 + 97 * 2);
  });

  it('ignores steps that go back, and values that are no numbers', () => {
    const model = modelOf(started({ student: 0 }), step(5, { total: 1 }), step(4, { total: 9 }), step(5, { total: 9 }), step(6, { total: null as unknown as number }), step(7, { other: 2 }));
    expect(stepsOf(model)).toEqual([5, 6, 7]);
    expect([...(model.arms.get('student')?.parts.get('total')?.view() ?? [])]).toEqual([1, NaN, NaN]);
    expect([...(model.arms.get('student')?.parts.get('other')?.view() ?? [])]).toEqual([NaN, NaN, 2]);
  });

  it('takes any name for a part, up to a bound', () => {
    const losses = JSON.parse('{"__proto__": 1, "constructor": 2, "<script>alert(1)</script>.x": 3, "total": 4}') as Record<string, number>;
    const model = modelOf(started({ student: 0 }), step(1, losses), step(2, Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`p${i}.a`, i]))));
    const history = model.arms.get('student');
    expect(history?.parts.get('__proto__')?.at(0)).toBe(1);
    expect(({} as Record<string, unknown>).a).toBeUndefined();
    expect(history?.parts.size).toBe(MAX_PARTS);
    expect(history?.droppedParts.size).toBe(10 * MAX_PARTS);
    expect(chartsOf(model).length).toBeLessThan(16);
  });

  it('splits names at the first dot', () => {
    expect([groupOf('fgd.a.b'), partOf('fgd.a.b'), groupOf('alone'), partOf('alone'), groupOf('.x')]).toEqual(['fgd', 'a.b', 'alone', 'alone', '.x']);
  });

  it('takes the gain at the last step at which all were measured', () => {
    const metrics = (AP: number): EventOf<'evaluation'>['metrics'] => ({ AP, AP50: AP, AP75: AP, APs: -1, APm: -1, APl: -1, AR1: 0, AR10: 0, AR100: 0, ARs: 0, ARm: 0, ARl: 0 });
    const evaluation = (subject: 'student' | 'control', at: number, AP: number): RunEvent => ({ type: 'evaluation', time: 0, step: at, subject, metrics: metrics(AP), perClass: {}, seconds: 1 });
    const model = modelOf(started({}), evaluation('student', 10, 0.3), evaluation('student', 20, 0.4), evaluation('control', 10, 0.2));
    expect(model.gain()?.step).toBe(10);
    expect(model.gain()?.value).toBeCloseTo(0.1);
    expect(modelOf(started({}), evaluation('student', 10, 0.3)).gain()).toBeUndefined();
  });
});

describe('charts', () => {
  const model = modelOf(...fakeEvents({ totalSteps: 300, reached: 200, methods: ['fgd', 'rm', 'pfi'] }));

  it('are one for the total, detection, each method, AP, rates and shares', () => {
    expect(chartsOf(model).map((chart) => chart.title)).toEqual(['Total loss', 'Detection losses', 'FGD', 'RM', 'PFI', 'AP', 'Learning rate and gradient norm', 'Share in the total']);
  });

  it('tell each line by dash or point as well as by colour', () => {
    for (const chart of chartsOf(model)) {
      if (chart.kind === 'shares') continue;
      const looks = chart.series.map((series) => `${series.dash.join()} ${series.point ?? ''}`);
      const named = chart.series.map((series, i) => `${series.colour} ${looks[i] ?? ''}`);
      expect(new Set(named).size, chart.title).toBe(named.length);
    }
  });

  it('have the teacher and the better finished control as references', () => {
    const ap = chartsOf(model).find((chart) => chart.kind === 'evaluation');
    expect(ap?.references.map((reference) => reference.name)).toEqual(['teacher', 'control, inheriting']);
    expect(ap?.references[0]?.value).toBeCloseTo(0.698);
    const early = modelOf(...fakeEvents({ totalSteps: 300 }).filter((event) => !(event.type === 'evaluation' && event.step > 100)));
    expect(chartsOf(early).find((chart) => chart.kind === 'evaluation')?.references.map((reference) => reference.name)).toEqual(['teacher']);
  });

  it('draw a series at its places on each axis', () => {
    const samples = new Samples();
    const total = chartsOf(model)[0]?.series[0];
    if (total === undefined) throw new Error('no total');
    const window = { axis: 'epoch', range: [0, 1], buckets: 500, smoothing: 0.9 } as const;
    const { line, raw } = samples.draw(model, total, window);
    expect(line.length).toBe(raw.length);
    expect(line.at(-1)?.x).toBeCloseTo(200 / 375);
    expect(samples.valueAt(model, total, 'step', 100.4)).toBe(model.arms.get('student')?.parts.get('total')?.at(99));
    expect(samples.valueAt(model, total, 'step', undefined)).toBe(model.arms.get('student')?.parts.get('total')?.last);
    expect(samples.valueAt(model, total, 'step', 290)).toBeUndefined();
    expect(extent(model, 'step')).toEqual([0, 300]);
  });

  it('share the total among the parts, 100 % at each place', () => {
    const chart = chartsOf(model).at(-1);
    const window = { axis: 'step', range: [0, 300], buckets: 90, smoothing: 0 } as const;
    const stacked = shares(model, chart?.series ?? [], window);
    for (const point of stacked.at(-1) ?? []) expect(point.y).toBeCloseTo(100);
    for (let i = 0; i < (stacked[0]?.length ?? 0); i += 1) expect(stacked.map((row) => row[i]?.y ?? 0)).toEqual(stacked.map((row) => row[i]?.y ?? 0).sort((a, b) => a - b));
    const without = shares(model, chart?.series ?? [], window, (series) => series === chart?.series[0]);
    expect(without[0]).toEqual([]);
    expect(without.at(-1)?.[5]?.y).toBeCloseTo(100 - (stacked[0]?.[5]?.y ?? 0));
    expect(stacked[0]?.length).toBeGreaterThan(10);
  });

  it('of many methods are all there, under their names, and share the total by method', () => {
    const methods = Array.from({ length: 20 }, (_, i) => `m${i}`);
    const losses = Object.fromEntries(methods.flatMap((method, i) => [[`${method}.a`, i], [`${method}.b`, 1]]));
    const many = modelOf({ ...started({}), methods, methodTitles: { m3: 'CrossKD' } }, ...[1, 2, 3].map((at) => step(at, { total: 1, 'detection.box': 10, ...losses, 'stranger.x': 1 })));
    const charts = chartsOf(many);
    expect(charts.map((chart) => chart.title).filter((title) => /^(m\d+|CrossKD|stranger)$/.test(title))).toEqual(['m0', 'm1', 'm2', 'CrossKD', ...methods.slice(4), 'stranger']);
    const series = charts.at(-1)?.series ?? [];
    expect(series.map(({ name }) => name)).toEqual(['detection', 'm0', 'm1', 'm2', 'CrossKD', ...methods.slice(4), 'stranger']);
    const stacked = shares(many, series, { axis: 'step', range: [0, 3], buckets: 90, smoothing: 0 });
    expect(stacked.at(-1)?.at(-1)?.y).toBeCloseTo(100);
    expect(stacked[0]?.at(-1)?.y).toBeCloseTo(1000 / (10 + 190 + 20 + 1));
    expect((stacked[4]?.at(-1)?.y ?? 0) - (stacked[3]?.at(-1)?.y ?? 0)).toBeCloseTo(400 / 221);
  });
});

describe('status and empty states', () => {
  it('say what is being done before the first step', () => {
    const model = modelOf();
    expect(statusOf(model, { state: 'preparing' }).activity).toBe('starting');
    expect(curvesWaiting(model, header)).toContain('first step');
    model.add([started({}), { type: 'phase', time: 0, phase: 'capturing', arm: 'student' }], false);
    expect(statusOf(model, { state: 'running' }).activity).toBe('capturing step');
    expect(curvesWaiting(model, header)).toContain('captured');
    expect(statusOf(model, { state: 'killed' }).activity).toBeUndefined();
  });

  it('tell what is known of the run until its record is read: a part of the record is the past', () => {
    const soFar = { arm: 'control', step: 90, total: 100, progress: 0.95, device: 'CPU' } as const;
    const model = modelOf(started({ student: 0 }), step(3, { total: 1 }));
    expect(statusOf(model, { state: 'running', soFar })).toEqual(soFar);
    expect(statusOf(model, { state: 'running' })).toMatchObject({ arm: 'student', step: 3 });
    for (const words of [curvesWaiting, evaluationWaiting, masksWaiting]) expect(words(modelOf(), { ...header, soFar })).toBe('The record of the run is being read.');
  });

  it('say when masks and evaluations come', () => {
    const model = modelOf(started({ student: 0 }), ...Array.from({ length: 40 }, (_, i) => step(i + 1, { total: 1 }, 'student', 500 * i)));
    expect(masksWaiting(model, { ...header, picturesEvery: 100 })).toBe('Masks are recorded every 100 steps; the first in about 30 s.');
    expect(evaluationWaiting(model, { ...header, evaluateEvery: 1000 })).toBe('The first evaluation is at step 1,000, in about 8 min.');
    expect(masksWaiting(model, { ...header, state: 'finished' })).toBe('The run recorded no masks.');
  });

  it('reckon the time left over all arms', () => {
    const model = modelOf(started({ student: 0 }), ...Array.from({ length: 40 }, (_, i) => step(i + 1, { total: 1 }, 'student', 500 * i)));
    expect(secondsLeft(model)).toBeCloseTo((60 + 100) * 0.5);
    expect(statusOf(model, { state: 'running' }).progress).toBeCloseTo(0.2);
    expect(statusOf(model, { state: 'stopped' }).secondsLeft).toBeUndefined();
  });
});
