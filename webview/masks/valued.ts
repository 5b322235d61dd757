/** Boxes that carry a value each, drawn over the image: which are there, which one is pointed at. Pure; `boxes.ts` draws them. */
import { type ColourTable, type Scale } from './colours.ts';
import { BOX_VALUES, type PaneContent } from './selection.ts';

export interface ValuedBox {
  /** Its row in the recording, from 0: rows of teacher and student belong together. */
  readonly row: number;
  /** Left, top, right, bottom in pixels of the stored image. */
  readonly box: readonly [number, number, number, number];
  readonly value: number;
}

export interface BoxLayer {
  readonly boxes: readonly ValuedBox[];
  readonly scale: Scale;
  readonly colours: ColourTable;
  readonly chosen: ValuedBox | undefined;
}

const MOST_BOXES = 500;

/** Rows with an area; the others only fill up the shape. */
export function valuedBoxes({ values, shape }: Pick<PaneContent, 'values' | 'shape'>): ValuedBox[] {
  const boxes: ValuedBox[] = [];
  for (let row = 0; row < (shape[0] ?? 0) && boxes.length < MOST_BOXES; row += 1) {
    const [left = NaN, top = NaN, right = NaN, bottom = NaN, value = NaN] = values.subarray(row * BOX_VALUES, (row + 1) * BOX_VALUES);
    if (right > left && bottom > top && [left, top, right, bottom, value].every(Number.isFinite)) boxes.push({ row, box: [left, top, right, bottom], value });
  }
  return boxes;
}

/** The smallest box around a point: of boxes within each other the inner one is meant. */
export function boxAt(boxes: readonly ValuedBox[], { x, y }: { readonly x: number; readonly y: number }): ValuedBox | undefined {
  const area = ({ box: [left, top, right, bottom] }: ValuedBox): number => (right - left) * (bottom - top);
  return boxes.filter(({ box: [left, top, right, bottom] }) => x >= left && x <= right && y >= top && y <= bottom).sort((a, b) => area(a) - area(b))[0];
}

/** The row after or before one among all rows that some of the panes have. */
export function nextRow(panes: readonly (readonly ValuedBox[])[], row: number | undefined, step: number): number | undefined {
  const rows = [...new Set(panes.flatMap((boxes) => boxes.map((box) => box.row)))].sort((a, b) => a - b);
  if (row === undefined) return step > 0 ? rows[0] : rows.at(-1);
  return (step > 0 ? rows.find((other) => other > row) : rows.findLast((other) => other < row)) ?? row;
}
