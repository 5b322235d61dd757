/** TBD's masks: how well each cell classifies and locates in both networks, and how much either task counts. On the host, in doubles. */
import { iou, type Box, type GroundTruth } from '../engine/boxes.ts';
import { at } from './shared/maps.ts';

/** One network's best anchor of each cell of one image. */
export interface CellPredictions {
  /** Class logits, [cells, K]. */
  readonly logits: ArrayLike<number>;
  /** Corners in input pixels, [cells, 4]. */
  readonly boxes: ArrayLike<number>;
  /** Which of the cell's anchors it is. */
  readonly anchors: ArrayLike<number>;
}

export interface CellQuality {
  /** p: probability of the matched object's class, or the highest where there is none. */
  readonly score: Float64Array;
  /** u: IoU with the matched object, 0 where there is none. */
  readonly fit: Float64Array;
  /** Highest class probability. */
  readonly highest: Float64Array;
}

/** A cell's object is that of its anchor's assignment, else the one that its box overlaps most. @param assigned candidates of the image */
export function cellQuality({ boxes, labels }: GroundTruth, { logits, boxes: corners, anchors }: CellPredictions, assigned: Int32Array, anchorsPerCell: number, classes: number): CellQuality {
  const cells = anchors.length;
  const result: CellQuality = { score: new Float64Array(cells), fit: new Float64Array(cells), highest: new Float64Array(cells) };
  for (let cell = 0; cell < cells; cell += 1) {
    const probability = (label: number): number => 1 / (1 + Math.exp(-(logits[cell * classes + label] ?? 0)));
    let best = 0;
    for (let label = 0; label < classes; label += 1) best = Math.max(best, probability(label));
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [0, 1, 2, 3].map((side) => corners[cell * 4 + side]);
    const object = matched(boxes, [x1, y1, x2, y2], assigned[cell * anchorsPerCell + (anchors[cell] ?? 0)] ?? 0);
    result.highest[cell] = best;
    result.score[cell] = object === undefined ? best : probability(at(labels, object));
    result.fit[cell] = object === undefined ? 0 : iou([x1, y1, x2, y2], at(boxes, object));
  }
  return result;
}

function matched(boxes: readonly Box[], own: Box, assigned: number): number | undefined {
  if (assigned > 0) return assigned - 1;
  let [record, best] = [0, undefined as number | undefined];
  boxes.forEach((box, index) => {
    const overlap = iou(own, box);
    if (overlap > record) [record, best] = [overlap, index];
  });
  return best;
}

export type HarmonyForm = 'harmonic' | 'product' | 'geometric';

/** Keeps quotients finite. */
export const EPSILON = 1e-6;

/** HS, 0 … 1: high only where class and box both are. */
export function harmonyScore(score: number, fit: number, form: HarmonyForm): number {
  if (form === 'product') return score * fit;
  return form === 'geometric' ? Math.sqrt(score * fit) : (2 * score * fit) / (score + fit + EPSILON);
}

/** a_c and a_r of one level over the whole batch: the task in which the student lags more counts more. */
export function taskShares(teacher: readonly CellQuality[], student: readonly CellQuality[], from: number, places: number): { classification: number; regression: number } {
  let [classification, regression] = [0, 0];
  teacher.forEach(({ score, fit, highest }, image) => {
    const own = at(student, image);
    for (let cell = from; cell < from + places; cell += 1) {
      classification += (highest[cell] ?? 0) * Math.abs((score[cell] ?? 0) - (own.score[cell] ?? 0));
      regression += (fit[cell] ?? 0) * Math.abs((fit[cell] ?? 0) - (own.fit[cell] ?? 0));
    }
  });
  const cells = teacher.length * places;
  const sum = (classification + regression) / cells + EPSILON;
  return { classification: classification / cells / sum, regression: regression / cells / sum };
}
