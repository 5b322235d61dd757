import { describe, expect, it } from 'vitest';
import { type FrsConfig } from '../../../src/distillers/frs.ts';
import { checkPair, defaultsFor } from '../../../src/distillers/table.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { frsOptions } from '../../../src/experiment/methods/frs.ts';
import { buildDistillers, measure, traitsOf, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, makeScene, onCpu, total } from './support.ts';

type Options = Partial<Omit<FrsConfig, 'method'>>;
const config = (options: Options = {}): FrsConfig => frsOptions.parse({ method: 'frs', ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);

const withLogits = (scene: Scene, network: 'student' | 'teacher', value: (index: number) => number): Scene =>
  ({ ...scene, [network]: { ...scene[network], logits: (scene[network].logits ?? []).map(({ shape, data }) => float32(shape, Float32Array.from(data, (_, index) => value(index)))) } });

describe('FRS', () => {
  it('divides by the sum of the mask of the batch, not by channels', async () => {
    const scene = makeScene();
    const doubled = (teacher: Scene['teacher']): Scene['teacher'] => ({ ...teacher, features: (teacher.features ?? []).map(({ shape, data }) => float32([...shape.slice(0, 3), (shape[3] ?? 0) * 2], Float32Array.from({ length: data.length * 2 }, (_, index) => data[Math.floor(index / 2)] ?? 0))) });
    const constant = (own: Scene): Scene => withLogits(own, 'teacher', () => 0.3);
    const [one, two] = [await run(constant(scene), { featureWeight: 1, classWeight: 0, kernel: 1 }), await run(constant({ ...scene, teacher: doubled(scene.teacher) }), { featureWeight: 1, classWeight: 0, kernel: 1 })];
    // Adapters differ, so only the size of the sums is compared.
    expect((two.losses['frs.feature'] ?? 0) / (one.losses['frs.feature'] ?? 1)).toBeGreaterThan(1.5);
    const normalised = await run(constant(scene), { featureWeight: 1, classWeight: 0, kernel: 1, normaliseChannels: true });
    expect(normalised.losses['frs.feature']).toBeCloseTo((one.losses['frs.feature'] ?? 0) * 64, 2);
  });

  it('stays defined where the teacher is sure of nothing', async () => {
    for (const value of [-30, -90, -300]) {
      const measured = await run(withLogits(makeScene(), 'teacher', () => value));
      expect(allValues(measured).every(Number.isFinite), String(value)).toBe(true);
    }
  });

  it('is finite with extreme logits, held at −100 like PyTorch\'s logarithms', async () => {
    const scene = withLogits(withLogits(makeScene(), 'teacher', (index) => (index % 2 === 0 ? 200 : -200)), 'student', (index) => (index % 2 === 0 ? -250 : 250));
    const measured = await run(scene, { featureWeight: 0, classWeight: 1 });
    expect(allValues(measured).every(Number.isFinite)).toBe(true);
    // Six channels a cell at 100 each, averaged over cells, on two levels.
    expect(measured.losses['frs.classification']).toBeCloseTo(1200, 1);
  });

  it('grows from 0 over 500 steps', async () => {
    const full = total(await run(makeScene()));
    expect(total(await run(makeScene({ step: 0 })))).toBe(0);
    expect(total(await run(makeScene({ step: 125 })))).toBeCloseTo(full / 4, 5);
    expect(total(await run(makeScene({ step: 600 })))).toBeCloseTo(full, 5);
  });

  it('leaves the classes out on request, and then needs no equal heads', async () => {
    expect(Object.keys((await run(makeScene(), { classWeight: 0 })).losses)).toEqual(['frs.feature']);
    const traits = traitsOf({}, makeScene());
    const other = { ...traits, anchorsPerCell: 5, classes: ['x'] };
    expect(checkPair([config()], other, traits).map(({ code }) => code)).toEqual(['DL502', 'DL503']);
    expect(checkPair([config({ classWeight: 0 })], other, traits)).toEqual([]);
  });

  it('has the published weights by detector', () => {
    expect(defaultsFor('frs', 'retinanet')).toEqual({ featureWeight: 0.005, classWeight: 0.02 });
    expect(defaultsFor('frs', 'fcos')).toEqual({ featureWeight: 0.01, classWeight: 0.05 });
    expect(defaultsFor('frs', 'gfl')).toEqual({ featureWeight: 0.1, classWeight: 0.05 });
    expect(defaultsFor('frs', 'faster_rcnn')).toEqual({ featureWeight: 0.002, classWeight: 0.1 });
  });
});
