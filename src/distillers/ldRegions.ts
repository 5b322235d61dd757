/** LD's regions, made from anchors and ground truth on the host in doubles: positives, the valuable localisation region, imitation. */
import { anchorBox, chooseAtss, squaredCentreDistance, type AnchorLevels } from '../detectors/atssThresholds.ts';
import { type Assignment } from '../detectors/detector.ts';
import { area, centre, intersection, liesIn, type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { type BatchTruth } from './distiller.ts';
import { at, type MapLevel } from './shared/maps.ts';

export interface RegionSettings {
  readonly overlap: 'iof' | 'iou';
  readonly gamma: number;
  readonly candidates: number;
  readonly imitation: 'none' | 'finegrained' | 'fitnet';
}

/** Smallest union, and smallest squared diagonal of an enclosing box. */
const LEAST = 1e-6;

/** Of one image, anchor by anchor. */
interface Regions {
  /** v: IoU with the object that is nearly served, 0 outside the region. */
  readonly valuable: Float32Array;
  /** 1 where features are imitated. */
  readonly imitated: Float32Array;
}

export function imageRegions(anchors: AnchorLevels, truth: GroundTruth, settings: RegionSettings): Regions {
  const count = anchors.corners.length / 4;
  const regions = { valuable: new Float32Array(count), imitated: new Float32Array(count) };
  for (const box of truth.boxes) {
    const { threshold } = chooseAtss(anchors, box, settings.candidates);
    const overlaps = new Float64Array(count);
    let best = 0;
    for (let index = 0; index < count; index += 1) {
      const anchor = anchorBox(anchors, index);
      if (settings.imitation === 'fitnet' && liesIn(centre(anchor), box)) regions.imitated[index] = 1;
      const shared = intersection(anchor, box);
      // Without overlap nothing of the rest can hold.
      if (shared === 0) continue;
      const iou = shared / Math.max(area(anchor) + area(box) - shared, LEAST);
      overlaps[index] = iou;
      best = Math.max(best, iou);
      const overlap = settings.overlap === 'iou' ? iou : shared / Math.max(area(anchor), LEAST);
      const distance = overlap - centrePenalty(anchor, box);
      if (distance >= settings.gamma * threshold && distance < threshold) regions.valuable[index] = Math.max(regions.valuable[index] ?? 0, iou);
    }
    if (settings.imitation !== 'finegrained') continue;
    overlaps.forEach((iou, index) => {
      if (iou > 0.5 * best) regions.imitated[index] = 1;
    });
  }
  return regions;
}

/** ρ² / c²: squared distance of centres over the squared diagonal of the enclosing box. */
function centrePenalty(a: Box, b: Box): number {
  const diagonal = (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) ** 2 + (Math.max(a[3], b[3]) - Math.min(a[1], b[1])) ** 2;
  return squaredCentreDistance(a, b) / Math.max(diagonal, LEAST);
}

/**
 * By level, [N · anchors] each: `positive.<level>` (0 or 1), `valuable.<level>`, `imitated.<level>`; `shares.<level>` [2]: 1 / positives of
 * the level and 1 / imitated anchors of the level, both 0 where it has no positives; `positives`: those of the batch, at least 1.
 */
export function regionInputs({ truth, assignments }: BatchTruth, levels: readonly MapLevel[], anchors: AnchorLevels, settings: RegionSettings): HostTensors {
  const regions = truth.map((image) => imageRegions(anchors, image, settings));
  const result: Record<string, HostTensors[string]> = {};
  let offset = 0;
  let all = 0;
  levels.forEach(({ name }, level) => {
    const width = at(anchors.perLevel, level);
    const [positive, valuable, imitated] = [0, 0, 0].map(() => new Float32Array(truth.length * width)) as [Float32Array, Float32Array, Float32Array];
    truth.forEach((_, image) => {
      const assigned: Assignment = at(assignments, image).subarray(offset, offset + width);
      const own = at(regions, image);
      valuable.set(own.valuable.subarray(offset, offset + width), image * width);
      imitated.set(own.imitated.subarray(offset, offset + width), image * width);
      assigned.forEach((object, index) => {
        if (object > 0) positive[image * width + index] = 1;
        // Anchors in ignored regions teach nothing.
        if (object < 0) valuable[image * width + index] = 0;
      });
    });
    const [positives, cells] = [sum(positive), sum(imitated)];
    result[`positive.${name}`] = float32([positive.length], positive);
    result[`valuable.${name}`] = float32([valuable.length], valuable);
    result[`imitated.${name}`] = float32([imitated.length], imitated);
    result[`shares.${name}`] = float32([2], Float32Array.of(positives > 0 ? 1 / positives : 0, positives > 0 && cells > 0 ? 1 / cells : 0));
    offset += width;
    all += positives;
  });
  return { ...result, positives: float32([], Float32Array.of(Math.max(1, all))) };
}

function sum(values: Float32Array): number {
  return values.reduce((total, value) => total + value, 0);
}
