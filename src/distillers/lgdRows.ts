/**
 * LGD's rows: what is said of an object in words of numbers, and the cells inside its box, by level. Made on the host with the
 * reference's single precision, which decides whether a cell on a box's border belongs to it.
 */
import { type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type MapLevel } from './shared/maps.ts';
import { largestBoxes } from './shared/slots.ts';

export interface RowLayout {
  readonly levels: readonly MapLevel[];
  readonly classes: number;
  /** Places for objects; with `context` one more follows, for the whole image. */
  readonly maxObjects: number;
  readonly context: boolean;
}

export function rowCount({ maxObjects, context }: RowLayout): number {
  return maxObjects + (context ? 1 : 0);
}

interface Row {
  readonly slot: number;
  /** Clamped, in input pixels. */
  readonly box: Box;
  readonly label: number | undefined;
}

/** Objects, then the context. An image without objects has a single row, a box of a pixel without class, which plays the context. */
function rowsOf(truth: GroundTruth, { maxObjects, context }: RowLayout, [height, width]: readonly [number, number]): Row[] {
  const objects = largestBoxes(truth, maxObjects);
  const none = context ? maxObjects : 0;
  if (objects.length === 0) return [{ slot: none, box: clamp([0, 0, 1, 1], height, width), label: undefined }];
  const rows: Row[] = objects.map(({ box, label }, slot) => ({ slot, box: clamp(box, height, width), label }));
  return context ? [...rows, { slot: maxObjects, box: clamp([0, 0, width, height], height, width), label: undefined }] : rows;
}

/** To the pixels' indexes, 0 … size − 1. */
function clamp([x1, y1, x2, y2]: Box, height: number, width: number): Box {
  const within = (value: number, size: number): number => Math.fround(Math.min(Math.max(value, 0), size - 1));
  return [within(x1, width), within(y1, height), within(x2, width), within(y2, height)];
}

/** @returns `rows` [N, R, 4 + K] in −1 … 1, `filled` [N, R], `inside.<level>` [N, R, H·W], all 0 where there is no row */
export function rowInputs(truth: readonly GroundTruth[], layout: RowLayout, size: readonly [number, number]): HostTensors {
  const [count, length] = [rowCount(layout), 4 + layout.classes];
  const rows = new Float32Array(truth.length * count * length);
  const filled = new Float32Array(truth.length * count);
  const inside = layout.levels.map(({ places }) => new Float32Array(truth.length * count * places));
  for (const [image, own] of truth.entries()) {
    for (const { slot, box, label } of rowsOf(own, layout, size)) {
      const index = image * count + slot;
      filled[index] = 1;
      describeRow(rows.subarray(index * length, (index + 1) * length), box, label, size);
      for (const [level, cells] of layout.levels.entries()) {
        fillInside(inside[level]?.subarray(index * cells.places, (index + 1) * cells.places) ?? new Float32Array(0), cells, box, size);
      }
    }
  }
  return {
    rows: float32([truth.length, count, length], rows), filled: float32([truth.length, count], filled),
    ...Object.fromEntries(layout.levels.map(({ name, places }, level) => [`inside.${name}`, float32([truth.length, count, places], inside[level])])),
  };
}

function describeRow(row: Float32Array, box: Box, label: number | undefined, [height, width]: readonly [number, number]): void {
  row.fill(-1);
  for (const [index, value] of box.entries()) row[index] = 2 * Math.fround(value / (index % 2 === 0 ? width : height)) - 1;
  if (label !== undefined) row[4 + label] = 1;
}

/** A cell is inside where |index − centre| / side ≤ ½ in both directions; a box without a side has no cell (0 / 0 is not ≤ ½). */
function fillInside(cells: Float32Array, { rows, columns }: MapLevel, [x1, y1, x2, y2]: Box, [height, width]: readonly [number, number]): void {
  const vertical = insideAlong(y1, y2, rows, height);
  const horizontal = insideAlong(x1, x2, columns, width);
  for (const [row, isInside] of vertical.entries()) {
    if (isInside) for (let column = 0; column < columns; column += 1) cells[row * columns + column] = horizontal[column] === true ? 1 : 0;
  }
}

function insideAlong(from: number, to: number, cells: number, size: number): boolean[] {
  const { fround } = Math;
  const ratio = fround(cells / size);
  const [start, end] = [fround(from * ratio), fround(to * ratio)];
  const [centre, side] = [fround(fround(start + end) * 0.5), fround(end - start)];
  return Array.from({ length: cells }, (_, index) => fround(Math.abs(fround(centre - index)) / side) <= 0.5);
}
