import { describe, expect, it } from 'vitest';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { type DetectorTraits } from '../../../src/detectors/detector.ts';
import { checkPair, defaultsFor, methodOf, METHODS } from '../../../src/distillers/table.ts';
import { methodSchema, type MethodConfig } from '../../../src/experiment/schema.ts';
import { buildDistillers, measure, type Scene } from '../../goldens/support/distiller.ts';
import { makeScene, onCpu } from './support.ts';

const base: DetectorTraits = {
  detector: 'retinanet', backbone: 'small', classes: ['disc', 'star'], levels: [{ name: 'P3', stride: 8 }, { name: 'P4', stride: 16 }], featureChannels: 48, anchorsPerCell: 3,
};
const config = (method: MethodConfig['method'], more: Record<string, unknown> = {}): MethodConfig => methodSchema.parse({ method, ...more });
const all = [config('fgd'), config('rm'), config('pfi')];
const codes = (configs: readonly MethodConfig[], teacher: Partial<DetectorTraits>, student: Partial<DetectorTraits> = {}): string[] =>
  checkPair(configs, { ...base, ...teacher }, { ...base, ...student }).map(({ code, details }) => `${code} ${String(details.key?.at(-1))}`);

describe('checkPair', () => {
  it('lets a pair pass that differs in depth and width only', () => {
    expect(codes(all, { backbone: 'resnet50', featureChannels: 256 })).toEqual([]);
  });

  it('names each method that cannot serve a pair, by its place in the list', () => {
    expect(codes(all, { levels: [{ name: 'P3', stride: 8 }] })).toEqual(['DL501 0', 'DL501 1', 'DL501 2']);
    expect(codes(all, { levels: [{ name: 'P3', stride: 8 }, { name: 'P4', stride: 32 }] })).toEqual(['DL501 0', 'DL501 1', 'DL501 2']);
    // FGD reads no predictions.
    expect(codes(all, { classes: ['disc', 'ring'] })).toEqual(['DL502 1', 'DL502 2']);
    expect(codes(all, { anchorsPerCell: 9 })).toEqual(['DL503 1', 'DL503 2']);
    expect(codes(all, { featureChannels: 3 })).toEqual(['DL510 0']);
    expect(codes([...all, config('pfi')], {})).toEqual(['DL512 3']);
  });

  it('says what differs', () => {
    const [problem] = checkPair([config('rm')], { ...base, classes: ['star', 'disc'] }, base);
    expect(problem?.explain()).toMatch(/RM: .*another order[^]*star, disc[^]*disc, star[^]*data\.classes/);
    expect(checkPair([config('fgd')], { ...base, levels: [{ name: 'P3', stride: 4 }] }, base)[0]?.explain()).toMatch(/P3 \(stride 4\)[^]*P3 \(stride 8\), P4 \(stride 16\)/);
  });

  it('asks for anchors only where the localisation rank is on', () => {
    const boxCoding = deltaCoding({ anchors: () => new Float32Array(0), perLevel: () => [], deviations: [1, 1, 1, 1], limits: { least: -4, most: 4 } });
    expect(codes([config('rm', { localisation: 4 })], {})).toEqual(['DL511 0']);
    expect(codes([config('rm', { localisation: 4 })], { boxCoding })).toEqual(['DL511 0']);
    expect(codes([config('rm', { localisation: 4 })], { boxCoding }, { boxCoding })).toEqual([]);
  });
});

describe('the table of methods', () => {
  it('has a row for every method of the schema', () => {
    expect(Object.keys(METHODS).sort()).toEqual(methodSchema.options.map((option) => option.shape.method.value).sort());
    for (const [id, row] of Object.entries(METHODS)) expect(row.id).toBe(id);
  });

  it('finds rows by word and refuses others', () => {
    expect(methodOf('fgd').venue).toBe('CVPR 2022');
    expect(() => methodOf('toString')).toThrow(/no method toString/);
  });

  it('describes exactly the pictures that its methods make', async () => {
    const limits = { least: -4, most: 4 };
    const boxCoding = deltaCoding({ anchors: () => Float32Array.from({ length: 94 * 4 }, (_, index) => (index % 4 < 2 ? 0 : 10)), perLevel: () => [70, 24], deviations: [1, 1, 1, 1], limits });
    const scene: Scene = { ...makeScene(), traits: { student: { boxCoding }, teacher: { boxCoding } } };
    for (const method of [config('fgd'), config('rm', { localisation: 1 }), config('pfi')]) {
      const { pictures } = await measure(buildDistillers([method], scene), scene, onCpu);
      const table = methodOf(method.method).pictures;
      const made = Object.entries(pictures).map(([name, { shape }]) => ({ kind: name.split('.')[1] ?? '', role: name.split('.')[2] ?? '', rank: shape.length }));
      expect([...new Set(made.map(({ kind }) => kind))].sort()).toEqual(Object.keys(table).sort());
      for (const { kind, role, rank } of made) {
        expect(['teacher', 'student', 'difference', 'shared']).toContain(role);
        expect(rank, kind).toBe(table[kind]?.form === 'bars' ? 2 : 3);
      }
    }
  });

  it('gives the published weights by detector, and a row for detectors that are not listed', () => {
    expect(defaultsFor('fgd', 'retinanet')).toEqual({ temperature: 0.5, alpha: 1e-3, beta: 5e-4, gamma: 5e-4, lambda: 5e-6 });
    expect(defaultsFor('fgd', 'fcos')).toEqual({ temperature: 0.8, alpha: 1.6e-3, beta: 8e-4, gamma: 8e-4, lambda: 8e-6 });
    expect(defaultsFor('fgd', 'Faster R-CNN')).toEqual({ temperature: 0.5, alpha: 5e-5, beta: 2.5e-5, gamma: 5e-5, lambda: 5e-7 });
    expect(defaultsFor('fgd', 'yolox').alpha).toBe(2e-3);
    expect(defaultsFor('fgd', 'atss')).toEqual(defaultsFor('fgd', 'retinanet'));
    expect(defaultsFor('fgd', 'libra_rcnn')).toEqual(defaultsFor('fgd', 'faster_rcnn'));
    expect(defaultsFor('rm', 'retinanet')).toEqual({});
  });
});
