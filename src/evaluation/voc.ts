/**
 * Pascal VOC's average precision (Everingham et al., IJCV 2010): IoU ≥ 0.5, the area under the precision envelope (from 2010
 * on), or its mean at eleven recall points (until 2009). Boxes are continuous here, so nothing is added to their sides.
 *
 * A detection goes to the object it overlaps most: it gains if that one is free, counts as false if it is taken,
 * and does not count at all if that one is difficult (or a crowd).
 */
import { UNDEFINED } from './coco.ts';
import { overlaps } from './match.ts';
import { detectionTable, type DetectionTable, groupRows, objectTable, type ObjectTable, sortByScore } from './table.ts';
import { type Evaluation, type EvaluationDetection, type EvaluationTruth, meanOfDefined } from './types.ts';

export interface VocOptions {
  /** `all-point`: VOC 2010 and later; `11-point`: VOC 2007. */
  readonly interpolation?: 'all-point' | '11-point';
  readonly iou?: number;
}

/**
 * AP of VOC in `AP` and `AP50`, recall with all detections in `AR100`; the rest, which VOC does not have, is −1.
 * Throws RangeError for an object or detection of an unknown image or class.
 */
export function evaluateVoc(truth: EvaluationTruth, detections: readonly EvaluationDetection[], classes: readonly string[], options: VocOptions = {}): Evaluation {
  const { interpolation = 'all-point', iou = 0.5 } = options;
  const objects = objectTable(truth, classes.length);
  const found = detectionTable(truth, detections, classes.length);
  const outcomes = classOutcomes(objects, found, truth.images.length, classes.length, iou);
  const perClass = classes.map((name, label) => {
    const { positives, outcome } = outcomes[label] ?? { positives: 0, outcome: new Int8Array() };
    if (positives === 0) return [name, { ...UNDEFINED }] as const;
    const curve = precisionRecall(outcome, positives);
    const AP = interpolation === '11-point' ? elevenPoints(curve) : allPoints(curve);
    return [name, { ...UNDEFINED, AP, AP50: AP, AR100: curve.recall.at(-1) ?? 0 }] as const;
  });
  const AP = meanOfDefined(perClass.map(([, metrics]) => metrics.AP));
  const AR100 = meanOfDefined(perClass.map(([, metrics]) => metrics.AR100));
  return { metrics: { ...UNDEFINED, AP, AP50: AP, AR100 }, perClass: Object.fromEntries(perClass) };
}

interface ClassOutcome {
  positives: number;
  /** By falling score over all images: 1 true, 0 false, −1 does not count. */
  outcome: Int8Array;
}

function classOutcomes(objects: ObjectTable, detections: DetectionTable, images: number, classes: number, iou: number): ClassOutcome[] {
  const objectGroups = groupRows(objects, images, classes);
  const detectionGroups = groupRows(detections, images, classes);
  const byRow = new Int8Array(detections.length);
  const results: ClassOutcome[] = [];
  for (let label = 0; label < classes; label += 1) {
    let positives = 0;
    for (let image = 0; image < images; image += 1) {
      const group = label * images + image;
      const objectRows = objectGroups.order.subarray(objectGroups.starts[group], objectGroups.starts[group + 1]);
      const rows = sortByScore(detectionGroups.order.subarray(detectionGroups.starts[group], detectionGroups.starts[group + 1]), detections.score);
      for (const row of objectRows) positives += skipped(objects, row) ? 0 : 1;
      judgeImage(objects, objectRows, detections, rows, iou, byRow);
    }
    const classRows = detectionGroups.order.slice(detectionGroups.starts[label * images], detectionGroups.starts[(label + 1) * images]);
    results.push({ positives, outcome: Int8Array.from(sortByScore(classRows, detections.score), (row) => byRow[row] ?? 0) });
  }
  return results;
}

function skipped(objects: ObjectTable, row: number): boolean {
  return objects.difficult[row] === 1 || objects.crowd[row] === 1;
}

function judgeImage(objects: ObjectTable, objectRows: Int32Array, detections: DetectionTable, rows: Int32Array, iou: number, byRow: Int8Array): void {
  const values = overlaps(detections, rows, objects, objectRows);
  const taken = new Uint8Array(objectRows.length);
  rows.forEach((row, i) => {
    let best = -1;
    let most = -Infinity;
    for (let o = 0; o < objectRows.length; o += 1) {
      const value = values[i * objectRows.length + o] ?? 0;
      if (value > most) [best, most] = [o, value];
    }
    if (best < 0 || most < iou) byRow[row] = 0;
    else if (skipped(objects, objectRows[best] ?? 0)) byRow[row] = -1;
    else {
      byRow[row] = taken[best] === 1 ? 0 : 1;
      taken[best] = 1;
    }
  });
}

interface PrecisionRecall {
  readonly precision: readonly number[];
  readonly recall: readonly number[];
}

function precisionRecall(outcome: Int8Array, positives: number): PrecisionRecall {
  const precision: number[] = [];
  const recall: number[] = [];
  let hits = 0;
  let count = 0;
  for (const one of outcome) {
    if (one < 0) continue;
    hits += one;
    count += 1;
    precision.push(hits / count);
    recall.push(hits / positives);
  }
  return { precision, recall };
}

function allPoints({ precision, recall }: PrecisionRecall): number {
  let area = 0;
  let envelope = 0;
  for (let i = precision.length - 1; i >= 0; i -= 1) {
    envelope = Math.max(envelope, precision[i] ?? 0);
    area += ((recall[i] ?? 0) - (recall[i - 1] ?? 0)) * envelope;
  }
  return area;
}

function elevenPoints({ precision, recall }: PrecisionRecall): number {
  let sum = 0;
  for (let point = 0; point <= 10; point += 1) {
    let best = 0;
    recall.forEach((value, i) => {
      if (value >= point / 10) best = Math.max(best, precision[i] ?? 0);
    });
    sum += best;
  }
  return sum / 11;
}
