/**
 * Which object each point of a pyramid serves (Tian et al., FCOS, ICCV 2019, section 3.1): one whose box it lies in (or near whose
 * centre, with centre sampling), whose farthest side is as far away as the level is meant for, and of several the smallest.
 * In doubles, on the host.
 */
import { area, type Box, type GroundTruth } from '../engine/boxes.ts';
import { type AnchorGrid, type AnchorLevel } from './anchors.ts';
import { type Assignment } from './detector.ts';

export interface PointSettings {
  /** MMDetection's ranges include their ends and areas are compared as they are; torchvision's do not, and see `preference`. */
  readonly convention: 'mmdetection' | 'torchvision';
  /** Of each level, finest first. */
  readonly strides: readonly number[];
  /** Farthest that a point may be from the object's centre along each axis, in strides; 0: anywhere in the box. */
  readonly centerSampling: number;
  /** Longest distance to a side that a level serves, in its strides; the next level begins there, the last one has no end. */
  readonly range: number;
}

/** @param grid anchors whose centres are the points @returns 0 background, −1 ignored, k ≥ 1 the k-th object; order level, row, column */
export function assignPoints(grid: AnchorGrid, truth: GroundTruth, settings: PointSettings): Assignment {
  const assignment = new Int32Array(grid.count);
  const best = new Float64Array(grid.count).fill(Number.NEGATIVE_INFINITY);
  for (const [position, box] of truth.boxes.entries()) {
    const wanted = preference(box, settings.convention);
    for (const [index, level] of grid.levels.entries()) {
      const serves = rule(box, index, settings);
      eachPointWithin(level, box, (flat, x, y) => {
        if (!(wanted > (best[flat] ?? 0)) || !serves(x, y)) return;
        best[flat] = wanted;
        assignment[flat] = position + 1;
      });
    }
  }
  ignorePoints(grid, truth.ignored, assignment);
  return assignment;
}

/** Background points inside an ignored region do not count. @param grid anchors whose centres are the points */
export function ignorePoints(grid: AnchorGrid, regions: readonly Box[], assignment: Assignment): void {
  for (const region of regions) {
    for (const level of grid.levels) {
      eachPointWithin(level, region, (flat) => { if (assignment[flat] === 0) assignment[flat] = -1; });
    }
  }
}

/** Whom a point prefers: the smaller box. torchvision compares 10⁸ − area in float32, where areas within 8 square pixels may be equal: the first wins. */
function preference(box: Box, convention: PointSettings['convention']): number {
  return convention === 'torchvision' ? Math.fround(1e8 - Math.fround(area(box))) : -area(box);
}

/** Whether a point of the level inside the box serves it. */
function rule(box: Box, level: number, { convention, strides, centerSampling, range }: PointSettings): (x: number, y: number) => boolean {
  const stride = strides[level] ?? Number.NaN;
  const [centreX, centreY] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  const radius = centerSampling > 0 ? centerSampling * stride : Number.POSITIVE_INFINITY;
  const from = level === 0 ? Number.NEGATIVE_INFINITY : (strides[level - 1] ?? Number.NaN) * range;
  const to = level === strides.length - 1 ? Number.POSITIVE_INFINITY : stride * range;
  const inRange = convention === 'torchvision' ? (distance: number) => distance > from && distance < to : (distance: number) => distance >= from && distance <= to;
  return (x, y) => Math.max(Math.abs(x - centreX), Math.abs(y - centreY)) < radius && inRange(Math.max(x - box[0], y - box[1], box[2] - x, box[3] - y));
}

/** Every point strictly inside the box. */
function eachPointWithin(level: AnchorLevel, box: Box, visit: (flat: number, x: number, y: number) => void): void {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = level.base;
  const [firstX, firstY] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const rowFrom = Math.max(0, Math.floor((box[1] - firstY) / level.stepY));
  const columnFrom = Math.max(0, Math.floor((box[0] - firstX) / level.stepX));
  for (let row = rowFrom; row < level.rows; row += 1) {
    const y = firstY + row * level.stepY;
    if (y >= box[3]) break;
    if (y <= box[1]) continue;
    for (let column = columnFrom; column < level.columns; column += 1) {
      const x = firstX + column * level.stepX;
      if (x >= box[2]) break;
      if (x > box[0]) visit(level.offset + row * level.columns + column, x, y);
    }
  }
}
