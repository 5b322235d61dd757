/**
 * The assigner of PAA (Kim & Lee, Probabilistic Anchor Assignment, ECCV 2020) as LAD uses it: anchors compete for an object by how well
 * a network already predicts it, and a mixture of two normal distributions says who wins. On the host, in doubles.
 */
import { anchorBox, type AnchorLevels } from '../detectors/atssThresholds.ts';
import { type Assignment } from '../detectors/detector.ts';
import { area, centre, intersection, liesIn, type Box, type GroundTruth } from '../engine/boxes.ts';
import { fitPair } from './ladMixture.ts';

export interface CandidateSettings {
  /** Least IoU. */
  readonly overlap: number;
  /** True: only anchors with their centre in the object, for boxes that are written as distances from it. */
  readonly centred: boolean;
  /** Which anchors lie over the image; the others, over padding, take no part. */
  readonly inside: (index: number) => boolean;
}

/** Least union of two boxes. */
const LEAST_AREA = 1e-6;
/** Objects with a shorter side are left out. */
const LEAST_SIDE = 1e-3;
/** Background with more than this share of its area in an ignored region does not count. */
const IGNORED_SHARE = 0.5;

/**
 * Whom each anchor may serve: the object that it overlaps most, from `overlap` on; then every object takes its best anchors whatever
 * their overlap, later objects from earlier ones.
 * @returns 0 nobody, −1 takes no part (padding, ignored regions), k ≥ 1 the k-th object
 */
export function candidateObjects(anchors: AnchorLevels, truth: GroundTruth, { overlap, centred, inside }: CandidateSettings): Assignment {
  const count = anchors.corners.length / 4;
  const result = new Int32Array(count);
  const best = new Float64Array(count);
  const own = truth.boxes.map((box) => (Math.min(box[2] - box[0], box[3] - box[1]) < LEAST_SIDE ? undefined : overlaps(anchors, box)));
  const allowed = (index: number, box: Box): boolean => inside(index) && (!centred || liesIn(centre(anchorBox(anchors, index)), box));
  for (const [position, values] of own.entries()) {
    values?.forEach((value, index) => {
      if (value < overlap || value <= (best[index] ?? 0) || !allowed(index, truth.boxes[position] ?? [0, 0, 0, 0])) return;
      best[index] = value;
      result[index] = position + 1;
    });
  }
  for (const [position, values] of own.entries()) {
    const box = truth.boxes[position] ?? [0, 0, 0, 0];
    const most = values?.reduce((record, value, index) => (value > record && allowed(index, box) ? value : record), 0) ?? 0;
    values?.forEach((value, index) => { if (value === most && allowed(index, box)) result[index] = position + 1; });
  }
  for (let index = 0; index < count; index += 1) {
    if (!inside(index) || (result[index] === 0 && ignored(anchorBox(anchors, index), truth.ignored))) result[index] = -1;
  }
  return result;
}

/** IoU of every anchor with a box. */
function overlaps(anchors: AnchorLevels, box: Box): Float64Array {
  const own = area(box);
  return Float64Array.from({ length: anchors.corners.length / 4 }, (_, index) => {
    const anchor = anchorBox(anchors, index);
    const shared = intersection(anchor, box);
    return shared === 0 ? 0 : shared / Math.max(area(anchor) + own - shared, LEAST_AREA);
  });
}

function ignored(anchor: Box, regions: readonly Box[]): boolean {
  return regions.some((region) => intersection(anchor, region) > IGNORED_SHARE * area(anchor));
}

/**
 * Which candidates become positive; the other candidates become background.
 * @param costs of each anchor, the smaller the better; read for candidates only @param nearest candidates a level that compete
 */
export function choosePositives(candidates: Assignment, costs: ArrayLike<number>, perLevel: readonly number[], nearest: number): Assignment {
  const result = candidates.map((object) => Math.min(object, 0));
  for (const [object, byLevel] of members(candidates, perLevel)) {
    const cost = (index: number): number => costs[index] ?? Number.NaN;
    const rising = (indexes: readonly number[]): number[] => indexes.toSorted((a, b) => cost(a) - cost(b));
    if (byLevel.flat().some((index) => !Number.isFinite(cost(index)))) continue;
    const competing = rising(byLevel.flatMap((indexes) => rising(indexes).slice(0, nearest)));
    if (competing.length < 2) continue;
    for (const place of winners(competing.map(cost))) result[competing[place] ?? 0] = object;
  }
  return result;
}

/** Candidates of each object, by level. */
function members(candidates: Assignment, perLevel: readonly number[]): Map<number, number[][]> {
  const found = new Map<number, number[][]>();
  let first = 0;
  for (const [level, count] of perLevel.entries()) {
    for (let index = first; index < first + count; index += 1) {
      const object = candidates[index] ?? 0;
      if (object < 1) continue;
      let byLevel = found.get(object);
      if (byLevel === undefined) found.set(object, (byLevel = perLevel.map(() => [])));
      byLevel[level]?.push(index);
    }
    first += count;
  }
  return found;
}

/** Of the samples of the first component, the one with the largest evidence and all cheaper ones. @param costs rising */
function winners(costs: readonly number[]): number[] {
  const { component, evidence } = fitPair(costs);
  const good = costs.flatMap((_, place) => (component[place] === 0 ? [place] : []));
  let last = 0;
  good.forEach((place, order) => { if ((evidence[place] ?? 0) > (evidence[good[last] ?? 0] ?? 0)) last = order; });
  return good.slice(0, last + 1);
}
