import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { methodSchema } from '../../../src/experiment/schema.ts';
import { buildDistillers, measure, type Maps, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { expectLoss } from '../../goldens/support/tensors.ts';
import { makeScene, onCpu } from './support.ts';

const boxCoding = deltaCoding({ anchors: () => Float32Array.from({ length: 94 * 4 }, (_, index) => [2, 3, 20, 25][index % 4] ?? 0), perLevel: () => [70, 24], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } });

/** All features of both networks times a factor. */
function enlarged(scene: Scene, factor: number): Scene {
  const maps = (own: Maps): Maps => ({ ...own, features: (own.features ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (value) => factor * value))) });
  return { ...scene, student: maps(scene.student), teacher: maps(scene.teacher) };
}

describe('scale: normalized', () => {
  it.each([
    ['dsig', { maxNodes: 3, poolSize: 2 }], ['drkd', { maxObjects: 3, poolSize: 2 }], ['g-detkd', { maxRegions: 3, poolSize: 2, queue: 0, embedding: 4 }],
  ] as const)('%s does not see how large features are', async (method, options) => {
    const scene: Scene = { ...makeScene(), traits: { student: { boxCoding }, teacher: { boxCoding } } };
    const run = (factor: number, scale: 'paper' | 'normalized'): Promise<Measured> => {
      const own = enlarged(scene, factor);
      return measure(buildDistillers([methodSchema.parse({ method, scale, ...options })], own, { featureDeviation: [factor, factor] }), own, onCpu);
    };
    const [plain, large, unscaled] = [await run(1, 'paper'), await run(8, 'normalized'), await run(8, 'paper')];
    for (const [part, value] of Object.entries(plain.losses)) expectLoss(large.losses[part] ?? Number.NaN, value, part);
    expect(unscaled.losses).not.toEqual(plain.losses);
  });
});
