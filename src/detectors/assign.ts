/**
 * Which object each anchor serves, by overlap: positive from one IoU on, background below another, ignored between;
 * then every object keeps its best anchors whatever their overlap. In doubles, on the host.
 */
import { area, iou, type Box, type GroundTruth } from '../engine/boxes.ts';
import { anchorAt, type AnchorGrid, type AnchorLevel } from './anchors.ts';
import { type Assignment } from './detector.ts';

export interface AssignSettings {
  /** Positive from this IoU on. */
  readonly positive: number;
  /** Background below this IoU. */
  readonly negative: number;
  /**
   * Whom an object's best anchors serve. `object` (MMDetection): that object, later objects overwrite earlier ones.
   * `anchor` (torchvision): the object that the anchor itself overlaps most.
   */
  readonly lowQuality: 'object' | 'anchor';
}

/** Background anchors with more than this share of their area in an ignored region do not count. */
const IGNORED_SHARE = 0.5;

interface Matches {
  /** Largest IoU of each anchor, and with which object. Overlaps that decide nothing may be missing. */
  readonly overlap: Float64Array;
  readonly object: Int32Array;
  /** The best anchors of each object. */
  readonly best: readonly (readonly number[])[];
}

/** @returns 0 background, −1 ignored, k ≥ 1 the k-th object; order level, row, column, anchor */
export function assignAnchors(grid: AnchorGrid, truth: GroundTruth, settings: AssignSettings): Assignment {
  const assignment = new Int32Array(grid.count);
  const { overlap, object, best } = matchObjects(grid, truth.boxes, settings.negative);
  for (let index = 0; index < grid.count; index += 1) {
    const value = overlap[index] ?? 0;
    if (value >= settings.positive) assignment[index] = (object[index] ?? 0) + 1;
    else if (value >= settings.negative) assignment[index] = -1;
  }
  for (const [position, anchors] of best.entries()) {
    for (const index of anchors) assignment[index] = (settings.lowQuality === 'object' ? position : bestObject(anchorAt(grid, index), truth.boxes)) + 1;
  }
  for (const region of truth.ignored) ignoreWithin(grid, region, assignment);
  return assignment;
}

function matchObjects(grid: AnchorGrid, boxes: readonly Box[], negative: number): Matches {
  const overlap = new Float64Array(grid.count);
  const object = new Int32Array(grid.count);
  const best = boxes.map((box, position) => (area(box) > 0 ? matchObject(grid, box, position, negative, overlap, object) : []));
  return { overlap, object, best };
}

/** Notes one object's overlaps; returns its best anchors. */
function matchObject(grid: AnchorGrid, box: Box, position: number, negative: number, overlap: Float64Array, object: Int32Array): number[] {
  const boxArea = area(box);
  let record = 0;
  let holders: number[] = [];
  for (const level of grid.levels) {
    for (let anchor = 0; anchor < grid.anchorsPerCell; anchor += 1) {
      const [ax1, ay1, ax2, ay2] = corners(level, anchor);
      const anchorArea = (ax2 - ax1) * (ay2 - ay1);
      // No placement of this anchor can overlap more than the smaller area over the larger one.
      const bound = Math.min(anchorArea, boxArea) / Math.max(anchorArea, boxArea);
      if (bound < negative && bound < record * (1 - 1e-6)) continue;
      const [rowFrom, rowTo] = touching(box[1], box[3], ay1, ay2, level.stepY, level.rows);
      const [columnFrom, columnTo] = touching(box[0], box[2], ax1, ax2, level.stepX, level.columns);
      for (let row = rowFrom; row <= rowTo; row += 1) {
        const shiftY = row * level.stepY;
        const height = Math.min(ay2 + shiftY, box[3]) - Math.max(ay1 + shiftY, box[1]);
        let index = level.offset + (row * level.columns + columnFrom) * grid.anchorsPerCell + anchor;
        for (let column = columnFrom; column <= columnTo; column += 1, index += grid.anchorsPerCell) {
          const shiftX = column * level.stepX;
          const shared = (Math.min(ax2 + shiftX, box[2]) - Math.max(ax1 + shiftX, box[0])) * height;
          const value = shared / (anchorArea + boxArea - shared);
          if (value > (overlap[index] ?? 0)) {
            overlap[index] = value;
            object[index] = position;
          }
          // Ties are judged in float32: anchors that lie symmetrically tie in spite of a double's last bits.
          const rounded = Math.fround(value);
          if (rounded > record) {
            record = rounded;
            holders = [index];
          } else if (rounded === record && record > 0) holders.push(index);
        }
      }
    }
  }
  return holders;
}

function corners(level: AnchorLevel, anchor: number): Box {
  const { base } = level;
  return [base[anchor * 4] ?? 0, base[anchor * 4 + 1] ?? 0, base[anchor * 4 + 2] ?? 0, base[anchor * 4 + 3] ?? 0];
}

/** First and last cell whose anchor [low + i·step, high + i·step] shares more than an edge with [from, to]. */
function touching(from: number, to: number, low: number, high: number, step: number, cells: number): [number, number] {
  return [Math.max(0, Math.floor((from - high) / step) + 1), Math.min(cells - 1, Math.ceil((to - low) / step) - 1)];
}

function bestObject(anchor: Box, boxes: readonly Box[]): number {
  let best = 0;
  let record = -1;
  for (const [position, box] of boxes.entries()) {
    const value = iou(anchor, box);
    if (value > record) [best, record] = [position, value];
  }
  return best;
}

function ignoreWithin(grid: AnchorGrid, region: Box, assignment: Assignment): void {
  for (const level of grid.levels) {
    for (let anchor = 0; anchor < grid.anchorsPerCell; anchor += 1) {
      const [ax1, ay1, ax2, ay2] = corners(level, anchor);
      const anchorArea = (ax2 - ax1) * (ay2 - ay1);
      const [rowFrom, rowTo] = touching(region[1], region[3], ay1, ay2, level.stepY, level.rows);
      const [columnFrom, columnTo] = touching(region[0], region[2], ax1, ax2, level.stepX, level.columns);
      for (let row = rowFrom; row <= rowTo; row += 1) {
        const shiftY = row * level.stepY;
        const height = Math.min(ay2 + shiftY, region[3]) - Math.max(ay1 + shiftY, region[1]);
        for (let column = columnFrom; column <= columnTo; column += 1) {
          const shiftX = column * level.stepX;
          const shared = (Math.min(ax2 + shiftX, region[2]) - Math.max(ax1 + shiftX, region[0])) * height;
          const index = level.offset + (row * level.columns + column) * grid.anchorsPerCell + anchor;
          if (assignment[index] === 0 && shared > IGNORED_SHARE * anchorArea) assignment[index] = -1;
        }
      }
    }
  }
}
