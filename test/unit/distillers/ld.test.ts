import { describe, expect, it } from 'vitest';
import { distributionCoding } from '../../../src/detectors/coding.ts';
import { imageRegions } from '../../../src/distillers/ldRegions.ts';
import { checkPair } from '../../../src/distillers/table.ts';
import { type Box } from '../../../src/engine/boxes.ts';
import { ldOptions } from '../../../src/experiment/methods/ld.ts';
import { buildDistillers, measure, traitsOf, type Maps, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { allValues, dot, makeScene, moved, onCpu, randomDirection, randomMap, total, withStudent } from './support.ts';

const BINS = 5;
const GRID = [[5, 7], [3, 4]] as const;
const anchorsOf = (): number[] => GRID.flatMap(([rows, columns], level) => Array.from({ length: rows * columns }, (_, cell) => {
  const stride = 8 * 2 ** level;
  const [x, y] = [(cell % columns) * stride, Math.floor(cell / columns) * stride];
  return [x - 2 * stride, y - 2 * stride, x + 2 * stride, y + 2 * stride];
}).flat());

type Options = Readonly<Partial<Record<'weight' | 'vlrWeight' | 'classWeight' | 'imitationWeight' | 'temperature', number>>> & { readonly imitation?: string; readonly normalize?: string };

function sceneWith(boxes?: readonly (readonly Box[])[], assignments?: readonly (readonly number[])[]): Scene {
  const scene = makeScene({ anchorsPerCell: 1, grid: GRID, ...(boxes === undefined ? {} : { boxes }), ...(assignments === undefined ? {} : { assignments }) });
  const batch = scene.batch.truth.length;
  const sides = (seed: number): Maps['regression'] => GRID.map(([rows, columns], level) => randomMap([batch, rows, columns, 4 * BINS], seed + level, 2));
  const boxCoding = distributionCoding({ anchors: () => Float32Array.from(anchorsOf()), bins: BINS, perLevel: () => GRID.map(([rows, columns]) => rows * columns), strides: [8, 16] });
  return { ...scene, student: { ...scene.student, regression: sides(31) ?? [] }, teacher: { ...scene.teacher, regression: sides(41) ?? [] }, traits: { student: { boxCoding }, teacher: { boxCoding } } };
}

const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([ldOptions.parse({ method: 'ld', ...options })], scene), scene, onCpu);

describe('LD', () => {
  it('sums over the batch: twice the images give twice the main and region part, unless divided by positives', async () => {
    const boxes: Box[] = [[3, 4, 30, 33]];
    const assigned = Array.from({ length: 47 }, (_, index) => (index % 6 === 0 ? 1 : 0));
    const twice = sceneWith([boxes, boxes], [assigned, assigned]);
    const half = (map: NonNullable<Maps['logits']>[number]): NonNullable<Maps['logits']>[number] => ({ dtype: 'float32', shape: [1, ...map.shape.slice(1)], data: Float32Array.from(map.data.subarray(0, map.data.length / 2)) });
    const double = (map: NonNullable<Maps['logits']>[number]): NonNullable<Maps['logits']>[number] => ({ dtype: 'float32', shape: map.shape, data: Float32Array.from([...half(map).data, ...half(map).data]) });
    const over = (maps: Maps, change: typeof half): Maps => Object.fromEntries(Object.entries(maps).map(([kind, levels]) => [kind, levels.map(change)]));
    const once = sceneWith([boxes], [assigned]);
    const [one, two] = [{ ...once, student: over(twice.student, half), teacher: over(twice.teacher, half) }, { ...twice, student: over(twice.student, double), teacher: over(twice.teacher, double) }];
    const [a, b] = [await run(one), await run(two)];
    for (const part of ['ld.main', 'ld.region']) expect(b.losses[part]).toBeCloseTo(2 * (a.losses[part] ?? 0), 5);
    expect(b.losses['ld.classes']).toBeCloseTo(a.losses['ld.classes'] ?? 0, 4);
    const [c, d] = [await run(one, { normalize: 'positives' }), await run(two, { normalize: 'positives' })];
    for (const part of ['ld.main', 'ld.region']) expect(d.losses[part]).toBeCloseTo(c.losses[part] ?? 0, 6);
  });

  it('imitates nothing at a level without positives, though its region holds cells', async () => {
    const onlyFirst = Array.from({ length: 47 }, (_, index) => (index === 17 ? 1 : 0));
    const { gradients, pictures } = await run(sceneWith([[[3, 4, 50, 38]]], [onlyFirst]), { imitation: 'fitnet' });
    expect(pictures['ld.imitation.shared.L1']?.data.some((value) => value > 0)).toBe(true);
    expect(gradients['features.1']?.every((value) => value === 0)).toBe(true);
    expect(gradients['features.0']?.some((value) => value !== 0)).toBe(true);
    // The region part does not ask for positives.
    expect(gradients['regression.1']?.some((value) => value !== 0)).toBe(true);
  });

  it('counts a cell of the region a quarter of a positive', async () => {
    const [main, region] = [await run(sceneWith(), { vlrWeight: 0, classWeight: 0 }), await run(sceneWith(), { weight: 0, classWeight: 0 })];
    const cellwise = ({ pictures }: Measured, weight: (cell: number, level: string) => number): number => ['L0', 'L1'].reduce((sum, level) =>
      sum + [...(pictures[`ld.divergence.shared.${level}`]?.data ?? [])].reduce((own, value, cell) => own + value * weight(cell, level), 0), 0);
    const value = (measured: Measured, name: string): ((cell: number, level: string) => number) => (cell, level) => measured.pictures[`ld.${name}.${level}`]?.data[cell] ?? 0;
    expect(total(main)).toBeCloseTo(0.25 / 4 * cellwise(main, (cell, level) => value(main, 'positives.shared')(cell, level) * value(main, 'confidence.student')(cell, level)), 4);
    expect(total(region)).toBeCloseTo(0.25 / 16 * cellwise(region, value(region, 'region.shared')), 4);
  });

  it('needs distributions over the same bins, and equal widths only for imitation', () => {
    const scene = sceneWith();
    const traits = traitsOf(scene.student, scene, { ...scene.traits?.student, detector: 'gfl' });
    const codes = (options: Options, teacher: Partial<typeof traits>): string[] => checkPair([ldOptions.parse({ method: 'ld', ...options })], { ...traits, ...teacher }, traits).map(({ code }) => code);
    const other = distributionCoding({ anchors: () => new Float32Array(0), bins: BINS + 1, perLevel: () => [], strides: [] });
    expect(codes({}, {})).toEqual([]);
    expect(codes({}, { boxCoding: other })).toEqual(['DL514']);
    expect(codes({}, { featureChannels: 9 })).toEqual([]);
    expect(codes({ imitation: 'finegrained' }, { featureChannels: 9 })).toEqual(['DL580']);
  });

  it('is 0 where student and teacher agree, and without objects', async () => {
    const scene = sceneWith();
    expect(Math.abs(total(await run(withStudent(scene, scene.teacher), { imitation: 'finegrained' })))).toBeLessThan(1e-6);
    const empty = await run(sceneWith([[], []]), { imitation: 'fitnet' });
    expect(empty.losses).toEqual({ 'ld.main': 0, 'ld.region': 0, 'ld.classes': 0, 'ld.imitation': 0 });
    expect(allValues(empty).every((value) => Number.isFinite(value))).toBe(true);
  });

  it('has the gradients that finite differences give', async () => {
    const scene = sceneWith();
    const { gradients } = await run(scene, { temperature: 3 });
    // The confidence is a constant in the gradient of the logits.
    const direction = randomDirection(scene, 'regression', 5);
    const slope = (total(await run(moved(scene, 'regression', direction, 1e-2), { temperature: 3 })) - total(await run(moved(scene, 'regression', direction, -1e-2), { temperature: 3 }))) / 2e-2;
    expect(dot(gradients, 'regression', direction)).toBeCloseTo(slope, 2);
  });
});

describe('LD\'s regions', () => {
  const anchors = { corners: anchorsOf(), perLevel: [35, 12] };
  const settings = { overlap: 'iof', gamma: 0.25, candidates: 9, imitation: 'finegrained' } as const;

  it('hold only anchors that overlap an object, with their IoU', () => {
    const { valuable, imitated } = imageRegions(anchors, { boxes: [[3, 4, 30, 33]], labels: [0], ignored: [] }, settings);
    expect(valuable.some((value) => value > 0)).toBe(true);
    expect(Math.max(...valuable)).toBeLessThan(1);
    expect(imitated.some((value) => value === 1)).toBe(true);
  });

  it('are empty for boxes without area or out of reach of all anchors', () => {
    const { valuable, imitated } = imageRegions(anchors, { boxes: [[9, 9, 9, 9], [900, 900, 950, 950]], labels: [0, 0], ignored: [] }, settings);
    expect([...valuable, ...imitated].every((value) => value === 0)).toBe(true);
  });
});
