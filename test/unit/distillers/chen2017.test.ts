import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { boundActive, boundedLoss, softClassLoss } from '../../../src/distillers/chenRows.ts';
import { sampleAnchors, sampleInputs } from '../../../src/distillers/chenSamples.ts';
import { checkPair } from '../../../src/distillers/table.ts';
import { Random } from '../../../src/engine/random.ts';
import { chen2017Options } from '../../../src/experiment/methods/chen2017.ts';
import { buildDistillers, measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total } from './support.ts';

const coding = (deviations: readonly [number, number, number, number] = [1, 1, 1, 1]): ReturnType<typeof deltaCoding> => deltaCoding({
  anchors: () => Float32Array.from({ length: 94 * 4 }, (_, index) => (index % 4 < 2 ? (index >> 2) % 17 : 20 + ((index >> 2) % 13))), perLevel: () => [70, 24], deviations, limits: { least: -4, most: 4 },
});

function sceneWith(options: Parameters<typeof makeScene>[0] = {}, detector = 'retinanet'): Scene {
  const scene = makeScene(options);
  const stage = (seed: number, channels: number): Scene['student']['backbone'] => [[10, 14], [5, 7], [3, 4]].map(([rows = 0, columns = 0]) => randomMap([scene.batch.truth.length, rows, columns, channels], seed));
  const traits = { detector, backbone: 'tiny', boxCoding: coding() };
  return { ...scene, student: { ...scene.student, backbone: stage(7, 48) ?? [] }, teacher: { ...scene.teacher, backbone: stage(8, 48) ?? [] }, traits: { student: traits, teacher: traits } };
}

const run = (scene: Scene, options: Readonly<Record<string, unknown>> = {}): Promise<Measured> => measure(buildDistillers([chen2017Options.parse({ method: 'chen2017', ...options })], scene), scene, onCpu);

describe('Chen et al. 2017', () => {
  it('has soft classes whose least value is the teacher\'s weighted entropy, not 0', async () => {
    await tf.setBackend('cpu');
    const logits = tf.tensor2d([[0.3, -1, 2]]);
    const p = [...tf.softmax(logits).dataSync()];
    const entropy = -p.reduce((sum, value, index) => sum + (index === 0 ? 1.5 : 1) * value * Math.log(value), 0);
    expect(softClassLoss({ student: logits, teacher: logits, weights: tf.tensor1d([1]) }, [1.5, 1, 1], 1).dataSync()[0]).toBeCloseTo(entropy, 5);
  });

  it('bounds strictly: as good as the teacher is good enough, and a margin moves the bound', async () => {
    await tf.setBackend('cpu');
    const rows = { student: tf.tensor2d([[1, 0, 0, 0], [2, 0, 0, 0], [0.5, 0, 0, 0]]), teacher: tf.tensor2d([[0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]), target: tf.zeros<tf.Rank.R2>([3, 4]) };
    expect([...boundActive(rows, 0).dataSync()]).toEqual([0, 1, 0]);
    expect([...boundActive(rows, 0.1).dataSync()]).toEqual([1, 1, 0]);
    expect([...boundActive(rows, 1).dataSync()]).toEqual([1, 1, 1]);
    expect([...boundActive(rows, -4).dataSync()]).toEqual([0, 0, 0]);
    expect(boundedLoss({ ...rows, weights: tf.tensor1d([0.5, 0.5, 0.5]) }, 0).dataSync()[0]).toBeCloseTo(2, 6);
  });

  it('draws a fixed number of anchors, never ignored ones, objects up to their share', () => {
    const assignment = Int32Array.from({ length: 1000 }, (_, index) => (index % 10 === 0 ? 1 : index % 10 === 1 ? -1 : 0));
    const settings = { rows: 64, foregroundShare: 0.25 };
    const drawn = sampleAnchors(assignment, settings, Random.of(3));
    expect(new Set(drawn).size).toBe(64);
    expect(drawn.filter((index) => assignment[index] === 1)).toHaveLength(16);
    expect(drawn.some((index) => assignment[index] === -1)).toBe(false);
    expect(sampleAnchors(assignment, settings, Random.of(3))).toEqual(drawn);
    expect(sampleAnchors(assignment, settings, Random.of(4))).not.toEqual(drawn);
    // Too few background anchors leave slots empty.
    const scarce = sceneWith({ boxes: [[[3, 3, 20, 20]]], assignments: [Array.from({ length: 94 }, (_, index) => (index < 90 ? 1 : index < 92 ? 0 : -1))] });
    const { weights, foreground, rows } = sampleInputs(scarce.batch, { rows: 10, foregroundShare: 0.5, coding: coding() });
    expect(rows?.shape).toEqual([10, 1]);
    expect(weights?.data.filter((value) => value > 0)).toHaveLength(7);
    expect([...weights?.data ?? []].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
    expect(foreground?.data.filter((value) => value > 0)).toHaveLength(5);
  });

  it('has no regression without objects, and stays finite', async () => {
    for (const classView of ['softmax', 'binary']) {
      const measured = await run(sceneWith({ boxes: [[], []] }), { classView, losses: 'paper', hintNorm: 'l1' });
      expect(measured.losses['chen2017.bounded']).toBe(0);
      expect(measured.losses['chen2017.regression']).toBe(0);
      expect(measured.gradients['regression.0']?.every((value) => value === 0)).toBe(true);
      expect(allValues(measured).every((value) => Number.isFinite(value))).toBe(true);
    }
  });

  it('takes class by class against a background of 0 as the same thing where there is one class', async () => {
    const scene = sceneWith({ classes: 1 });
    const [softmax, binary] = [await run(scene), await run(scene, { classView: 'binary' })];
    expect(binary.losses['chen2017.soft']).toBeCloseTo(softmax.losses['chen2017.soft'] ?? 0, 6);
  });

  it('has the gradients that finite differences give', async () => {
    const scene = sceneWith();
    for (const kind of ['logits', 'regression'] as const) {
      const direction = randomDirection(scene, kind, 5);
      const { gradients } = await run(scene, { margin: 100 });
      const slope = (total(await run(moved(scene, kind, direction, 5e-3), { margin: 100 })) - total(await run(moved(scene, kind, direction, -5e-3), { margin: 100 }))) / 1e-2;
      expect(dot(gradients, kind, direction)).toBeCloseTo(slope, 2);
    }
  });

  it('hints the backbone\'s last stage or every level of the neck', async () => {
    const scene = sceneWith({ teacherChannels: 6 });
    const names = (hint: string): string[] => buildDistillers([chen2017Options.parse({ method: 'chen2017', hint })], scene).flatMap(({ parameters }) => parameters.all().map(({ name }) => name)).filter((name) => name.endsWith('weight'));
    expect(names('backbone')).toEqual(['distill.chen2017.C4.adapt.weight']);
    expect(names('neck')).toEqual(['distill.chen2017.L0.adapt.weight', 'distill.chen2017.L1.adapt.weight']);
    expect(names('none')).toEqual([]);
    const { gradients } = await run(scene);
    expect(gradients['backbone.2']?.some((value) => value !== 0)).toBe(true);
    expect(gradients['backbone.1']?.every((value) => value === 0)).toBe(true);
  });

  it('takes the place of the detection loss only where that loss is all there is', () => {
    const scene = sceneWith();
    const traits = traitsOf(scene.student, scene, scene.traits?.student);
    const codes = (options: Readonly<Record<string, unknown>>, student: Partial<typeof traits>): string[] =>
      checkPair([chen2017Options.parse({ method: 'chen2017', ...options })], traits, { ...traits, ...student }).map(({ code }) => code);
    expect(buildDistillers([chen2017Options.parse({ method: 'chen2017', losses: 'paper' })], scene)[0]?.replacesDetection).toBe(true);
    expect(codes({ losses: 'paper' }, {})).toEqual([]);
    expect(codes({ losses: 'paper' }, { detector: 'atss' })).toEqual(['DL581']);
    expect(codes({}, { boxCoding: coding([0.1, 0.1, 0.2, 0.2]) })).toEqual(['DL582']);
    expect(codes({ nu: 0 }, { boxCoding: coding([0.1, 0.1, 0.2, 0.2]) })).toEqual([]);
  });
});
