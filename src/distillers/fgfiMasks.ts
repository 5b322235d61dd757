/** FGFI's masks: which cells own an anchor that overlaps an object nearly as well as the best one. On the host, in doubles. */
import { type DetectorTraits } from '../detectors/detector.ts';
import { type Box } from '../engine/boxes.ts';
import { at, mapLevels, type MapLevel } from './shared/maps.ts';

export interface AnchoredLevel extends MapLevel {
  /** [cells · anchorsPerCell, 4] corners, in order of cells. */
  readonly anchors: Float64Array;
  readonly anchorsPerCell: number;
}

/** How widths are counted: pixels include both ends in the first release. */
export type Counting = 'pixels' | 'lengths';

/** Side of the square anchors of detectors without any, in strides. */
const SQUARE = 8;

/** Each level with the student's anchors; a detector of points gets a square anchor for each. */
export function anchoredLevels(traits: DetectorTraits, inputSize: readonly [number, number]): AnchoredLevel[] {
  const levels = mapLevels(traits, inputSize);
  const { boxCoding } = traits;
  const own = boxCoding === undefined || boxCoding.form === 'distances' ? undefined : boxCoding.anchors(inputSize);
  const points = boxCoding?.form === 'distances' ? boxCoding.points(inputSize) : undefined;
  const anchorsPerCell = own === undefined ? 1 : traits.anchorsPerCell;
  let offset = 0;
  return levels.map((level, index) => {
    const first = offset;
    offset += level.places * anchorsPerCell;
    const { stride } = at(traits.levels, index);
    const anchors = own === undefined ? squares(level, stride, points?.subarray(first * 2, offset * 2)) : Float64Array.from(own.subarray(first * 4, offset * 4));
    if (anchors.length !== (offset - first) * 4) throw new RangeError(`level ${level.name} has ${level.places} cells and ${anchors.length / 4} anchors`);
    return { ...level, anchors, anchorsPerCell };
  });
}

/** Around the points, or around the middles of the cells. */
function squares({ places, columns }: MapLevel, stride: number, points?: Float32Array): Float64Array {
  const half = (SQUARE * stride) / 2;
  return Float64Array.from({ length: places * 4 }, (_, index) => {
    const [cell, side] = [Math.floor(index / 4), index % 4];
    const place = side % 2 === 0 ? cell % columns : Math.floor(cell / columns);
    const centre = points === undefined ? (place + 0.5) * stride : points[cell * 2 + (side % 2)] ?? Number.NaN;
    return side < 2 ? centre - half : centre + half;
  });
}

export interface ImitationMask {
  /** [N, cells]: 1 where imitated. */
  readonly mask: Float32Array;
  /** [N, cells]: the best IoU of a cell's anchors with the objects that count at this level. */
  readonly overlap: Float32Array;
}

/** @param boxes of each image, those that count at this level */
export function imitationMask(level: AnchoredLevel, boxes: readonly (readonly Box[])[], threshold: number, counting: Counting): ImitationMask {
  const result = { mask: new Float32Array(boxes.length * level.places), overlap: new Float32Array(boxes.length * level.places) };
  boxes.forEach((own, image) => {
    for (const box of own) {
      const overlaps = cellOverlaps(level, box, counting);
      const limit = threshold * overlaps.reduce((best, value) => Math.max(best, value), 0);
      overlaps.forEach((value, cell) => {
        const index = image * level.places + cell;
        if (value > limit) result.mask[index] = 1;
        result.overlap[index] = Math.max(result.overlap[index] ?? 0, value);
      });
    }
  });
  return result;
}

/** The best IoU of each cell's anchors with the box. */
function cellOverlaps({ anchors, anchorsPerCell, places }: AnchoredLevel, [x1, y1, x2, y2]: Box, counting: Counting): Float64Array {
  const result = new Float64Array(places);
  // In whole pixels a box of one pixel counts as padding of the list of boxes.
  if (counting === 'pixels' && x1 === x2 && y1 === y2) return result;
  const extra = counting === 'pixels' ? 1 : 0;
  const boxArea = (x2 - x1 + extra) * (y2 - y1 + extra);
  for (let index = 0; index < places * anchorsPerCell; index += 1) {
    const [ax1 = 0, ay1 = 0, ax2 = 0, ay2 = 0] = [anchors[index * 4], anchors[index * 4 + 1], anchors[index * 4 + 2], anchors[index * 4 + 3]];
    const [width, height] = [Math.min(x2, ax2) - Math.max(x1, ax1) + extra, Math.min(y2, ay2) - Math.max(y1, ay1) + extra];
    if (width <= 0 || height <= 0) continue;
    const shared = width * height;
    const union = (ax2 - ax1 + extra) * (ay2 - ay1 + extra) + boxArea - shared;
    const cell = Math.floor(index / anchorsPerCell);
    result[cell] = Math.max(result[cell] ?? 0, shared / (counting === 'pixels' ? union : Math.max(union, 1e-6)));
  }
  return result;
}
