import { describe, expect, it } from 'vitest';
import { type PfiConfig } from '../../../src/distillers/pfi.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { pfiOptions } from '../../../src/experiment/methods/pfi.ts';
import { buildDistillers, measure, setWeight, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { expectLoss } from '../../goldens/support/tensors.ts';
import { imitationReference } from './reference.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, total, withStudent } from './support.ts';

type Options = Partial<Omit<PfiConfig, 'method'>>;
const config = (options: Options = {}): ReturnType<typeof pfiOptions.parse> => pfiOptions.parse({ method: 'pfi', weight: 1, ...options });
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([config(options)], scene), scene, onCpu);

const forms = ['mean', 'squared', 'norm'] as const;
const predictions = ['logit', 'probability'] as const;
const variants = forms.flatMap((form) => predictions.map((prediction) => [form, prediction] as const));

describe('PFI', () => {
  it.each(variants)('%s of %s agrees with the equations in doubles', async (form, prediction) => {
    const scene = makeScene();
    expectLoss((await run(scene, { form, prediction })).losses['pfi.imitation'] ?? Number.NaN, imitationReference(scene, { form, prediction }), form);
  });

  it.each(variants)('%s of %s has the gradients of finite differences', async (form, prediction) => {
    const scene = makeScene({ studentChannels: 3, teacherChannels: 5 });
    const { gradients } = await run(scene, { form, prediction, weight: 10 });
    for (const kind of ['features', 'logits'] as const) {
      const direction = randomDirection(scene, kind, 3);
      const [above, below] = [await run(moved(scene, kind, direction, 1e-2), { form, prediction, weight: 10 }), await run(moved(scene, kind, direction, -1e-2), { form, prediction, weight: 10 })];
      const expected = (total(above) - total(below)) / 2e-2;
      expect(Math.abs(dot(gradients, kind, direction) - expected), kind).toBeLessThan(0.01 * Math.abs(expected) + 1e-3);
    }
  });

  it('keeps the gradient from the predictions when they are detached, and the value as it is', async () => {
    const scene = makeScene();
    const [free, held] = [await run(scene), await run(scene, { detachPrediction: true })];
    expect(held.losses).toEqual(free.losses);
    expect(held.gradients['features.0']).toEqual(free.gradients['features.0']);
    expect(free.gradients['logits.0']?.some((value) => value !== 0)).toBe(true);
    expect(held.gradients['logits.0']?.every((value) => value === 0)).toBe(true);
  });

  it('needs no object', async () => {
    const scene = makeScene({ boxes: [[], []] });
    expectLoss((await run(scene)).losses['pfi.imitation'] ?? Number.NaN, imitationReference(scene), 'without objects');
  });

  it.each(forms)('%s vanishes, with finite gradients, where student and teacher agree', async (form) => {
    const scene = makeScene();
    const measured = await run(withStudent(scene, scene.teacher), { form });
    expect(allValues(measured).every((value) => value === 0)).toBe(true);
  });

  it.each(forms)('%s is finite with extreme logits and constant features', async (form) => {
    const scene = makeScene({ logitDeviation: 40 });
    const features = (scene.student.features ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(0.5)));
    expect(allValues(await run(withStudent(scene, { ...scene.student, features }), { form })).filter((value) => !Number.isFinite(value))).toEqual([]);
  });

  it('adapts widths that differ, and equal ones on request', async () => {
    const names = (scene: Scene, options: Options = {}): string[] => buildDistillers([config(options)], scene).flatMap(({ parameters }) => parameters.all().map(({ name }) => name));
    const both = ['distill.pfi.L0.align.weight', 'distill.pfi.L0.align.bias', 'distill.pfi.L1.align.weight', 'distill.pfi.L1.align.bias'];
    expect(names(makeScene())).toEqual([]);
    expect(names(makeScene({ studentChannels: 3 }))).toEqual(both);
    expect(names(makeScene(), { adapter: 'always' })).toEqual(both);
    const scene = makeScene();
    const distillers = buildDistillers([config({ adapter: 'always' })], scene);
    for (const { name, variable } of distillers.flatMap(({ parameters }) => parameters.all())) {
      // The identity: then the loss is that without an adapter.
      setWeight(variable, new Float32Array(variable.size).map((_, index) => (name.endsWith('weight') && index % 5 === 0 ? 1 : 0)));
    }
    const { losses, gradients } = await measure(distillers, scene, onCpu);
    expectLoss(losses['pfi.imitation'] ?? Number.NaN, imitationReference(scene), 'identity');
    for (const name of both) expect(gradients[name]?.some((value) => value !== 0), name).toBe(true);
  });

  it('grows from 0 over the warm-up', async () => {
    const at = async (step?: number): Promise<number> => total(await run(makeScene(step === undefined ? {} : { step }), { warmup: 8 }));
    const full = total(await run(makeScene()));
    expect(await at(0)).toBe(0);
    expect(await at(2)).toBeCloseTo(full / 4, 5);
    expect(await at(8)).toBeCloseTo(full, 5);
    expect(await at(800)).toBeCloseTo(full, 5);
    expect(await at()).toBeCloseTo(full, 5);
  });

  it('shows both differences and their product', async () => {
    const { pictures } = await run(makeScene());
    const values = (name: string): number[] => [...(pictures[`pfi.${name}.L1`]?.data ?? [])];
    expect(pictures['pfi.product.shared.L1']?.shape).toEqual([2, 3, 4]);
    values('product.shared').forEach((value, cell) => {
      expect(value).toBeCloseTo((values('predictionDifference.difference')[cell] ?? 0) * (values('featureDifference.difference')[cell] ?? 0), 4);
    });
  });
});
