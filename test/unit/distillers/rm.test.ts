import { describe, expect, it } from 'vitest';
import { iou, type Box } from '../../../src/engine/boxes.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { rmOptions } from '../../../src/experiment/methods/rm.ts';
import { decode } from '../../../src/detectors/boxCoder.ts';
import { deltaCoding } from '../../../src/detectors/coding.ts';
import { buildDistillers, measure, type Measured, type Scene } from '../../goldens/support/distiller.ts';
import { expectLoss, expectTensor } from '../../goldens/support/tensors.ts';
import { rankReference, type RankOptions } from './reference.ts';
import { allValues, makeScene, onCpu, withStudent } from './support.ts';

type Options = RankOptions & { readonly weight?: number; readonly localisation?: number };
const run = (scene: Scene, options: Options = {}): Promise<Measured> => measure(buildDistillers([rmOptions.parse({ method: 'rm', weight: 1, ...options })], scene), scene, onCpu);

async function expectReference(scene: Scene, options: Options = {}): Promise<void> {
  const { losses, gradients } = await run(scene, options);
  const expected = rankReference(scene, options);
  expectLoss(losses['rm.rank'] ?? Number.NaN, expected.loss, 'rank');
  expected.gradients.forEach((values, level) => { expectTensor(gradients[`logits.${level}`] ?? [], values, `logits.${level}`, 1e-4, 1e-8); });
}

describe('RM against the equations in doubles', () => {
  const options: readonly Options[] = [
    {}, { score: 'logit' }, { temperature: 0.05 }, { score: 'logit', temperature: 3 }, { reduction: 'batch' }, { sorted: true }, { sorted: true, score: 'logit', reduction: 'batch', temperature: 2 },
  ];
  it.each(options.map((option) => [JSON.stringify(option), option] as const))('%s', async (_, option) => { await expectReference(makeScene(), option); });

  it('with one level and one anchor', async () => { await expectReference(makeScene({ grid: [[6, 5]], anchorsPerCell: 1, classes: 1 })); });

  it('with scores hundreds apart', async () => { await expectReference(makeScene({ logitDeviation: 60 }), { score: 'logit', temperature: 0.5 }); });

  it('with an object of hundreds of candidates beside one of two', async () => {
    const slots = 20 * 20 * 2;
    const assignments = [Array.from({ length: slots }, (_, slot) => (slot < 2 ? 2 : slot < 700 ? 1 : 0))];
    for (const score of ['probability', 'logit'] as const) {
      await expectReference(makeScene({ grid: [[20, 20]], boxes: [[[0, 0, 150, 150], [0, 0, 9, 9]]], assignments }), { score });
    }
  });

  it('with an image without objects, which still counts in the batch', async () => {
    await expectReference(makeScene({ boxes: [[], [[3, 3, 20, 20], [5, 5, 9, 9]]] }));
    await expectReference(makeScene({ boxes: [[], [[3, 3, 20, 20], [5, 5, 9, 9]]] }), { reduction: 'batch' });
  });
});

describe('RM at the edges', () => {
  it('is exactly 0, with a gradient of 0, when the whole batch has no object', async () => {
    for (const sorted of [false, true]) {
      const measured = await run(makeScene({ boxes: [[], []] }), { sorted });
      expect(measured.losses).toEqual({ 'rm.rank': 0 });
      expect(allValues(measured).every((value) => value === 0)).toBe(true);
    }
  });

  it('is 0 for objects with one candidate or none, and for ignored candidates', async () => {
    const assignments = [Array.from({ length: 70 }, (_, slot) => (slot === 3 ? 1 : slot < 9 ? -1 : 0))];
    const measured = await run(makeScene({ grid: [[5, 7]], boxes: [[[0, 0, 9, 9], [20, 20, 30, 30]]], assignments }));
    expect(measured.losses['rm.rank']).toBeCloseTo(0, 9);
    for (const value of measured.gradients['logits.0'] ?? []) expect(value).toBeCloseTo(0, 9);
  });

  it('vanishes where student and teacher agree', async () => {
    const scene = makeScene();
    const { losses, gradients } = await run(withStudent(scene, scene.teacher));
    expect(losses['rm.rank']).toBe(0);
    expect(gradients['logits.0']?.every((value) => value === 0)).toBe(true);
  });

  it('stays finite with all scores equal and with saturated ones', async () => {
    const scene = makeScene();
    const flat = (value: number): Scene['student'] => ({ ...scene.student, logits: (scene.student.logits ?? []).map(({ shape, data }) => float32(shape, new Float32Array(data.length).fill(value))) });
    for (const value of [0, 90, -90, 1000]) {
      for (const score of ['probability', 'logit'] as const) {
        const values = allValues(await run(withStudent(scene, flat(value)), { score, temperature: 0.1 }));
        expect(values.filter((number) => !Number.isFinite(number))).toEqual([]);
      }
    }
  });

  it('refuses assignments that do not belong to these anchors or objects', () => {
    const scene = makeScene({ grid: [[2, 2]], boxes: [[[0, 0, 9, 9]]], assignments: [[0, 1, 2, 0, 0, 0, 0, 0]] });
    const [distiller] = buildDistillers([rmOptions.parse({ method: 'rm' })], scene);
    expect(() => distiller?.inputs(scene.batch, {})).toThrow(/object 2 of 1/);
    expect(() => distiller?.inputs({ ...scene.batch, assignments: [new Int32Array(7)] }, {})).toThrow(/7 assigned candidates, 8 anchors/);
  });

  it('has inputs whose shapes do not depend on the objects', () => {
    const shapes = (scene: Scene): string => JSON.stringify(Object.entries(buildDistillers([rmOptions.parse({ method: 'rm', localisation: 0 })], scene)[0]?.inputs(scene.batch, {}) ?? {}).map(([name, { shape }]) => [name, shape]));
    const crowded = makeScene({ boxes: [new Array<Box>(94).fill([0, 0, 9, 9]), []], assignments: [Array.from({ length: 94 }, (_, slot) => slot + 1), new Array<number>(94).fill(0)] });
    expect(shapes(crowded)).toBe(shapes(makeScene({ boxes: [[], []] })));
  });

  it('counts as many objects as there are anchors', async () => {
    const pairs = Array.from({ length: 94 }, (_, slot) => Math.floor(slot / 2) + 1);
    await expectReference(makeScene({ boxes: [new Array<Box>(47).fill([0, 0, 9, 9]), new Array<Box>(94).fill([0, 0, 9, 9])], assignments: [pairs, Array.from({ length: 94 }, (_, slot) => slot + 1)] }));
  });
});

describe('RM pictures', () => {
  it('sum to the number of objects where each cell has one anchor, and differ by student minus teacher', async () => {
    const scene = makeScene({ anchorsPerCell: 1, grid: [[5, 7], [3, 4]] });
    const { pictures } = await run(scene);
    const values = (role: string): number[] => ['L0', 'L1'].flatMap((level) => [...(pictures[`rm.rank.${role}.${level}`]?.data ?? [])]);
    const objects = scene.batch.assignments.reduce((sum, assigned) => sum + new Set(assigned.filter((object) => object > 0)).size, 0);
    for (const role of ['student', 'teacher']) expect(values(role).reduce((sum, value) => sum + value, 0)).toBeCloseTo(objects, 4);
    values('difference').forEach((value, cell) => { expect(value).toBeCloseTo((values('student')[cell] ?? 0) - (values('teacher')[cell] ?? 0), 6); });
    expect(pictures['rm.rank.student.L0']?.shape).toEqual([2, 5, 7]);
  });
});

describe('RM over localisation', () => {
  const anchor = (slot: number): Box => [slot % 11, slot % 7, 12 + (slot % 11) + (slot % 5), 15 + (slot % 7)];
  const limits = { least: Math.log(16 / 1000), most: Math.log(1000 / 16) };
  const boxCoding = deltaCoding({ anchors: () => Float32Array.from(Array.from({ length: 94 }, (_, slot) => anchor(slot)).flat()), perLevel: () => [70, 24], deviations: [0.1, 0.1, 0.2, 0.2], limits });
  const scene: Scene = { ...makeScene({ labels: [[0, 0], [0]] }), traits: { student: { boxCoding }, teacher: { boxCoding } } };

  it('ranks by the IoU of decoded boxes with the object', async () => {
    // The same divergence over logits, when each candidate's IoU stands where its class score would.
    const asScores = (maps: Scene['student']): Scene['student'] => {
      let slot = 0;
      const scores = (maps.regression ?? []).map(({ shape, data }, level) => {
        const [images, rows, columns] = shape as [number, number, number, number];
        const slots = rows * columns * 2;
        const result = new Float32Array(images * slots * 3);
        for (let image = 0; image < images; image += 1) {
          for (let index = 0; index < slots; index += 1) {
            const object = scene.batch.assignments[image]?.[slot + index] ?? 0;
            const box = scene.batch.truth[image]?.boxes[object - 1];
            const deltas = Array.from({ length: 4 }, (_, side) => (data[(image * slots + index) * 4 + side] ?? 0) * (side < 2 ? 0.1 : 0.2));
            if (box !== undefined) result[(image * slots + index) * 3] = iou(decode(anchor(slot + index), deltas as [number, number, number, number], limits), box);
          }
        }
        slot += (scene.grid[level]?.[0] ?? 0) * (scene.grid[level]?.[1] ?? 0) * 2;
        return float32([images, rows, columns, 6], result);
      });
      return { ...maps, logits: scores };
    };
    const expected = rankReference({ ...scene, student: asScores(scene.student), teacher: asScores(scene.teacher) }, { score: 'logit' });
    const { losses, gradients } = await run(scene, { weight: 0, localisation: 3 });
    expectLoss((losses['rm.localisation'] ?? Number.NaN) / 3, expected.loss, 'localisation', 1e-3);
    expect(gradients['regression.0']?.some((value) => value !== 0)).toBe(true);
  });

  it('draws of each object the box that is ranked first, with its score, and how far the rankings agree', async () => {
    const { pictures } = await run(scene, { score: 'logit' });
    const slots = scene.batch.assignments[0]?.length ?? 0;
    /** Slots of an image: logit of the object's class, and the regression. */
    const candidates = (maps: Scene['student'], image: number, object: number): { slot: number; logit: number; deltas: number[] }[] => Array.from({ length: slots }, (_, slot) => slot)
      .filter((slot) => scene.batch.assignments[image]?.[slot] === object).map((slot) => {
        const level: number = slot < 70 ? 0 : 1;
        const [within, width] = [slot - (level === 0 ? 0 : 70), level === 0 ? 70 : 24];
        const label = scene.batch.truth[image]?.labels[object - 1] ?? 0;
        const read = (kind: 'logits' | 'regression', depth: number, index: number): number => maps[kind]?.[level]?.data[(image * width + within) * depth + index] ?? NaN;
        return { slot, logit: read('logits', 3, label), deltas: [0, 1, 2, 3].map((side) => read('regression', 4, side) * (side < 2 ? 0.1 : 0.2)) };
      });
    for (const [image, object] of [[0, 1], [0, 2], [1, 1]] as const) {
      const row = (picture: string): number[] => [...(pictures[picture]?.data ?? [])].slice((image * 24 + object - 1) * 5, (image * 24 + object) * 5);
      const order = (maps: Scene['student']): number[] => candidates(maps, image, object).sort((a, b) => b.logit - a.logit).map(({ slot }) => slot);
      for (const role of ['teacher', 'student'] as const) {
        const best = candidates(scene[role], image, object).find(({ slot }) => slot === order(scene[role])[0]);
        if (best === undefined) throw new Error('an object has no candidates');
        const expected = [...decode(anchor(best.slot), best.deltas as [number, number, number, number], limits), 1 / (1 + Math.exp(-best.logit))];
        row(`rm.topBox.${role}.all`).forEach((value, index) => { expect(value).toBeCloseTo(expected[index] ?? NaN, 4); });
      }
      const [teacher, student] = [order(scene.teacher), order(scene.student)];
      const n = teacher.length;
      const apart = teacher.reduce((sum, slot, rank) => sum + (rank - student.indexOf(slot)) ** 2, 0);
      expect(row('rm.agreement.shared.all').slice(0, 4)).toEqual([...(scene.batch.truth[image]?.boxes[object - 1] ?? [])]);
      expect(row('rm.agreement.shared.all')[4]).toBeCloseTo(1 - (6 * apart) / (n * (n ** 2 - 1)), 5);
    }
    expect(pictures['rm.topBox.teacher.all']?.shape).toEqual([2, 24, 5]);
    expect([...(pictures['rm.topBox.teacher.all']?.data ?? [])].filter((value) => value !== 0)).toHaveLength(15);
    const same = await run(withStudent(scene, scene.teacher));
    expect([...(same.pictures['rm.agreement.shared.all']?.data ?? [])].filter((_, index) => index % 5 === 4).filter((value) => value !== 0)).toEqual([1, 1, 1]);
  });

  it('is finite without objects', async () => {
    const empty: Scene = { ...makeScene({ boxes: [[], []] }), traits: { student: { boxCoding }, teacher: { boxCoding } } };
    const measured = await run(empty, { localisation: 1 });
    expect(allValues(measured).every((value) => value === 0)).toBe(true);
  });
});
