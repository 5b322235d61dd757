import { describe, expect, it } from 'vitest';
import { PairedMoments } from '../../../src/engine/leastSquares.ts';
import { float32 } from '../../../src/engine/hostTensor.ts';
import { Random } from '../../../src/engine/random.ts';
import { addCells } from '../../../src/run/adaptation.ts';
import { teacherOrder } from '../../../src/run/teacherOrder.ts';

const strengths = (...values: readonly number[]): { AP: number }[] => values.map((AP) => ({ AP }));

describe('the order of teachers', () => {
  it('goes backwards from the strongest, by the cheapest step', () => {
    // 2 is the strongest; 1 is nearest to it; 0 is nearest to 1.
    const costs = [[0, 0.2, 0.5], [0.3, 0, 0.1], [0.3, 0.3, 0]];
    expect(teacherOrder(strengths(0.3, 0.35, 0.4), costs, [0.9, 0.9, 0.9])).toEqual([0, 1, 2]);
    // From the student it is no farther to 1 than from 0: 0 does not help.
    expect(teacherOrder(strengths(0.3, 0.35, 0.4), costs, [0.9, 0.2, 0.9])).toEqual([1, 2]);
    expect(teacherOrder(strengths(0.3, 0.35, 0.4), costs, [0.9, 0.9, 0.1])).toEqual([2]);
  });

  it('never goes down in strength', () => {
    const costs = [[0, 0.1], [0.1, 0]];
    expect(teacherOrder(strengths(0.4, 0.3), costs, [1, 1])).toEqual([1, 0]);
    expect(teacherOrder(strengths(0.4, 0.4), costs, [1, 1])).toEqual([0]);
  });

  it('ends with the strongest, is the same each time, and follows the teachers about', () => {
    const random = Random.of(5);
    for (let round = 0; round < 50; round += 1) {
      const count = 1 + (round % 5);
      const teachers = strengths(...Array.from({ length: count }, () => random.uniform()));
      const costs = teachers.map(() => teachers.map(() => random.uniform()));
      const student = teachers.map(() => random.uniform());
      const order = teacherOrder(teachers, costs, student);
      expect(teacherOrder(teachers, costs, student)).toEqual(order);
      const APs = order.map((index) => teachers[index]?.AP ?? Number.NaN);
      expect(APs.at(-1)).toBe(Math.max(...teachers.map(({ AP }) => AP)));
      expect(APs).toEqual([...APs].sort((a, b) => a - b));
      const turned = <T>(values: readonly T[]): T[] => [...values].reverse();
      expect(teacherOrder(turned(teachers), turned(costs).map(turned), turned(student)).map((index) => count - 1 - index)).toEqual(order);
    }
    expect(teacherOrder([], [], [])).toEqual([]);
  });
});

describe('cells that are compared', () => {
  /** A ramp over rows and columns, [1, side, side, 2]. */
  const ramp = (side: number): ReturnType<typeof float32> => float32([1, side, side, 2], Float32Array.from({ length: 2 * side * side }, (_, index) => {
    const cell = Math.floor(index / 2);
    return index % 2 === 0 ? (Math.floor(cell / side) + 0.5) / side : ((cell % side) + 0.5) / side;
  }));

  it.each([[8, 8], [4, 8], [8, 4], [3, 7]])('of %i and %i rows lie at the same places', (from, to) => {
    const seen: number[][] = [];
    const moments = { add: (x: ArrayLike<number>, y: ArrayLike<number>) => { seen.push([...Array.from(x), ...Array.from(y)]); } } as PairedMoments;
    addCells(moments, ramp(from), ramp(to), 1, 1e9);
    expect(seen).toHaveLength(to * to);
    const half = 0.5 / from;
    for (const [y = 0, x = 0, row = 0, column = 0] of seen) {
      // Beyond the outermost centres the border's value is held.
      expect(y).toBeCloseTo(Math.min(1 - half, Math.max(half, row)), 5);
      expect(x).toBeCloseTo(Math.min(1 - half, Math.max(half, column)), 5);
    }
  });

  it('are no more than asked for, and spread out', () => {
    const rows: number[] = [];
    const moments = { add: (_: ArrayLike<number>, y: ArrayLike<number>) => { rows.push(y[0] ?? 0); } } as PairedMoments;
    addCells(moments, ramp(16), ramp(16), 1, 10);
    expect(rows).toHaveLength(10);
    expect([rows[0] ?? 1, rows.at(-1) ?? 0].map((row) => Math.round(row))).toEqual([0, 1]);
  });

  it('explain a map by a coarser one as far as it goes', () => {
    const moments = new PairedMoments(2, 2);
    addCells(moments, ramp(4), ramp(8), 1, 1e9);
    expect(moments.unexplained(1e-9)).toBeLessThan(0.01);
  });
});
