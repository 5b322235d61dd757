import { describe, expect, it } from 'vitest';
import { float32, type HostTensor } from '../../../src/engine/hostTensor.ts';
import { ssimKdOptions } from '../../../src/experiment/methods/ssimKd.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Partial<ReturnType<typeof ssimKdOptions.parse>>;
const config = (options: Options = {}): ReturnType<typeof ssimKdOptions.parse> => ssimKdOptions.parse({ method: 'ssim-kd', ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);
const changed = (scene: Scene, change: (value: number) => number): Scene => withStudent(scene, { features: (scene.student.features ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, change))) });
const grids = [[[5, 7], [3, 4]], [[2, 5], [1, 1]], [[1, 6], [4, 1]]] as const;

/** Brought to 0 … 1 by the whole tensor. */
function scaled({ data }: HostTensor): number[] {
  const values = [...data];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (value - least) / (most - least));
}

/** λ Σ_l mean (1 − SSIM) / 2 by loops in doubles. */
function expected(scene: Scene): number {
  return (scene.student.features ?? []).reduce((sum, map, level) => {
    const [batch = 0, rows = 0, columns = 0, channels = 0] = map.shape;
    const [S, T] = [scaled(map), scaled(scene.teacher.features?.[level] ?? map)];
    const radius = Math.min(5, Math.min(rows, columns) - 1);
    const mirror = (cell: number, cells: number): number => (cell < 0 ? -cell : cell >= cells ? 2 * cells - 2 - cell : cell);
    let own = 0;
    for (let place = 0; place < batch * rows * columns * channels; place += 1) {
      const [channel, column] = [place % channels, Math.floor(place / channels) % columns];
      const [row, image] = [Math.floor(place / channels / columns) % rows, Math.floor(place / channels / columns / rows)];
      const moments = [0, 0, 0, 0, 0, 0];
      for (let down = -radius; down <= radius; down += 1) {
        for (let across = -radius; across <= radius; across += 1) {
          const index = ((image * rows + mirror(row + down, rows)) * columns + mirror(column + across, columns)) * channels + channel;
          const [s, t, weight] = [S[index] ?? 0, T[index] ?? 0, Math.exp(-(down ** 2 + across ** 2) / 4.5)];
          [1, s, t, s * s, t * t, s * t].forEach((value, moment) => { moments[moment] = (moments[moment] ?? 0) + weight * value; });
        }
      }
      const [mS = 0, mT = 0, sS = 0, sT = 0, product = 0] = moments.slice(1).map((value) => value / (moments[0] ?? 1));
      own += (1 - ((2 * mS * mT + 1e-4) * (2 * (product - mS * mT) + 9e-4)) / ((mS ** 2 + mT ** 2 + 1e-4) * (sS - mS ** 2 + sT - mT ** 2 + 9e-4))) / 2;
    }
    return sum + own / S.length;
  }, 0);
}

describe('SSIM-KD', () => {
  it.each(grids)('mirrors borders, and shrinks the window of levels too small for it: %o, %o', async (...grid) => {
    const scene = makeScene({ grid });
    expect(total(await run(scene, { weight: 1 }))).toBeCloseTo(expected(scene), 4);
  });

  it('has no gradient and no NaN where features do not vary', async () => {
    const { losses, gradients, ...rest } = await run(changed(makeScene(), () => 0.3));
    expect(losses['ssim-kd.structure']).toBeGreaterThan(0);
    expect(Object.values(gradients).every((values) => values.every((value) => value === 0))).toBe(true);
    expect(allValues({ losses, gradients, ...rest }).every(Number.isFinite)).toBe(true);
  });

  it.each(['perTensor', 'perImage', 'perChannel', 'perImageChannel', 'none'] as const)('%s: gradients are those of differences, also at the least and largest element', async (normalise) => {
    const scene = makeScene({ grid: [[3, 4], [2, 2]], studentChannels: 3 });
    const options = { normalise, weight: 10 };
    const { gradients } = await run(scene, options);
    for (const seed of [3, 4]) {
      const direction = randomDirection(scene, 'features', seed);
      const [above, below] = [await run(moved(scene, 'features', direction, 3e-3), options), await run(moved(scene, 'features', direction, -3e-3), options)];
      const slope = (total(above) - total(below)) / 6e-3;
      expect(Math.abs(dot(gradients, 'features', direction) - slope)).toBeLessThan(0.02 * Math.abs(slope) + 5e-3);
    }
  });

  it('sees neither scale nor offset unless told so, and vanishes where both agree', async () => {
    const scene = makeScene();
    expect(total(await run(changed(scene, (value) => 3 * value + 7)))).toBeCloseTo(total(await run(scene)), 4);
    expect(total(await run(changed(scene, (value) => 3 * value + 7), { normalise: 'none' }))).not.toBeCloseTo(total(await run(scene, { normalise: 'none' })), 2);
    expect(Math.abs(total(await run({ ...scene, teacher: scene.student })))).toBeLessThan(1e-5);
  });

  it('refuses an even window', () => {
    expect(() => config({ window: 4 })).toThrow(/odd/);
  });
});
