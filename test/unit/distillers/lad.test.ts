import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { deltaCoding, distanceCoding } from '../../../src/detectors/coding.ts';
import { inference, type Assignment, type BoxCoding } from '../../../src/detectors/detector.ts';
import { createDetector } from '../../../src/detectors/table.ts';
import { candidateObjects, choosePositives } from '../../../src/distillers/ladAssign.ts';
import { fitPair } from '../../../src/distillers/ladMixture.ts';
import { checkPair, createDistillers } from '../../../src/distillers/table.ts';
import { directProgram } from '../../../src/engine/directProgram.ts';
import { Random } from '../../../src/engine/random.ts';
import { ladOptions } from '../../../src/experiment/methods/lad.ts';
import { detectorSchema } from '../../../src/experiment/schema.ts';
import { stepInputs } from '../../../src/run/methodInputs.ts';
import { observationStep, unprefixed } from '../../../src/run/step.ts';
import { buildDistillers, measure, traitsOf, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total } from './support.ts';

const SQUARES = { corners: [[0, 0, 16, 16], [8, 0, 24, 16], [16, 0, 32, 16], [0, 0, 32, 32]].flat(), perLevel: [3, 1] };
const FREE = { overlap: 0.1, centred: false, inside: () => true };
const truthOf = (...boxes: (readonly [number, number, number, number])[]): { boxes: typeof boxes; labels: number[]; ignored: never[] } => ({ boxes, labels: boxes.map(() => 0), ignored: [] });

const GRID = [[5, 7], [3, 4]] as const;
const centres = GRID.flatMap(([rows, columns], level) => Array.from({ length: rows * columns }, (_, cell) => [(cell % columns) * 8 * 2 ** level, Math.floor(cell / columns) * 8 * 2 ** level, 32 * 2 ** level] as const));
const perLevel = (): number[] => [35, 12];
const deltas = deltaCoding({ anchors: () => Float32Array.from(centres.flatMap(([x, y, half]) => [x - half, y - half, x + half, y + half])), perLevel, deviations: [0.1, 0.1, 0.2, 0.2], limits: { least: -4, most: 4 } });
const distances = distanceCoding({ points: () => Float32Array.from(centres.flatMap(([x, y]) => [x + 4, y + 4])), perLevel, unit: () => 20 });

function sceneWith(boxCoding: BoxCoding = deltas, options: Parameters<typeof makeScene>[0] = {}): Scene {
  const scene = makeScene({ anchorsPerCell: 1, grid: GRID, ...options });
  const traits = { detector: 'atss', boxCoding };
  return { ...scene, student: { ...scene.student, centerness: GRID.map(([rows, columns]) => randomMap([scene.batch.truth.length, rows, columns, 1], 5)) }, traits: { student: traits, teacher: traits } };
}

async function assignBy(scene: Scene, options: Readonly<Record<string, unknown>> = {}): Promise<readonly Assignment[]> {
  const [distiller] = buildDistillers([ladOptions.parse({ method: 'lad', ...options })], scene);
  const maps = Object.fromEntries(['logits', 'regression'].flatMap((kind) => (scene.teacher[kind as 'logits'] ?? []).map((map, level) => [`${kind}.${level}`, map])));
  const observed = await onCpu((tensors) => {
    const network = { backbone: [], features: [], towers: { classification: [], regression: [] }, logits: [0, 1].map((level) => tensors[`logits.${level}`] as tf.Tensor4D), regression: [0, 1].map((level) => tensors[`regression.${level}`] as tf.Tensor4D) };
    return { outputs: distiller?.observe?.run(network, network, tensors, { images: network.logits[0] as tf.Tensor4D, targets: {}, mode: inference() }) ?? {} };
  }, { ...maps, ...(distiller?.observe?.inputs?.(scene.batch) ?? {}) }, []);
  return distiller?.supervise?.(scene.batch, observed).assignments ?? [];
}

describe('LAD\'s candidates', () => {
  it('give every object its best anchors, later objects before earlier ones', () => {
    expect([...candidateObjects(SQUARES, truthOf([0, 0, 16, 16], [1, 0, 17, 16]), FREE)]).toEqual([2, 2, 0, 1]);
    expect([...candidateObjects(SQUARES, truthOf([30, 30, 32, 32]), FREE)]).toEqual([0, 0, 0, 1]);
  });

  it('take a box without area for none, where the best overlap of 0 would give it every anchor', () => {
    expect([...candidateObjects(SQUARES, truthOf([5, 5, 5, 9]), FREE)]).toEqual([0, 0, 0, 0]);
    expect([...candidateObjects(SQUARES, truthOf([500, 500, 510, 510]), FREE)]).toEqual([1, 1, 1, 1]);
  });

  it('leave out padding and ignored regions', () => {
    expect([...candidateObjects(SQUARES, truthOf([0, 0, 32, 32]), { ...FREE, inside: (index) => index !== 0 })]).toEqual([-1, 1, 1, 1]);
    expect([...candidateObjects(SQUARES, { boxes: [[0, 0, 16, 16]], labels: [0], ignored: [[14, 0, 40, 20]] }, { ...FREE, overlap: 0.3 })]).toEqual([1, 1, -1, 0]);
  });

  it('hold only centres in the object where boxes are distances from a point', () => {
    expect([...candidateObjects(SQUARES, truthOf([0, 0, 16, 16]), { ...FREE, centred: true })]).toEqual([1, 0, 0, 0]);
  });
});

describe('LAD\'s choice', () => {
  const choose = (costs: readonly number[], levels: readonly number[] = [costs.length], nearest = 9): number[] => [...choosePositives(new Int32Array(costs.length).fill(1), costs, levels, nearest)];

  it('is exactly one anchor, the first, where all costs are equal', () => {
    expect(choose([2, 2, 2, 2])).toEqual([1, 0, 0, 0]);
  });

  it('parts cheap from dear', () => {
    expect(choose([5, 0.11, 5.1, 0.1, 0.12, 4.9, 0.105])).toEqual([0, 1, 0, 1, 0, 0, 1]);
  });

  it('is nothing for an object with a cost that is not a number, or with fewer than two candidates', () => {
    expect(choose([1, Number.NaN, 0.1, 3])).toEqual([0, 0, 0, 0]);
    expect(choose([1, Number.POSITIVE_INFINITY])).toEqual([0, 0]);
    expect(choose([1])).toEqual([0]);
  });

  it('lets only the cheapest of each level compete', () => {
    const costs = [0.1, 0.2, 0.15, 9, 0.12, 0.11];
    expect(choose(costs, [3, 3], 1).filter((object) => object === 1).length).toBeLessThanOrEqual(2);
    expect(choose(costs, [3, 3], 1)[1]).toBe(0);
  });

  it('keeps what takes no part', () => {
    expect([...choosePositives(Int32Array.from([-1, 0, 1, 1]), [0, 0, 1, 2], [4], 9)].slice(0, 2)).toEqual([-1, 0]);
  });

  it('fits two components to two heaps of numbers', () => {
    const { component } = fitPair([0, 0.1, 0.2, 5, 5.1, 5.2]);
    expect([...component]).toEqual([0, 0, 0, 1, 1, 1]);
  });
});

describe('LAD', () => {
  it('hands the teacher\'s assignment to the student and adds no loss of its own', async () => {
    const scene = sceneWith();
    const assignments = await assignBy(scene);
    expect(assignments.map(({ length }) => length)).toEqual([47, 47]);
    for (const [image, objects] of assignments.entries()) {
      for (const object of objects) expect(object).toBeLessThanOrEqual(scene.batch.truth[image]?.boxes.length ?? 0);
      expect(objects.some((object) => object > 0)).toBe(true);
    }
    const [distiller] = buildDistillers([ladOptions.parse({ method: 'lad' })], scene);
    expect(distiller?.replacesDetection).toBeUndefined();
    expect((await measure(buildDistillers([ladOptions.parse({ method: 'lad' })], scene), scene, onCpu)).losses).toEqual({});
  });

  it('assigns points, too, inside their objects only', async () => {
    const scene = sceneWith(distances);
    const [first = new Int32Array()] = await assignBy(scene);
    expect(first.some((object) => object > 0)).toBe(true);
    first.forEach((object, index) => {
      const box = scene.batch.truth[0]?.boxes[object - 1];
      const [x = 0, y = 0] = centres[index] ?? [];
      if (box !== undefined) expect(x + 4 > box[0] && x + 4 < box[2] && y + 4 > box[1] && y + 4 < box[3]).toBe(true);
    });
  });

  it('has losses without objects, and gradients that finite differences give', async () => {
    const options = { losses: 'paa' };
    const build = (scene: Scene): ReturnType<typeof buildDistillers> => buildDistillers([ladOptions.parse({ method: 'lad', ...options })], scene);
    const empty = sceneWith(deltas, { boxes: [[], []] });
    const none = await measure(build(empty), empty, onCpu);
    expect(none.losses['lad.box']).toBe(0);
    expect(none.losses['lad.overlap']).toBe(0);
    expect(none.losses['lad.classification']).toBeGreaterThan(0);
    expect(allValues(none).every((value) => Number.isFinite(value))).toBe(true);
    const scene = sceneWith();
    for (const kind of ['logits', 'regression'] as const) {
      const direction = randomDirection(scene, kind, 5);
      // The target of the IoU branch is a constant.
      const run = (by: number): Promise<number> => measure(buildDistillers([ladOptions.parse({ method: 'lad', losses: 'paa', iouWeight: 0 })], scene), moved(scene, kind, direction, by), onCpu).then(total);
      const { gradients } = await measure(build(scene), scene, onCpu);
      expect(dot(gradients, kind, direction)).toBeCloseTo((await run(5e-3) - await run(-5e-3)) / 1e-2, 2);
    }
  });

  it('puts its losses in the place of others only where they train the whole head', () => {
    const scene = sceneWith();
    const traits = traitsOf(scene.student, scene, scene.traits?.student);
    const codes = (options: Readonly<Record<string, unknown>>, detector: string): string[] => checkPair([ladOptions.parse({ method: 'lad', ...options })], traits, { ...traits, detector }).map(({ code }) => code);
    expect(codes({ losses: 'paa' }, 'gfl')).toEqual(['DL583']);
    expect(codes({ losses: 'paa' }, 'atss')).toEqual([]);
    expect(codes({}, 'gfl')).toEqual([]);
  });

  it.each(['retinanet', 'fcos', 'atss', 'gfl'] as const)('is learnt from by %s with its own losses', async (detector) => {
    await tf.setBackend('cpu');
    const config = detectorSchema.parse({ detector, backbone: 'tiny', neck: { levels: 2, channels: 8 }, head: { convs: 1 } });
    const [student, teacher] = [createDetector(config, { classes: ['a', 'b', 'c'], random: Random.of(1) }), createDetector(config, { classes: ['a', 'b', 'c'], random: Random.of(2) })];
    const distillers = createDistillers([ladOptions.parse({ method: 'lad' })], {
      teacher: teacher.traits, student: student.traits, inputSize: [64, 64], batch: 2, random: Random.of(3), statistics: { featureDeviation: [] },
    });
    const networks = { student, teacher, distillers };
    const given = { truth: [truthOf([4, 6, 40, 50], [30, 10, 60, 30]), truthOf()], inputSize: [64, 64] as const, contentSizes: [[64, 64], [50, 64]] as const };
    const inputs = stepInputs(networks, randomMap([2, 64, 64, 3], 4), given, (fed) => directProgram({ observe: { run: observationStep(networks, true), example: fed } }).run('observe', fed));
    const own = student.targets(given.truth, given.inputSize).tensors;
    expect(Object.entries(own).some(([name, { data }]) => inputs[`target.${name}`]?.data.some((value, index) => value !== data[index]))).toBe(true);
    const outputs = directProgram({ step: { run: (tensors) => ({ outputs: student.loss(student.forward(tensors.images as tf.Tensor4D, inference()), unprefixed('target', tensors)) }), example: inputs } }).run('step', inputs);
    for (const [part, { data }] of Object.entries(outputs)) expect(Number.isFinite(data[0]), part).toBe(true);
  });
});
