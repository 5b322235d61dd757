/**
 * Which object each anchor serves, by ATSS (Zhang et al., CVPR 2020): of an object's nearest anchors those that overlap it at least
 * as much as mean plus deviation and whose centre lies in it; of several objects the one that it overlaps most. In doubles, on the host.
 */
import { centre, liesIn, type GroundTruth } from '../engine/boxes.ts';
import { allAnchors, anchorsPerLevel, type AnchorGrid } from './anchors.ts';
import { ignorePoints } from './assignPoints.ts';
import { anchorBox, chooseAtss, type AnchorLevels } from './atssThresholds.ts';
import { type Assignment } from './detector.ts';

/** Equal overlaps are not below their own mean, whatever a double's last bits say. */
const ROUNDING = 1e-12;
/** Pixels that a centre must be inside the box. */
const MARGIN = 0.01;

/** @returns 0 background, −1 ignored, k ≥ 1 the k-th object; order level, row, column, anchor */
export function assignAtss(grid: AnchorGrid, truth: GroundTruth): Assignment {
  const assignment = new Int32Array(grid.count);
  const anchors: AnchorLevels = { corners: allAnchors(grid), perLevel: anchorsPerLevel(grid) };
  const best = new Float64Array(grid.count).fill(Number.NEGATIVE_INFINITY);
  for (const [position, box] of truth.boxes.entries()) {
    const { candidates, overlaps, threshold } = chooseAtss(anchors, box);
    for (const [place, index] of candidates.entries()) {
      const overlap = overlaps[place] ?? 0;
      if (overlap < threshold - ROUNDING || overlap <= (best[index] ?? 0) || !liesIn(centre(anchorBox(anchors, index)), box, MARGIN)) continue;
      best[index] = overlap;
      assignment[index] = position + 1;
    }
  }
  ignorePoints(grid, truth.ignored, assignment);
  return assignment;
}

