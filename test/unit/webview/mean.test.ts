import { describe, expect, it } from 'vitest';
import { meanOfRows, meanOfSteps } from '../../../webview/curves/mean.ts';

const row = (xs: readonly number[], ys: readonly number[]): { xs: readonly number[]; ys: readonly number[] } => ({ xs, ys });

describe('the mean of rows', () => {
  it('is that of the values where they lie at the same places', () => {
    const { line, band } = meanOfRows([row([1, 2, 3], [1, 2, 3]), row([1, 2, 3], [3, 4, 7])], [0, 10], 100);
    expect(line).toEqual([{ x: 1, y: 2 }, { x: 2, y: 3 }, { x: 3, y: 5 }]);
    // Standard deviations of the sample: √2, √2, √8.
    expect(band.map(({ low, high }) => [low, high])).toEqual([[2 - Math.SQRT2, 2 + Math.SQRT2], [3 - Math.SQRT2, 3 + Math.SQRT2], [5 - Math.sqrt(8), 5 + Math.sqrt(8)]]);
  });

  it('takes means over parts of many samples, and sees all of them', () => {
    const xs = Array.from({ length: 1000 }, (_, i) => i);
    const { line, band } = meanOfRows([row(xs, xs), row(xs, xs.map((x) => x + 2))], [0, 999], 10);
    expect(line).toHaveLength(10);
    expect(line[0]).toEqual({ x: 49.5, y: 50.5 });
    expect(line.reduce((sum, { y }) => sum + y, 0) / 10).toBeCloseTo(500.5, 6);
    for (const { low, high } of band) expect(high - low).toBeCloseTo(2 * Math.SQRT2, 9);
  });

  it('draws a straight line between the neighbours of a row with fewer samples, and nothing beyond its end', () => {
    const { line, band } = meanOfRows([row([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]), row([0, 2], [2, 4])], [0, 4], 100);
    expect(line.at(0)?.y).toBeCloseTo(1, 9);
    expect(line.at(-1)).toEqual({ x: 4, y: 4 });
    expect(band.length).toBeLessThan(line.length);
  });

  it('has one line and no band of one row, and nothing of none', () => {
    expect(meanOfRows([row([1, 2], [5, 6])], [0, 9], 10)).toEqual({ line: [{ x: 1, y: 5 }, { x: 2, y: 6 }], band: [] });
    expect(meanOfRows([], [0, 9], 10)).toEqual({ line: [], band: [] });
    expect(meanOfRows([row([], [])], [0, 9], 10)).toEqual({ line: [], band: [] });
    expect(meanOfRows([row([1], [5])], [3, 9], 10)).toEqual({ line: [], band: [] });
  });

  it('leaves out values that are no numbers', () => {
    expect(meanOfRows([row([1, 2], [NaN, 6]), row([1, 2], [3, 8])], [0, 9], 10).line).toEqual([{ x: 1, y: 3 }, { x: 2, y: 7 }]);
  });
});

describe('the mean of evaluations', () => {
  it('stands where two or more were measured', () => {
    const { line, band } = meanOfSteps([[{ step: 10, x: 1, y: 40 }, { step: 20, x: 2, y: 50 }], [{ step: 20, x: 2.2, y: 54 }, { step: 10, x: 1.2, y: 42 }, { step: 30, x: 3, y: 60 }]]);
    expect(line).toEqual([{ x: 1.1, y: 41 }, { x: 2.1, y: 52 }]);
    expect(band[1]?.high).toBeCloseTo(52 + Math.SQRT2 * 2, 12);
  });
});
