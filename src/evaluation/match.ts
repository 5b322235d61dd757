/**
 * Matching one image's detections of one class to its objects, for one area range and all ten IoU thresholds:
 * the greedy rule of COCO (`COCOeval.evaluateImg`), detections by falling score.
 *
 * What COCO ignores (crowds, objects outside the area range; here also VOC's difficult ones) may be matched without gain or
 * harm; a crowd any number of times, and by the part of the detection that lies in it instead of IoU.
 */
import { type DetectionTable, type ObjectTable } from './table.ts';

/** 0.50, 0.55, … 0.95, computed as numpy's linspace does, to the last bit. */
export const IOU_THRESHOLDS: Float64Array = Float64Array.from({ length: 10 }, (_, i) => (i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9)));

const LOWEST = IOU_THRESHOLDS[0] ?? 0;
const ALL_THRESHOLDS = (1 << IOU_THRESHOLDS.length) - 1;

export interface AreaRange {
  readonly from: number;
  readonly to: number;
}

export const AREA_RANGES = {
  all: { from: 0, to: 1e10 },
  small: { from: 0, to: 32 ** 2 },
  medium: { from: 32 ** 2, to: 96 ** 2 },
  large: { from: 96 ** 2, to: 1e10 },
} as const satisfies Record<string, AreaRange>;

/** For each detection (rows as given) a bit a threshold: found an object, and does not count. */
export interface Matches {
  readonly found: Uint16Array;
  readonly ignored: Uint16Array;
}

/** IoU of each detection with each object, [detections, objects]; with a crowd, the part of the detection inside it. */
export function overlaps(detections: DetectionTable, rows: Int32Array, objects: ObjectTable, objectRows: Int32Array): Float64Array {
  const result = new Float64Array(rows.length * objectRows.length);
  let k = 0;
  for (const d of rows) {
    for (const o of objectRows) {
      result[k] = overlap(detections.boxes, 4 * d, objects.boxes, 4 * o, objects.crowd[o] === 1);
      k += 1;
    }
  }
  return result;
}

function overlap(a: Float64Array, i: number, b: Float64Array, j: number, crowd: boolean): number {
  const ax = a[i] ?? 0;
  const aw = a[i + 2] ?? 0;
  const bx = b[j] ?? 0;
  const bw = b[j + 2] ?? 0;
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  if (width <= 0) return 0;
  const ay = a[i + 1] ?? 0;
  const ah = a[i + 3] ?? 0;
  const by = b[j + 1] ?? 0;
  const bh = b[j + 3] ?? 0;
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (height <= 0) return 0;
  const shared = width * height;
  return shared / (crowd ? aw * ah : aw * ah + bw * bh - shared);
}

/** Whether each object is ignored in this area range. */
export function ignoredObjects(objects: ObjectTable, rows: Int32Array, range: AreaRange): Uint8Array {
  const ignored = new Uint8Array(rows.length);
  for (let o = 0; o < rows.length; o += 1) {
    const row = rows[o] ?? 0;
    const area = objects.area[row] ?? 0;
    if (objects.crowd[row] === 1 || objects.difficult[row] === 1 || area < range.from || area > range.to) ignored[o] = 1;
  }
  return ignored;
}

export interface MatchTask {
  readonly detections: DetectionTable;
  /** By falling score, at most the largest number of detections. */
  readonly rows: Int32Array;
  readonly objects: ObjectTable;
  readonly objectRows: Int32Array;
  readonly overlaps: Float64Array;
  readonly ignored: Uint8Array;
  readonly range: AreaRange;
}

/** Fills `out` at `offset + i` for the i-th detection. */
export function matchImage(task: MatchTask, out: Matches, offset: number): void {
  const { detections, rows, objects, objectRows, ignored, range } = task;
  const count = objectRows.length;
  const order = countingFirst(ignored);
  const taken = new Uint16Array(count);
  for (let i = 0; i < rows.length; i += 1) {
    const outside = isOutside(detections, rows[i] ?? 0, range);
    let found = 0;
    let free = outside ? ALL_THRESHOLDS : 0;
    for (let t = 0; t < IOU_THRESHOLDS.length && reaches(task, i, count); t += 1) {
      const bit = 1 << t;
      const best = bestObject(task, i, t, order, taken);
      if (best < 0) continue;
      found |= bit;
      free = ignored[best] === 1 ? free | bit : free & ~bit;
      if (objects.crowd[objectRows[best] ?? 0] !== 1) taken[best] = (taken[best] ?? 0) | bit;
    }
    out.found[offset + i] = found;
    out.ignored[offset + i] = free;
  }
}

/** An image without objects of the class: all that can be said is which detections are of another size. */
export function matchNothing(detections: DetectionTable, rows: Int32Array, range: AreaRange, out: Matches, offset: number): void {
  for (let i = 0; i < rows.length; i += 1) {
    out.found[offset + i] = 0;
    out.ignored[offset + i] = isOutside(detections, rows[i] ?? 0, range) ? ALL_THRESHOLDS : 0;
  }
}

function isOutside({ boxes }: DetectionTable, row: number, range: AreaRange): boolean {
  const size = (boxes[4 * row + 2] ?? 0) * (boxes[4 * row + 3] ?? 0);
  return size < range.from || size > range.to;
}

/** Positions of the objects that count, then of the ignored ones, each part in its own order. */
function countingFirst(ignored: Uint8Array): Int32Array {
  const order = new Int32Array(ignored.length);
  let place = 0;
  for (const part of [0, 1]) for (let o = 0; o < ignored.length; o += 1) if (ignored[o] === part) order[place++] = o;
  return order;
}

/** Whether detection i overlaps anything enough for the lowest threshold; most do not. */
function reaches({ overlaps: values }: MatchTask, i: number, count: number): boolean {
  for (let k = i * count; k < (i + 1) * count; k += 1) if ((values[k] ?? 0) >= LOWEST) return true;
  return false;
}

/** The object that detection i gets at threshold t, or −1. Of equal overlaps the later one wins, as in the reference. */
function bestObject({ overlaps: values, ignored }: MatchTask, i: number, t: number, order: Int32Array, taken: Uint16Array): number {
  const bit = 1 << t;
  const base = i * order.length;
  let best = -1;
  let threshold = Math.min(IOU_THRESHOLDS[t] ?? 1, 1 - 1e-10);
  for (const o of order) {
    if (((taken[o] ?? 0) & bit) !== 0) continue;
    // Once an object that counts is found, ignored ones cannot take its place.
    if (best >= 0 && ignored[best] === 0 && ignored[o] === 1) break;
    const value = values[base + o] ?? 0;
    if (value < threshold) continue;
    threshold = value;
    best = o;
  }
  return best;
}
