import { describe, expect, it } from 'vitest';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { defaultsFor } from '../../../src/distillers/table.ts';
import { fkdOptions } from '../../../src/experiment/methods/fkd.ts';
import { buildDistillers, measure, setWeight, type Maps, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Partial<ReturnType<typeof fkdOptions.parse>>;
/** Parts of about equal size. */
const even = { featureWeight: 0.1, channelWeight: 1, spatialWeight: 1, nonlocalWeight: 0.1 };
const config = (options: Options = {}): ReturnType<typeof fkdOptions.parse> => fkdOptions.parse({ method: 'fkd', ...even, ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);

/** All adapters hand on what they get. */
function asIdentity(distillers: ReturnType<typeof buildDistillers>): ReturnType<typeof buildDistillers> {
  for (const { name, variable } of distillers.flatMap(({ parameters }) => parameters.all())) {
    const channels = variable.shape.at(-1) ?? 1;
    const kept = (index: number): boolean => (name.includes('spatial_adapt') ? index === 4 : Math.floor(index / channels) === index % channels);
    if (name.includes('_adapt.')) setWeight(variable, new Float32Array(variable.size).map((_, index) => (name.endsWith('weight') && kept(index) ? 1 : 0)));
  }
  return distillers;
}

function twice(maps: Maps): Maps {
  return { features: (maps.features ?? []).map(({ shape, data }) => float32([2 * (shape[0] ?? 0), ...shape.slice(1)], Float32Array.from([...data, ...data]))) };
}

describe('FKD', () => {
  it('has a gradient of 0, not of infinity, where both networks agree', async () => {
    const scene = makeScene();
    const measured = await measure(asIdentity(buildDistillers([config()], withStudent(scene, scene.teacher))), withStudent(scene, scene.teacher), onCpu);
    expect(Object.values(measured.losses).map((value) => value < 1e-6)).toEqual([true, true, true, true]);
    expect(measured.gradients['features.0']?.every((value) => value === 0)).toBe(true);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it('takes one norm over the whole batch', async () => {
    const scene = makeScene();
    const double: Scene = { ...scene, student: twice(scene.student), teacher: twice(scene.teacher), batch: { ...scene.batch, truth: [...scene.batch.truth, ...scene.batch.truth] } };
    const [once, again] = [await run(scene), await run(double)];
    for (const [part, value] of Object.entries(once.losses)) expect((again.losses[part] ?? 0) / value, part).toBeCloseTo(Math.SQRT2, 3);
  });

  it.each([[[1, 1], [3, 2]], [[1, 6], [9, 9]]] as const)('pools levels smaller than the window as a whole: %o, %o', async (...grid) => {
    const measured = await run(makeScene({ grid }));
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
    expect(measured.pictures['fkd.relation.student.L1']?.shape).toEqual(grid[1][0] === 9 ? [2, 2, 2] : [2, 1, 1]);
  });

  it('trains the teacher\'s non-local block, and keeps it on request', async () => {
    const scene = makeScene();
    const measured = await run(scene);
    // Its norm starts at 0: first gradients reach scale and offset only.
    expect(measured.gradients['distill.fkd.L0.teacher_nonlocal.norm.weight']?.some((value) => value !== 0)).toBe(true);
    expect(measured.gradients['distill.fkd.L0.teacher_nonlocal.theta.weight']?.every((value) => value === 0)).toBe(true);
    const trainable = (options: Options): string[] => buildDistillers([config(options)], scene).flatMap(({ parameters }) => parameters.trainable().map(({ name }) => name)).filter((name) => name.includes('teacher_nonlocal'));
    expect(trainable({})).toHaveLength(20);
    expect(trainable({ freezeTeacherNonLocal: true })).toEqual([]);
  });

  it.each([['equal', 4], ['different', 3]] as const)('%s widths: weighs channels on request, and never differentiates masks', async (_, studentChannels) => {
    const scene = makeScene({ studentChannels });
    const [plain, weighed] = [await run(scene), await run(scene, { useChannelMask: true })];
    expect(weighed.losses['fkd.feature']).not.toBeCloseTo(plain.losses['fkd.feature'] ?? 0, 3);
    expect(weighed.losses['fkd.channel']).toBe(plain.losses['fkd.channel']);
    // With a mask that hardly depends on the student, differences see what the gradient sees.
    const flat = { temperature: 1e6, useChannelMask: true };
    const direction = randomDirection(scene, 'features', 3);
    const [above, below] = [await run(moved(scene, 'features', direction, 1e-2), flat), await run(moved(scene, 'features', direction, -1e-2), flat)];
    const slope = (total(above) - total(below)) / 2e-2;
    expect(Math.abs(dot((await run(scene, flat)).gradients, 'features', direction) - slope)).toBeLessThan(0.01 * Math.abs(slope) + 1e-3);
  });

  it('has masks of mean 1, and weights by stages', async () => {
    const values = [...(await run(makeScene())).pictures['fkd.mask.shared.L0']?.data ?? []];
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(1, 5);
    expect(defaultsFor('fkd', 'atss')).toEqual({ featureWeight: 4e-4, channelWeight: 2e-2, spatialWeight: 2e-2, nonlocalWeight: 4e-4 });
    expect(defaultsFor('fkd', 'faster_rcnn').channelWeight).toBe(4e-3);
  });
});
