import { describe, expect, it } from 'vitest';
import { type BatchTruth, type Distiller } from '../../../src/distillers/distiller.ts';
import { cellQuality, harmonyScore, taskShares, type CellQuality } from '../../../src/distillers/tbdMasks.ts';
import { float32, type HostTensors } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { tbdOptions } from '../../../src/experiment/methods/tbd.ts';
import { METHODS } from '../../../src/distillers/table.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { withDeltas } from './boxScene.ts';
import { allValues, makeScene, onCpu } from './support.ts';

const scene = (options: Parameters<typeof makeScene>[0] = {}): Scene => withDeltas(makeScene(options));
const cells = 5 * 7 + 3 * 4;

/** Predictions as the host sees them: random, or those of a teacher that is sure of nothing. */
function seen({ truth }: BatchTruth, silent = false): HostTensors {
  const random = Random.of(5);
  const values = (count: number, of: (index: number) => number): Float32Array => Float32Array.from({ length: count }, (_, index) => of(index));
  const one = (role: string): HostTensors => ({
    [`${role}.logits`]: float32([truth.length, cells, 3], values(truth.length * cells * 3, () => (silent ? -80 : random.normal()))),
    [`${role}.boxes`]: float32([truth.length, cells, 4], values(truth.length * cells * 4, (index) => (index % 4 < 2 ? random.uniform(0, 20) : random.uniform(20, 40)))),
    [`${role}.anchors`]: float32([truth.length, cells], values(truth.length * cells, () => random.integer(2))),
  });
  return { ...one('teacher'), ...one('student') };
}

async function run(of: Scene, options: Parameters<typeof tbdOptions.parse>[0] = {}, silent = false): Promise<Measured> {
  const distillers = buildDistillers([tbdOptions.parse({ method: 'tbd', ...(options as object) })], of)
    .map((distiller): Distiller => ({ ...distiller, inputs: (batch) => distiller.inputs(batch, seen(batch, silent)) }));
  return measure(distillers, of, onCpu);
}

const quality = (score: readonly number[], fit: readonly number[], highest = score): CellQuality => ({ score: Float64Array.from(score), fit: Float64Array.from(fit), highest: Float64Array.from(highest) });

describe('TBD', () => {
  it('is marked as a reading without reference', () => {
    expect(METHODS.tbd).toMatchObject({ experimental: true, parity: 'none' });
  });

  it('scores harmony high only where class and box both are', () => {
    expect(harmonyScore(0.9, 0.9, 'harmonic')).toBeCloseTo(0.9, 5);
    expect(harmonyScore(0.9, 0.1, 'harmonic')).toBeCloseTo(0.18, 5);
    expect(harmonyScore(0, 0, 'harmonic')).toBe(0);
    expect(harmonyScore(0.9, 0.1, 'geometric')).toBeCloseTo(0.3, 5);
    expect(harmonyScore(0.9, 0.1, 'product')).toBeCloseTo(0.09, 5);
  });

  it('matches a cell with the object of its assignment, else with the one its box overlaps most', () => {
    const truth = { boxes: [[0, 0, 10, 10], [20, 0, 30, 10]] as const, labels: [0, 1], ignored: [] };
    const of = (assigned: number): CellQuality => cellQuality(truth, { logits: [0, 2], boxes: [19, 0, 29, 10], anchors: [1] }, Int32Array.from([0, assigned]), 2, 2);
    expect(of(0)).toMatchObject({ score: Float64Array.from([1 / (1 + Math.exp(-2))]), fit: Float64Array.from([9 / 11]) });
    expect(of(1)).toMatchObject({ score: Float64Array.from([0.5]), fit: Float64Array.from([0]) });
    const lost = cellQuality(truth, { logits: [0, 2], boxes: [50, 50, 60, 60], anchors: [0] }, Int32Array.from([0, 0]), 2, 2);
    expect(lost.fit[0]).toBe(0);
    expect(lost.score[0]).toBe(lost.highest[0]);
  });

  it('counts the task more in which the student lags more', () => {
    const shares = taskShares([quality([0.8, 0.8], [0.5, 0.5])], [quality([0.1, 0.1], [0.4, 0.4])], 0, 2);
    expect(shares.classification).toBeGreaterThan(shares.regression);
    expect(shares.classification + shares.regression).toBeCloseTo(1, 4);
    expect(taskShares([quality([0.8], [0])], [quality([0.1], [0])], 0, 1)).toMatchObject({ regression: 0 });
    expect(taskShares([quality([0], [0])], [quality([0], [0])], 0, 1)).toEqual({ classification: 0, regression: 0 });
  });

  it('has no harmony part without objects, and a mask of classification alone', async () => {
    const { losses, pictures } = await run(scene({ boxes: [[], []] }));
    expect(losses['tbd.harmony']).toBe(0);
    expect(losses['tbd.feature']).toBeGreaterThan(0);
    const [first, second] = [...(pictures['tbd.balance.shared.L0']?.data ?? [])];
    expect(first).toBeCloseTo(1, 3);
    expect(second).toBe(0);
  });

  it.each(['harmonic', 'product', 'geometric'] as const)('is finite with %s, also for a teacher that is sure of nothing and boxes without area', async (harmony) => {
    const own = scene({ boxes: [[[3, 4, 3, 4], [10, 10, 50, 38]], [[0.5, 1, 12, 9]]], logitDeviation: 60 });
    for (const silent of [false, true]) expect(allValues(await run(own, { harmony }, silent)).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('moves classes, boxes and features', async () => {
    const { gradients } = await run(scene());
    for (const kind of ['logits.0', 'regression.0', 'features.0', 'distill.tbd.L0.align.weight']) expect(gradients[kind]?.some((value) => value !== 0), kind).toBe(true);
  });
});
