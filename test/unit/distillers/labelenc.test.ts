import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { type Distiller, type DistillerContext } from '../../../src/distillers/distiller.ts';
import { labelMaps } from '../../../src/distillers/labelencMap.ts';
import { checkPair, createDistillers, methodFiles } from '../../../src/distillers/table.ts';
import { type Box, type GroundTruth } from '../../../src/engine/boxes.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { labelencOptions } from '../../../src/experiment/methods/labelenc.ts';
import { measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Readonly<Record<string, unknown>>;
const WIDTHS = { stem: 3, stages: [4, 5, 6, 7], middle: [2, 2, 3, 3] };
const config = (options: Options = {}): ReturnType<typeof labelencOptions.parse> => labelencOptions.parse({ method: 'labelenc', widths: WIDTHS, ...options });

function build(scene: Scene, options: Options = {}, files?: NonNullable<DistillerContext['files']>): Distiller {
  const traits = traitsOf(scene.student, scene);
  const [distiller] = createDistillers([config(options)], {
    student: traits, teacher: traits, inputSize: scene.batch.inputSize, batch: scene.batch.truth.length, random: Random.of(1), statistics: { featureDeviation: [] }, ...(files === undefined ? {} : { files }),
  });
  if (distiller === undefined) throw new Error('no distiller');
  return distiller;
}

const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure([build(scene, options)], scene, onCpu);
const truth = (...boxes: readonly Box[]): GroundTruth => ({ boxes, labels: boxes.map(() => 0), ignored: [] });
const drawn = (own: GroundTruth, size: readonly [number, number], scale = 1, random?: Random): number[] => [...labelMaps([own], size, { classes: 1, scale }, random).data];
const encoderOf = (distiller: Distiller): Map<string, HostTensor> => new Map(distiller.parameters.all().filter(({ name }) => !name.includes('.adapt.'))
  .map(({ name, variable }) => [name, float32(variable.shape, Float32Array.from(variable.dataSync()))]));

describe('LabelEnc\'s label map', () => {
  it('rises from a half on the border to 1 in the centre, by pixel indexes without a half', () => {
    expect(drawn(truth([1, 0, 5, 4]), [6, 7]).slice(14, 21)).toEqual([0, 0.5, 0.75, 1, 0.75, 0.5, 0]);
    expect(drawn(truth([1, 0, 5, 4]), [6, 7]).slice(35, 42)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it('draws no box without area, and clips one that reaches outside', () => {
    expect(drawn(truth([3, 1, 3, 4], [1, 2, 5, 2.0005]), [6, 7]).every((value) => value === 0)).toBe(true);
    expect(drawn(truth([-4, -4, 4, 4]), [6, 7])[0]).toBe(1);
  });

  it('takes the larger value where boxes of a class overlap, and keeps classes apart', () => {
    const both = { boxes: [[0, 0, 4, 4], [2, 0, 6, 4]] as const, labels: [0, 0], ignored: [] };
    expect(drawn(both, [4, 7]).slice(14, 21)).toEqual([0.5, 0.75, 1, 0.75, 1, 0.75, 0.5]);
    const apart = labelMaps([{ ...both, labels: [0, 1] }], [4, 7], { classes: 2, scale: 1 }).data;
    expect([apart[(2 * 7 + 4) * 2], apart[(2 * 7 + 4) * 2 + 1]]).toEqual([0.5, 1]);
  });

  it('dims about half of the boxes in the first step, the same ones after a resume', () => {
    const boxes = Array.from({ length: 40 }, (_, index): Box => [index * 8, 0, index * 8 + 6, 6]);
    const tops = drawn(truth(...boxes), [8, 320], 1, Random.of(5));
    const peaks = boxes.map((_, index) => tops[3 * 320 + index * 8 + 3] ?? 0);
    expect(peaks.filter((peak) => peak === 1).length).toBeGreaterThan(10);
    expect(peaks.filter((peak) => peak < 1).length).toBeGreaterThan(10);
    expect(drawn(truth(...boxes), [8, 320], 1, Random.of(5))).toEqual(tops);
  });
});

describe('LabelEnc', () => {
  it('still has features and a loss for an image without objects; `emptyImages: false` leaves it out', async () => {
    const scene = makeScene({ boxes: [[[3, 4, 20, 30]], []] });
    const counted = await run(scene);
    expect(counted.losses['labelenc.distance']).toBeGreaterThan(0);
    const { gradients } = await run(scene, { emptyImages: false });
    const half = (gradients['features.0']?.length ?? 0) / 2;
    expect(gradients['features.0']?.subarray(half).every((value) => value === 0)).toBe(true);
    expect(gradients['features.0']?.subarray(0, half).some((value) => value !== 0)).toBe(true);
    expect(total(await run(makeScene({ boxes: [[], []] }), { emptyImages: false }))).toBe(0);
  });

  it('is finite with equal features and with boxes of a pixel', async () => {
    const scene = makeScene({ boxes: [[[3, 4, 4, 5]], [[0, 0, 56, 40]]] });
    const features = (scene.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(0.5)));
    expect(allValues(await run(withStudent(scene, { ...scene.student, features }))).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('weighs each level by its cells', async () => {
    const scene = makeScene();
    const { losses, pictures } = await run(scene);
    const cells = [0, 1].flatMap((level) => [...(pictures[`labelenc.difference.difference.L${level}`]?.data ?? [])]);
    expect(losses['labelenc.distance']).toBeCloseTo(cells.reduce((sum, value) => sum + value, 0) / cells.length, 5);
  });

  it('has the gradients of finite differences', async () => {
    const scene = makeScene({ seed: 2 });
    const { gradients } = await run(scene, { weight: 3 });
    const direction = randomDirection(scene, 'features', 5);
    const [above, below] = [total(await run(moved(scene, 'features', direction, 2e-3), { weight: 3 })), total(await run(moved(scene, 'features', direction, -2e-3), { weight: 3 }))];
    const expected = (above - below) / 4e-3;
    expect(Math.abs(dot(gradients, 'features', direction) - expected)).toBeLessThan(0.02 * Math.abs(expected) + 2e-3);
  });

  it('has the same features from a label map of half the size', async () => {
    const { losses, pictures } = await run(makeScene(), { labelMapScale: 0.5 });
    expect(losses['labelenc.distance']).toBeGreaterThan(0);
    expect(pictures['labelenc.labels.shared.all']?.shape).toEqual([2, 20, 28]);
    expect(pictures['labelenc.component.shared.L0']?.shape).toEqual([2, 5, 7]);
  });

  it('waits with λ, and lets the adapter alone meanwhile', async () => {
    const scene = makeScene();
    const early = { ...scene, batch: { ...scene.batch, step: 1, steps: 100 } };
    const distiller = build(early);
    expect(distiller.inputs(early.batch, {}).imitates?.data[0]).toBe(0);
    expect((await measure([distiller], early, onCpu)).losses['labelenc.distance']).toBe(0);
    expect(distiller.gradientScales?.({ imitates: tf.scalar(0) }).map(({ prefix }) => prefix)).toEqual(['distill.labelenc.adapt.']);
    const at = (step: number, options: Options): number | undefined => build(scene, options, files()).inputs({ ...scene.batch, step, steps: 90 }, {}).imitates?.data[0];
    expect([at(0, DETECTOR), at(79, DETECTOR), at(80, DETECTOR)]).toEqual([1, 1, 0]);
  });

  it('learns from a finished encoder that no longer learns', async () => {
    const scene = makeScene();
    const encoder = encoderOf(build(scene));
    const distiller = build(scene, DETECTOR, new Map([[FILE, encoder]]));
    expect(distiller.parameters.trainable().map(({ name }) => name).every((name) => name.startsWith('distill.labelenc.adapt.'))).toBe(true);
    for (const [name, { data }] of encoder) expect([...(distiller.parameters.get(name)?.variable.dataSync() ?? [])], name).toEqual([...data]);
    expect(total(await measure([distiller], scene, onCpu))).toBeCloseTo(total(await run(scene)), 5);
  });

  it('says what is wrong with the encoder\'s file', () => {
    const scene = makeScene();
    expect(methodFiles([config(DETECTOR)])).toEqual([{ path: FILE, key: ['distill', 0, 'encoder'] }]);
    expect(methodFiles([config()])).toEqual([]);
    expect(checkPair([config({ stage: 'detector' })], traitsOf(scene.student, scene), traitsOf(scene.student, scene)).map(({ code }) => code)).toEqual(['DL590']);
    expect(() => build(scene, DETECTOR, new Map([[FILE, new Map()]]))).toThrow(/does not fit/);
    expect(() => build(scene, DETECTOR, new Map([[FILE, encoderOf(build(makeScene({ classes: 5 })))]]))).toThrow(/does not fit/);
  });
});

const FILE = 'run/checkpoints/student/best/adapters.safetensors';
const DETECTOR = { stage: 'detector', encoder: FILE };

function files(): NonNullable<DistillerContext['files']> {
  return new Map([[FILE, encoderOf(build(makeScene()))]]);
}
