/** GID's general instances: boxes where teacher and student disagree most, and the candidates that answer for them. On the host, in doubles. */
import { suppress } from '../detectors/nms.ts';
import { clip, iou, type Box } from '../engine/boxes.ts';

/** Both networks' predictions for one image, candidates in the order of `Assignment`. */
export interface ImagePredictions {
  /** Largest class logit of each candidate. */
  readonly teacherLogits: ArrayLike<number>;
  readonly studentLogits: ArrayLike<number>;
  /** Corners in input pixels, flat. */
  readonly teacherBoxes: ArrayLike<number>;
  readonly studentBoxes: ArrayLike<number>;
}

export interface Instance {
  readonly box: Box;
  /** |o_t − o_s|. */
  readonly score: number;
  readonly origin: 'teacher' | 'student';
}

export interface SelectionOptions {
  readonly instances: number;
  readonly candidates: number;
  readonly overlap: number;
  readonly leastSide: number;
}

/** @param size unpadded [height, width] @returns at most `instances`, largest disagreement first */
export function selectInstances(predictions: ImagePredictions, size: readonly [number, number], { instances, candidates, overlap, leastSide }: SelectionOptions): Instance[] {
  const { teacherLogits, studentLogits, teacherBoxes, studentBoxes } = predictions;
  const gaps = Float64Array.from(teacherLogits, (logit, index) => sigmoid(logit) - sigmoid(studentLogits[index] ?? 0));
  const found = largest(gaps.map(Math.abs), candidates).flatMap((index) => {
    const gap = gaps[index] ?? 0;
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = [0, 1, 2, 3].map((side) => (gap > 0 ? teacherBoxes : studentBoxes)[index * 4 + side]);
    const box = clip([x1, y1, x2, y2], size[1], size[0]);
    const longEnough = box[2] - box[0] > leastSide && box[3] - box[1] > leastSide;
    return longEnough ? [{ box, label: 0, score: Math.abs(gap), origin: gap > 0 ? 'teacher' as const : 'student' as const }] : [];
  });
  const origins = new Map(found.map(({ box, origin }) => [box, origin]));
  return suppress(found, overlap, instances).map(({ box, score }) => ({ box, score, origin: origins.get(box) ?? 'student' }));
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Indexes of the largest values, in order; of equals the first. */
function largest(values: Float64Array, count: number): number[] {
  const least = values.length <= count ? Number.NEGATIVE_INFINITY : values.toSorted()[values.length - count] ?? Number.NEGATIVE_INFINITY;
  const kept = [...values.keys()].filter((index) => (values[index] ?? Number.NaN) >= least);
  return kept.toSorted((a, b) => (values[b] ?? 0) - (values[a] ?? 0)).slice(0, count);
}

/** IoU with an instance from which an anchor answers for it. */
const ANSWERS = 0.5;

/** 1 for each anchor that overlaps some instance enough, and for the best anchors of every instance. @param anchors corners, flat */
export function answeringAnchors(anchors: ArrayLike<number>, boxes: readonly Box[]): Float32Array {
  const result = new Float32Array(anchors.length / 4);
  for (const box of boxes) {
    let record = 0;
    let holders: number[] = [];
    for (let anchor = 0; anchor < result.length; anchor += 1) {
      const first = anchor * 4;
      const value = iou([anchors[first] ?? 0, anchors[first + 1] ?? 0, anchors[first + 2] ?? 0, anchors[first + 3] ?? 0], box);
      if (value >= ANSWERS) result[anchor] = 1;
      // Ties are judged in float32: anchors that lie symmetrically tie in spite of a double's last bits.
      const rounded = Math.fround(value);
      if (rounded > record) [record, holders] = [rounded, [anchor]];
      else if (rounded === record && record > 0) holders.push(anchor);
    }
    for (const anchor of holders) result[anchor] = 1;
  }
  return result;
}

/** 1 for each point strictly inside some instance. @param points x, y, flat */
export function answeringPoints(points: ArrayLike<number>, boxes: readonly Box[]): Float32Array {
  return Float32Array.from({ length: points.length / 2 }, (_, point) => {
    const [x, y] = [points[point * 2] ?? 0, points[point * 2 + 1] ?? 0];
    return boxes.some((box) => x > box[0] && x < box[2] && y > box[1] && y < box[3]) ? 1 : 0;
  });
}
