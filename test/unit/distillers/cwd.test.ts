import { describe, expect, it } from 'vitest';
import { type DetectorTraits } from '../../../src/detectors/detector.ts';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { checkPair } from '../../../src/distillers/table.ts';
import { cwdOptions } from '../../../src/experiment/methods/cwd.ts';
import { buildDistillers, measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Partial<ReturnType<typeof cwdOptions.parse>>;
const config = (options: Options = {}): ReturnType<typeof cwdOptions.parse> => cwdOptions.parse({ method: 'cwd', ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);
const largest = (values: ArrayLike<number>): number => Math.max(...Array.from(values, Math.abs));
const changed = (scene: Scene, change: (value: number, channel: number) => number): Scene => withStudent(scene, {
  ...scene.student, features: (scene.student.features ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (value, index) => change(value, index % (shape[3] ?? 1))))),
});

/** Σ over places and channels of image 0 and 1, level by level, in doubles, divided by N·C. */
function expected(scene: Scene, kind: 'features' | 'logits', temperature: number): number {
  const column = ({ data, shape }: HostTensor, image: number, channel: number): number[] => {
    const [, rows = 0, columns = 0, channels = 0] = shape;
    const values = Array.from({ length: rows * columns }, (_, place) => (data[(image * rows * columns + place) * channels + channel] ?? 0) / temperature);
    const sum = Math.log(values.reduce((all, value) => all + Math.exp(value), 0));
    return values.map((value) => value - sum);
  };
  return (scene.student[kind] ?? []).reduce((sum, student, level) => {
    const teacher = scene.teacher[kind]?.[level] ?? student;
    const [batch = 0, , , channels = 0] = student.shape;
    let own = 0;
    for (let image = 0; image < batch; image += 1) {
      for (let channel = 0; channel < channels; channel += 1) {
        const q = column(student, image, channel);
        own += column(teacher, image, channel).reduce((all, p, place) => all + Math.exp(p) * (p - (q[place] ?? 0)), 0);
      }
    }
    return sum + own / (batch * channels);
  }, 0);
}

describe('CWD', () => {
  it.each(['features', 'logits'] as const)('takes the softmax over the places of each channel of %s', async (tap) => {
    const scene = makeScene();
    expect(total(await run(scene, { tap, weight: 1, temperature: 2 }))).toBeCloseTo(4 * expected(scene, tap, 2), 4);
    expect(total(await run(scene, { tap }))).toBeCloseTo((tap === 'features' ? 10 : 5) * expected(scene, tap, 1), 3);
  });

  it('does not see a constant added to a channel, and vanishes on one cell and between constant channels', async () => {
    const scene = makeScene();
    expect(total(await run(changed(scene, (value, channel) => value + 5 * channel)))).toBeCloseTo(total(await run(scene)), 3);
    const cell = await run(makeScene({ grid: [[1, 1]] }));
    expect([total(cell), largest(cell.gradients['features.0'] ?? [1])]).toEqual([0, 0]);
    const flat = changed(scene, (_, channel) => channel + 1);
    const both = await run({ ...flat, teacher: flat.student });
    expect([total(both), largest(both.gradients['features.0'] ?? [1])]).toEqual([0, 0]);
  });

  it('stays finite with values far apart', async () => {
    const scene = changed(makeScene(), (value) => 400 * value);
    expect(allValues(await run(scene)).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it.each(['kl', 'ce'] as const)('%s has the gradients of finite differences, through an align convolution', async (constant) => {
    const scene = makeScene({ studentChannels: 3 });
    const [{ gradients }, direction] = [await run(scene, { constant }), randomDirection(scene, 'features', 3)];
    const [above, below] = [await run(moved(scene, 'features', direction, 1e-2), { constant }), await run(moved(scene, 'features', direction, -1e-2), { constant })];
    const slope = (total(above) - total(below)) / 2e-2;
    expect(Math.abs(dot(gradients, 'features', direction) - slope)).toBeLessThan(0.01 * Math.abs(slope) + 1e-3);
    expect(gradients['distill.cwd.L1.align.weight']?.some((value) => value !== 0)).toBe(true);
  });

  it('leaves padding out on request, and levels', async () => {
    const scene = makeScene();
    const padded = { ...scene, batch: { ...scene.batch, contentSizes: [[17, 56], [40, 30]] as const } };
    const [kept, masked] = [await run(padded), await run(padded, { maskPadding: true })];
    expect(total(kept)).toBe(total(await run(scene)));
    const shown = masked.pictures['cwd.distribution.teacher.L0'];
    // 40 × 56 pixels in 5 × 7 cells of 8: rows 0…2 of the first image, columns 0…3 of the second.
    const outside = [...shown?.data ?? []].map((value, index) => (index < 35 ? Math.floor(index / 7) > 2 : index % 7 > 3) === (value === 0));
    expect(outside.every(Boolean)).toBe(true);
    expect(masked.gradients['features.0']?.slice(21 * 4, 35 * 4).every((value) => value === 0)).toBe(true);
    expect(allValues(masked).every(Number.isFinite)).toBe(true);
    expect((await run(scene, { levels: 1 })).gradients['features.1']?.every((value) => value === 0)).toBe(true);
  });

  it('asks for classes and anchors only where logits are compared', () => {
    const scene = makeScene();
    const [teacher, student] = [traitsOf(scene.teacher, scene, { classes: ['other'], anchorsPerCell: 9 }), traitsOf(scene.student, scene)];
    const codes = (options: Options, other: DetectorTraits = teacher): string[] => checkPair([config(options)], other, student).map(({ code }) => code);
    expect(codes({})).toEqual([]);
    expect(codes({ tap: 'logits' })).toEqual(['DL502', 'DL503']);
    expect(codes({}, { ...teacher, levels: [] })).toEqual(['DL501']);
  });
});
