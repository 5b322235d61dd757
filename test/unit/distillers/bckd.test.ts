import { describe, expect, it } from 'vitest';
import { type BckdConfig } from '../../../src/distillers/bckd.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { bckdOptions } from '../../../src/experiment/methods/bckd.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { expectLoss } from '../../goldens/support/tensors.ts';
import { withDeltas } from './boxScene.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Partial<Omit<BckdConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([bckdOptions.parse({ method: 'bckd', ...options })], scene), scene, onCpu);
const scene = (options: Parameters<typeof makeScene>[0] = {}): Scene => withDeltas(makeScene(options));
const shifted = (of: Scene, by: number): Scene => withStudent(of, { ...of.student, logits: (of.teacher.logits ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (value) => value + by))) });

describe('BCKD', () => {
  it.each([[1, false], [2, false], [0, false], [1, true]] as const)('has the gradients of finite differences (β %d, detached gap %s)', async (beta, detachGap) => {
    const own = scene();
    const { gradients } = await run(own, { beta, detachGap });
    const direction = randomDirection(own, 'logits', 4);
    // The weight of the boxes is no function of the logits: only the classification part moves with them.
    const value = ({ losses }: Measured): number => losses['bckd.classification'] ?? Number.NaN;
    const slope = (value(await run(moved(own, 'logits', direction, 2e-3), { beta, detachGap })) - value(await run(moved(own, 'logits', direction, -2e-3), { beta, detachGap }))) / 4e-3;
    expect(Math.abs(dot(gradients, 'logits', direction) - slope) < 0.01 * Math.abs(slope) + 1e-3).toBe(!detachGap);
  });

  it('lets the gradient through the gap unless told not to', async () => {
    const [free, held] = [await run(scene()), await run(scene(), { detachGap: true })];
    expect(held.losses).toEqual(free.losses);
    expect(held.gradients['regression.0']).toEqual(free.gradients['regression.0']);
    expect(held.gradients['logits.0']).not.toEqual(free.gradients['logits.0']);
  });

  it('sums over classes, and a shift of all logits counts', async () => {
    const own = scene({ anchorsPerCell: 1, classes: 3 });
    expect((await run(shifted(own, 0))).losses['bckd.classification']).toBe(0);
    expect((await run(shifted(own, 2))).losses['bckd.classification']).toBeGreaterThan(1);
    // Every class three times: three times the loss.
    const repeat = (maps: Scene['student']): Scene['student'] => ({ ...maps, logits: (maps.logits ?? []).map(({ shape, data }) => float32([...shape.slice(0, 3), 9], Float32Array.from({ length: data.length * 3 }, (_, index) => data[Math.floor(index / 9) * 3 + (index % 3)] ?? 0))) });
    const tripled: Scene = { ...own, student: repeat(own.student), teacher: repeat(own.teacher), classes: 9 };
    expectLoss((await run(tripled)).losses['bckd.classification'] ?? Number.NaN, 3 * ((await run(own)).losses['bckd.classification'] ?? Number.NaN), 'classification');
    expectLoss((await run(tripled)).losses['bckd.localisation'] ?? Number.NaN, (await run(own)).losses['bckd.localisation'] ?? Number.NaN, 'localisation');
  });

  it('leaves out levels without positives, and all of them without objects', async () => {
    const empty = scene({ boxes: [[], []] });
    expect(total(await run(empty))).toBe(0);
    expect(total(await run(empty, { skipLevelsWithoutPositives: false }))).toBeGreaterThan(0);
    const slots = 5 * 7 * 2 + 3 * 4 * 2;
    const coarse = scene({ assignments: [0, 1].map(() => Array.from({ length: slots }, (_, slot) => (slot === slots - 1 ? 1 : 0))) });
    const { gradients } = await run(coarse);
    expect(gradients['logits.0']?.every((value) => value === 0)).toBe(true);
    expect(gradients['logits.1']?.some((value) => value !== 0)).toBe(true);
  });

  it('leaves out ignored candidates', async () => {
    const slots = 5 * 7 * 2 + 3 * 4 * 2;
    const own = scene({ assignments: [0, 1].map(() => Array.from({ length: slots }, (_, slot) => (slot === 0 ? -1 : 1))) });
    const { gradients, pictures } = await run(own);
    expect([...(gradients['logits.0'] ?? [])].slice(0, 3)).toEqual([0, 0, 0]);
    expect([...(gradients['regression.0'] ?? [])].slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(pictures['bckd.gap.difference.L0']?.shape).toEqual([2, 5, 7]);
  });

  it('vanishes, with finite gradients, where student and teacher agree', async () => {
    const own = scene();
    const measured = await run(withStudent(own, own.teacher));
    expect(total(measured)).toBe(0);
    expect(allValues(measured).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('does not pull at boxes that are the same already', async () => {
    const own = scene();
    const { losses, gradients } = await run(withStudent(own, { ...own.student, regression: own.teacher.regression ?? [] }));
    expect(losses['bckd.localisation']).toBeCloseTo(0, 4);
    for (const level of [0, 1]) expect(Math.max(...(gradients[`regression.${level}`] ?? [Number.NaN]).map(Math.abs))).toBeLessThan(1e-4);
  });

  it('is finite with extreme logits', async () => {
    expect(allValues(await run(scene({ logitDeviation: 60 }))).filter((value) => !Number.isFinite(value))).toEqual([]);
  });
});
