import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { mimic, type MimicConfig } from '../../../src/distillers/mimic.ts';
import { regionsOf } from '../../../src/distillers/mimicRegions.ts';
import { float32, int32 } from '../../../src/engine/hostTensor.ts';
import { mimicOptions } from '../../../src/experiment/methods/mimic.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, total, withStudent, type SceneOptions } from './support.ts';

type Options = Partial<Omit<MimicConfig, 'method'>>;
const config = (options: Options = {}): MimicConfig => mimicOptions.parse({ method: 'mimic', proposals: 6, output: 3, ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene, { featureDeviation: [2, 4] }), scene, onCpu);
const scene = (options: SceneOptions = {}): Scene => makeScene(options);

describe('Mimic', () => {
  it('is 0 with gradients of 0 without regions', async () => {
    const measured = await run(scene({ boxes: [[], []] }));
    expect(total(measured)).toBe(0);
    expect(allValues({ ...measured, pictures: {} }).every((value) => value === 0)).toBe(true);
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
  });

  it('weighs a region the same whatever its size, and averages over those of the batch', async () => {
    // Maps that differ by 1 everywhere differ by 1 in every region inside.
    const flat = (value: number, of: Scene): Scene['student'] => ({ ...of.student, features: (of.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(value))) });
    for (const boxes of [[[[8, 8, 30, 30]], []], [[[8, 8, 10, 30], [12, 10, 40, 30]], [[20, 16, 20, 16]]]] as const) {
      const base = scene({ boxes });
      const { losses } = await run({ ...base, student: flat(2, base), teacher: flat(1, base) }, { adapter: 'auto' });
      expect(losses['mimic.imitation']).toBeCloseTo(0.5, 5);
    }
  });

  it('samples further than a cell outside the map count 0', async () => {
    const { losses } = await run(scene({ boxes: [[[200, 200, 240, 240]], []] }), { adapter: 'auto' });
    expect(losses['mimic.imitation']).toBe(0);
  });

  it('takes objects first, then the student\'s own best boxes, cut at the image', () => {
    const { batch } = scene();
    const observed = {
      scores: float32([2, 3], Float32Array.of(0.9, 0.8, 0.1, 0.5, 0, 0)), labels: int32([2, 3]),
      boxes: float32([2, 3, 4], Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9, -20, 20, 90, 60, 100, 100, 120, 120, 0, 0, 9, 9, 5, 5, 1, 1)),
    };
    expect(regionsOf(batch, observed, config())).toEqual([[...batch.truth[0]?.boxes ?? [], [0, 0, 10, 10], [0, 20, 56, 40]], batch.truth[1]?.boxes]);
    expect(regionsOf(batch, observed, config({ proposals: 1 }))).toEqual([[[3, 4, 20, 30]], [[0.5, 1, 12, 9]]]);
    expect(regionsOf(batch, {}, config())).toEqual(batch.truth.map(({ boxes }) => boxes));
  });

  it('divides the teacher by its deviation on request', async () => {
    const base = scene();
    const scaled = { ...base, teacher: { ...base.teacher, features: (base.teacher.features ?? []).map(({ shape, data }, level) => float32(shape, Float32Array.from(data, (value) => value * (level === 0 ? 2 : 4)))) } };
    expect(total(await run(scaled, { scale: 'normalized', adapter: 'auto' }))).toBeCloseTo(total(await run(base, { adapter: 'auto' })), 5);
    expect(() => buildDistillers([config({ scale: 'normalized' })], base, { featureDeviation: [1, 0] })).toThrow(/do not vary/);
  });

  it('vanishes where student and teacher agree', async () => {
    const base = scene();
    expect(total(await run(withStudent(base, base.teacher), { adapter: 'auto' }))).toBe(0);
  });

  it('shows its regions with their errors and how they cover the image', async () => {
    const { pictures } = await run(scene({ boxes: [[[8, 8, 24, 24], [16, 8, 24, 40]], []] }));
    expect(pictures['mimic.regions.shared.all']?.shape).toEqual([2, 6, 5]);
    expect([...pictures['mimic.regions.shared.all']?.data.slice(5, 9) ?? []]).toEqual([16, 8, 24, 40]);
    expect([...pictures['mimic.coverage.shared.L0']?.data.slice(0, 14) ?? []]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0]);
  });

  it('asks the student alone for boxes, and only where it takes them', () => {
    const boxCoding = deltaCoding({ anchors: () => new Float32Array(0), perLevel: () => [], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } });
    const traits = { detector: 'retinanet', backbone: 'small', classes: ['a'], levels: [{ name: 'P3', stride: 8 }], featureChannels: 4, anchorsPerCell: 1 };
    expect(mimic.problems(traits, { ...traits, boxCoding }, config())).toEqual([]);
    expect(mimic.problems({ ...traits, boxCoding }, traits, config()).map(({ code }) => code)).toEqual(['DL511']);
    expect(mimic.problems(traits, traits, config({ predictions: false }))).toEqual([]);
  });
});
