/**
 * COCO's bounding-box evaluation (Lin et al., ECCV 2014; rules of pycocotools' COCOeval): AP over IoU 0.50…0.95 at 101 recall
 * points, by size of the annotated area, and AR at 1, 10 and 100 detections an image and class.
 *
 * Beyond COCO: objects marked difficult (VOC) are ignored too, by ordinary IoU and once each.
 */
import { accumulate, type Curve, type RankedMatches, recallAt } from './accumulate.ts';
import { AREA_RANGES, ignoredObjects, matchImage, matchNothing, overlaps } from './match.ts';
import { detectionTable, type DetectionTable, groupRows, type Groups, objectTable, type ObjectTable, sortByScore } from './table.ts';
import { type Evaluation, type EvaluationDetection, type EvaluationTruth, meanOfDefined, type Metrics } from './types.ts';

const MAX_DETECTIONS = 100;
const RANGES = Object.values(AREA_RANGES);

/** Throws RangeError for an object or detection of an unknown image or class. */
export function evaluateCoco(truth: EvaluationTruth, detections: readonly EvaluationDetection[], classes: readonly string[]): Evaluation {
  return evaluateTables(objectTable(truth, classes.length), detectionTable(truth, detections, classes.length), truth.images.length, classes);
}

/** The same for boxes that are in tables already. */
export function evaluateTables(objects: ObjectTable, detections: DetectionTable, images: number, classes: readonly string[]): Evaluation {
  const work: Work = { objects, detections, images, objectGroups: groupRows(objects, images, classes.length), detectionGroups: groupRows(detections, images, classes.length) };
  const all = classes.map((_, label) => evaluateClass(work, label));
  const keys = Object.keys(UNDEFINED) as (keyof Metrics)[];
  const metrics = { ...UNDEFINED };
  // Within a class a number is defined for all thresholds or for none, so the mean of the classes' means is COCO's mean.
  for (const key of keys) metrics[key] = meanOfDefined(all.map((one) => one[key]));
  return { metrics, perClass: Object.fromEntries(classes.map((name, label) => [name, all[label] ?? UNDEFINED])) };
}

export const UNDEFINED: Metrics = { AP: -1, AP50: -1, AP75: -1, APs: -1, APm: -1, APl: -1, AR1: -1, AR10: -1, AR100: -1, ARs: -1, ARm: -1, ARl: -1 };

interface Work {
  readonly objects: ObjectTable;
  readonly detections: DetectionTable;
  readonly images: number;
  readonly objectGroups: Groups;
  readonly detectionGroups: Groups;
}

function evaluateClass(work: Work, label: number): Metrics {
  const [all, small, medium, large] = matchClass(work, label);
  if (all === undefined || small === undefined || medium === undefined || large === undefined) return UNDEFINED;
  const whole = accumulate(all, MAX_DETECTIONS);
  const bySize = [small, medium, large].map((matches) => accumulate(matches, MAX_DETECTIONS));
  const ap = (curve: Curve | undefined): number => meanOfDefined(curve?.precision ?? []);
  const ar = (curve: Curve | undefined): number => meanOfDefined(curve?.recall ?? []);
  return {
    AP: ap(whole), AP50: whole.precision[0] ?? -1, AP75: whole.precision[5] ?? -1,
    APs: ap(bySize[0]), APm: ap(bySize[1]), APl: ap(bySize[2]),
    AR1: meanOfDefined(recallAt(all, 1)), AR10: meanOfDefined(recallAt(all, 10)), AR100: ar(whole),
    ARs: ar(bySize[0]), ARm: ar(bySize[1]), ARl: ar(bySize[2]),
  };
}

/** Matches of one class over all images, by area range. */
function matchClass(work: Work, label: number): RankedMatches[] {
  const { detections, objects, objectGroups, images } = work;
  const first = label * images;
  const kept = keptDetections(work, first);
  const results = RANGES.map((range) => ({ range, found: new Uint16Array(kept.rows.length), ignored: new Uint16Array(kept.rows.length), positives: 0 }));
  for (let image = 0; image < images; image += 1) {
    const objectRows = groupOf(objectGroups, first + image);
    const offset = kept.starts[image] ?? 0;
    const end = kept.starts[image + 1] ?? 0;
    if (objectRows.length === 0 && offset === end) continue;
    const rows = kept.rows.subarray(offset, end);
    if (objectRows.length === 0) {
      for (const result of results) matchNothing(detections, rows, result.range, result, offset);
      continue;
    }
    const values = overlaps(detections, rows, objects, objectRows);
    for (const result of results) {
      const ignored = ignoredObjects(objects, objectRows, result.range);
      for (const flag of ignored) result.positives += 1 - flag;
      matchImage({ detections, rows, objects, objectRows, overlaps: values, ignored, range: result.range }, result, offset);
    }
  }
  const order = kept.rows.map((_, position) => position);
  const scores = Float64Array.from(kept.rows, (row) => detections.score[row] ?? 0);
  sortByScore(order, scores);
  return results.map(({ found, ignored, positives }) => ({ found, ignored, positives, order, rank: kept.rank }));
}

interface Kept {
  /** By image, then falling score. */
  readonly rows: Int32Array;
  /** Where each image's rows begin, one more than images. */
  readonly starts: Int32Array;
  readonly rank: Uint16Array;
}

/** The best 100 detections of each image of one class. */
function keptDetections({ detections, detectionGroups, images }: Work, first: number): Kept {
  const rows: number[] = [];
  const rank: number[] = [];
  const starts = new Int32Array(images + 1);
  for (let image = 0; image < images; image += 1) {
    const best = sortByScore(groupOf(detectionGroups, first + image), detections.score);
    for (let place = 0; place < best.length && place < MAX_DETECTIONS; place += 1) {
      rows.push(best[place] ?? 0);
      rank.push(place);
    }
    starts[image + 1] = rows.length;
  }
  return { rows: Int32Array.from(rows), starts, rank: Uint16Array.from(rank) };
}

function groupOf({ order, starts }: Groups, group: number): Int32Array {
  return order.subarray(starts[group] ?? 0, starts[group + 1] ?? 0);
}
