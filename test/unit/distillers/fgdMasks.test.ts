import { describe, expect, it } from 'vitest';
import { type Box } from '../../../src/engine/boxes.ts';
import { boxMasks } from '../../../src/distillers/fgdMasks.ts';

const level = (rows: number, columns: number): Parameters<typeof boxMasks>[0] => ({ name: 'P3', rows, columns, places: rows * columns });
const masks = (rows: number, columns: number, boxes: readonly Box[], scale: readonly [number, number]): { foreground: number[]; background: number[] } => {
  const { foreground, background } = boxMasks(level(rows, columns), [boxes], [scale]);
  return { foreground: [...foreground], background: [...background] };
};
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('FGD masks', () => {
  it('counts cells with both ends, from floor to ceil', () => {
    // 4 × 4 cells of 10 pixels: columns 1…3, rows 0…2.
    const { foreground } = masks(4, 4, [[12, 3, 28, 19]], [40, 40]);
    const v = Math.fround(1 / 9);
    expect(foreground).toEqual([0, v, v, v, 0, v, v, v, 0, v, v, v, 0, 0, 0, 0]);
  });

  it('lets the smallest box win where boxes overlap, in either order', () => {
    const large: Box = [0, 0, 39, 39];
    const small: Box = [11, 11, 19, 19];
    const one = masks(4, 4, [large, small], [40, 40]).foreground;
    expect(one).toEqual(masks(4, 4, [small, large], [40, 40]).foreground);
    expect(one[5]).toBe(Math.fround(1 / 4));
    expect(one[0]).toBe(Math.fround(1 / 25));
  });

  it('spreads the background evenly and sums it to 1', () => {
    const { foreground, background } = masks(4, 4, [[11, 11, 19, 19]], [40, 40]);
    expect(sum(background)).toBeCloseTo(1, 6);
    background.forEach((value, cell) => { expect(value > 0).toBe(foreground[cell] === 0); });
  });

  it('gives an image without objects a uniform background and no foreground', () => {
    const { foreground, background } = masks(3, 5, [], [24, 40]);
    expect(foreground).toEqual(new Array(15).fill(0));
    expect(background).toEqual(new Array(15).fill(Math.fround(1 / 15)));
  });

  it('leaves the background empty under a box over everything', () => {
    const { foreground, background } = masks(3, 5, [[0, 0, 40, 24]], [24, 40]);
    expect(background).toEqual(new Array(15).fill(0));
    // Counted to the cell past the border, as floor and ceil give it: (3 + 1) · (5 + 1).
    expect(new Set(foreground)).toEqual(new Set([Math.fround(1 / 24)]));
  });

  it('fills at least one cell for boxes of a pixel or of no area', () => {
    expect(masks(4, 4, [[25, 25, 26, 26]], [40, 40]).foreground.filter((value) => value > 0)).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(masks(4, 4, [[20, 20, 20, 20]], [40, 40]).foreground[10]).toBe(1);
  });

  it('clamps negative coordinates instead of wrapping round, and keeps the value of all cells', () => {
    const { foreground } = masks(4, 4, [[-15, -15, 9, 9]], [40, 40]);
    // Cells −2…1 by −2…1: 16 of them, four inside.
    expect(foreground).toEqual([1 / 16, 1 / 16, 0, 0, 1 / 16, 1 / 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('ignores boxes wholly outside and boxes turned inside out', () => {
    const outside: Box[] = [[-30, 5, -15, 20], [60, 5, 80, 20], [5, -30, 20, -15], [5, 60, 20, 80], [30, 30, 10, 10]];
    expect(sum(masks(4, 4, outside, [40, 40]).foreground)).toBe(0);
  });

  it('decides in doubles, quotient before product', () => {
    // 3 / 7 · 7 is exactly 3 in doubles; 0.1 · 3 style products would fall into other cells.
    for (let columns = 1; columns <= 200; columns += 1) {
      for (const width of [7, 49, 100, 118, 121, 1333]) {
        const x = (columns * width) / 200;
        const { foreground } = boxMasks(level(1, columns), [[[x, 0, x, 0]]], [[1, width]]);
        const from = Math.floor((x / width) * columns);
        const to = Math.min(Math.ceil((x / width) * columns), columns - 1);
        const filled = [...foreground].flatMap((value, cell) => (value > 0 ? [cell] : []));
        expect(filled).toEqual(Array.from({ length: Math.max(0, to - from + 1) }, (_, cell) => from + cell));
      }
    }
  });

  it('keeps images apart', () => {
    const { foreground } = boxMasks(level(2, 2), [[], [[0, 0, 9, 9]]], [[20, 20], [20, 20]]);
    expect([...foreground]).toEqual([0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25]);
  });
});
