/** Whatever arrives, the page refuses it or can draw it: every place of every message is tried with what does not belong there. */
import { describe, expect, it } from 'vitest';
import { type RunEvent } from '../../../src/experiment/record.ts';
import { type ToPage } from '../../../webview/contract.ts';
import { chartsOf } from '../../../webview/curves/charts.ts';
import { Samples, extent, shares } from '../../../webview/curves/samples.ts';
import { curvesWaiting, evaluationWaiting, masksWaiting } from '../../../webview/empty.ts';
import { choicesOf, levelsOf, panesOf } from '../../../webview/masks/selection.ts';
import { readMessage } from '../../../webview/messages.ts';
import { RunModel } from '../../../webview/model.ts';
import { statusOf } from '../../../webview/status.ts';
import { fakeEvents, fakeRecording } from '../../support/fakeRun.ts';
import { hostileMessages, mutationsOf } from '../../support/hostileMessages.ts';

const events = fakeEvents({ totalSteps: 12, reached: 8, evaluateEvery: 4, picturesEvery: 4, resumedAt: 6, end: 'failed' });
const header = { id: 'a', name: 'b', state: 'running', hasLine: false, reason: 'r', logTail: ['l'], damage: 'd', picturesEvery: 4, evaluateEvery: 4, soFar: { arm: 'student', step: 8, total: 12, progress: 0.5, summary: 's', device: 'd' } } as const;

/** All that the page derives of a message without a screen. */
function use(message: ToPage): void {
  if (message.type === 'header') {
    const model = new RunModel();
    statusOf(model, message.header);
    for (const words of [curvesWaiting, evaluationWaiting, masksWaiting]) words(model, message.header);
  } else if (message.type === 'events') {
    const model = new RunModel();
    model.add(events.slice(0, 40), true);
    model.add(message.events, false);
    statusOf(model, { state: 'running' });
    model.gain();
    for (const axis of ['step', 'epoch', 'time'] as const) {
      const window = { axis, range: extent(model, axis), buckets: 50, smoothing: 0.5 };
      for (const chart of chartsOf(model)) {
        for (const series of chart.series) new Samples().draw(model, series, window);
        shares(model, chart.series, window);
      }
    }
  } else if (message.type === 'pictures') {
    const values = new Float32Array(message.values);
    for (const choice of choicesOf(message.index)) {
      for (const { name } of levelsOf(message.index, choice)) panesOf(message.index, values, choice, name, 0);
    }
  }
}

describe('messages to the page', () => {
  it('are taken whole when they are as they should be', () => {
    const { index, values } = fakeRecording({ totalSteps: 12, images: 2, methods: ['fgd', 'rm', 'dsig', 'pfi'] }, 4);
    const all: ToPage[] = [
      { type: 'header', header }, { type: 'events', events, reset: true }, { type: 'problem', message: 'x' },
      { type: 'pictures', folder: 'pictures/student-4', index, values: values.slice().buffer }, { type: 'image', file: 'a.png', mime: 'image/png', bytes: new ArrayBuffer(4) },
    ];
    for (const message of all) expect(readMessage(message)).toEqual({ message, refused: 0 });
  });

  it.each([undefined, null, 4, 'x', [], {}, { type: 'nothing' }, { type: '__proto__' }, { type: 'header' }, { type: 'events', events: {}, reset: true }, { type: 'events', events: [] }, { type: 'image', file: 'x', mime: 'image/svg+xml', bytes: new ArrayBuffer(1) }])('refuses %o', (message) => {
    expect(readMessage(message)).toEqual({ message: undefined, refused: 1 });
  });

  it('leaves out the events that are none, and keeps the others', () => {
    const strange = [null, 3, 'step', [], { type: 'step' }, { type: 'started' }, { type: 'evaluation', time: 1, step: 4, subject: 'student' }];
    const { message, refused } = readMessage({ type: 'events', events: [...strange, ...events], reset: false });
    expect(refused).toBe(strange.length);
    expect(message).toEqual({ type: 'events', events, reset: false });
  });

  it('keeps a step whose loss is no number: it is a gap in the curve', () => {
    const step = events.find((event) => event.type === 'step') as Extract<RunEvent, { type: 'step' }>;
    const { message } = readMessage({ type: 'events', events: [{ ...step, losses: { total: NaN, 'fgd.global': 'x' } }], reset: true });
    const model = new RunModel();
    model.add(message?.type === 'events' ? message.events : [], true);
    expect([model.arms.get(step.arm)?.parts.get('total')?.last, model.arms.get(step.arm)?.parts.get('fgd.global')?.last]).toEqual([NaN, NaN]);
  });

  it('refuses or survives every value at every place', () => {
    let [taken, refused] = [0, 0];
    for (const message of hostileMessages()) {
      const read = readMessage(message);
      if (read.message === undefined) refused += 1;
      else {
        taken += 1;
        use(read.message);
      }
    }
    // Neither a guard that lets nothing through nor one that lets all through.
    expect(Math.min(taken, refused)).toBeGreaterThan(100);
  });

  it('tries each leaf and each branch', () => {
    expect([...mutationsOf({ a: [1] })].length).toBe(3 * [...mutationsOf(1)].length);
  });
});
