import { describe, expect, it } from 'vitest';
import { deltaCoding, distanceCoding } from '../../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../../src/detectors/detector.ts';
import { type FgfiConfig } from '../../../src/distillers/fgfi.ts';
import { anchoredLevels, imitationMask } from '../../../src/distillers/fgfiMasks.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { fgfiOptions } from '../../../src/experiment/methods/fgfi.ts';
import { buildDistillers, measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, total } from './support.ts';

type Options = Partial<Omit<FgfiConfig, 'method'>>;
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([fgfiOptions.parse({ method: 'fgfi', ...options })], scene), scene, onCpu);

/** Two anchors in each cell of a level of 4 × 6 cells with stride 8. */
function level(anchors: readonly Box[]): ReturnType<typeof anchoredLevels>[number] {
  const all = Array.from({ length: 24 }, (_, cell) => anchors.flatMap((anchor) => anchor.map((corner, side) => corner + (side % 2 === 0 ? cell % 6 : Math.floor(cell / 6)) * 8))).flat();
  const traits: DetectorTraits = {
    ...traitsOf({}, makeScene({ grid: [[4, 6]], anchorsPerCell: anchors.length })),
    boxCoding: deltaCoding({ anchors: () => Float32Array.from(all), perLevel: () => [], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } }),
  };
  const [first] = anchoredLevels(traits, [32, 48]);
  if (first === undefined) throw new Error('no level');
  return first;
}

describe('FGFI', () => {
  it.each(['fpn', 'single'] as const)('%s is 0 with gradients of 0 without objects', async (variant) => {
    const measured = await run(makeScene({ boxes: [[], []] }), { variant });
    expect(total(measured)).toBe(0);
    expect(allValues({ ...measured, pictures: {} }).every((value) => value === 0)).toBe(true);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it('imitates at least the best anchor\'s cell, and compares strictly', () => {
    const squares = level([[-8, -8, 8, 8], [-2, -2, 2, 2]]);
    const cells = (box: Box, threshold: number): number[] => [...imitationMask(squares, [[box]], threshold, 'lengths').mask].flatMap((value, cell) => (value === 1 ? [cell] : []));
    // The anchor at (16, 8) fits exactly; its neighbours have an IoU of 1/3, the diagonal ones of 1/7.
    expect(cells([8, 0, 24, 16], 0.99)).toEqual([8]);
    expect(cells([8, 0, 24, 16], 0.34)).toEqual([8]);
    expect(cells([8, 0, 24, 16], 0.3)).toEqual([2, 7, 8, 9, 14]);
    expect(cells([8, 0, 24, 16], 1), 'nothing is better than the best').toEqual([]);
    expect(cells([400, 400, 420, 420], 0), 'an object that no anchor meets').toEqual([]);
  });

  it('in the first release a box of one pixel counts as padding, and both ends of a side count', () => {
    const squares = level([[-8, -8, 8, 8]]);
    expect(imitationMask(squares, [[[9, 9, 9, 9]]], 0.5, 'pixels').overlap.some((value) => value > 0)).toBe(false);
    const { overlap } = imitationMask(squares, [[[8, 0, 23, 15]]], 0.5, 'pixels');
    expect(overlap[8]).toBeCloseTo(256 / 289, 6);
  });

  it('lets each object count on one level of a pyramid, on all of them in the first release', async () => {
    const marked = async (options: Options): Promise<(boolean | undefined)[]> => {
      const { pictures } = await run(makeScene({ boxes: [[[3, 4, 20, 30]], []] }), options);
      return [0, 1].map((index) => pictures[`fgfi.imitation.shared.L${index}`]?.data.some((value) => value === 1));
    };
    expect(await marked({ variant: 'fpn' })).toEqual([true, false]);
    expect(await marked({ variant: 'single' })).toEqual([undefined, true]);
    expect(await marked({ variant: 'single', stride: 8 })).toEqual([true, undefined]);
    expect(await marked({ variant: 'single', stride: 64 }), 'without a level of this stride: the finest').toEqual([true, undefined]);
  });

  it('gives detectors of points square anchors of eight strides', () => {
    const grid = [[2, 3]] as const;
    const points = Float32Array.from([4, 4, 12, 4, 20, 4, 4, 12, 12, 12, 20, 12]);
    const base = traitsOf({}, makeScene({ grid, anchorsPerCell: 1 }));
    const coded: DetectorTraits = { ...base, boxCoding: distanceCoding({ points: () => points, perLevel: () => [6], unit: () => 1 }) };
    for (const traits of [coded, base]) expect([...anchoredLevels(traits, [16, 24])[0]?.anchors.slice(4, 8) ?? []]).toEqual([-20, -28, 44, 36]);
  });

  it('starts after the delay: 400 steps in the first release', async () => {
    const at = async (step: number, options: Options): Promise<number> => total(await run(makeScene({ step }), options));
    expect(await at(399, { variant: 'single' })).toBe(0);
    expect(await at(400, { variant: 'single' })).toBeGreaterThan(0);
    expect(await at(0, { variant: 'fpn' })).toBeGreaterThan(0);
    expect(await at(4, { variant: 'fpn', delay: 5 })).toBe(0);
  });

  it('starts near half the mean square of the teacher: the adapter begins near 0', async () => {
    const scene = makeScene();
    const { gradients, losses } = await run(scene, { weight: 1 });
    expect(losses['fgfi.imitation']).toBeGreaterThan(0.1);
    expect(Math.max(...(gradients['features.0'] ?? []).map(Math.abs))).toBeLessThan(1e-3);
  });
});
