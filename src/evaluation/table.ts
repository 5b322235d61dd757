/**
 * Boxes of a whole data set in typed arrays, sorted by class, then image: evaluation walks them without making objects.
 * Sides are kept as width and height because COCO's areas and IoUs are made of these: the last bit decides at a threshold.
 */
import { type EvaluationDetection, type EvaluationTruth } from './types.ts';

export interface BoxTable {
  readonly length: number;
  /** Rank of the image in ascending order of `index`. */
  readonly image: Int32Array;
  readonly label: Int32Array;
  /** x, y, width, height of each box, in pixels of the original image. */
  readonly boxes: Float64Array;
}

export interface ObjectTable extends BoxTable {
  readonly area: Float64Array;
  readonly crowd: Uint8Array;
  readonly difficult: Uint8Array;
}

export interface DetectionTable extends BoxTable {
  readonly score: Float64Array;
}

/** Rows by class and image: those of group g = label · images + image are `order[starts[g]] … order[starts[g + 1] − 1]`. */
export interface Groups {
  readonly order: Int32Array;
  readonly starts: Int32Array;
}

/** Image index to rank. Throws RangeError where two images share an index. */
export function imageRanks(truth: EvaluationTruth): Map<number, number> {
  const indexes = truth.images.map(({ index }) => index).sort((a, b) => a - b);
  const ranks = new Map(indexes.map((index, rank) => [index, rank]));
  if (ranks.size !== indexes.length) throw new RangeError('two images of the ground truth have the same index');
  return ranks;
}

/** Throws RangeError for an object of an unknown image or class. */
export function objectTable(truth: EvaluationTruth, classes: number): ObjectTable {
  const ranks = imageRanks(truth);
  const { objects } = truth;
  const table = emptyTable(objects.length);
  const area = new Float64Array(objects.length);
  const crowd = new Uint8Array(objects.length);
  const difficult = new Uint8Array(objects.length);
  objects.forEach((object, row) => {
    fillRow(table, row, object, ranks, classes);
    area[row] = object.area;
    crowd[row] = object.crowd ? 1 : 0;
    difficult[row] = object.difficult ? 1 : 0;
  });
  return { ...table, area, crowd, difficult };
}

/** Throws RangeError for a detection of an unknown image or class. */
export function detectionTable(truth: EvaluationTruth, detections: readonly EvaluationDetection[], classes: number): DetectionTable {
  const ranks = imageRanks(truth);
  const table = emptyTable(detections.length);
  const score = new Float64Array(detections.length);
  detections.forEach((detection, row) => {
    fillRow(table, row, detection, ranks, classes);
    // A score that is not a number sorts last, as numpy does it.
    score[row] = Number.isNaN(detection.score) ? -Infinity : detection.score;
  });
  return { ...table, score };
}

/** Counting sort by image, then by class: stable, linear. */
export function groupRows(table: BoxTable, images: number, classes: number): Groups {
  const starts = new Int32Array(images * classes + 1);
  const group = (row: number): number => (table.label[row] ?? 0) * images + (table.image[row] ?? 0);
  for (let row = 0; row < table.length; row += 1) {
    const next = group(row) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let g = 1; g < starts.length; g += 1) starts[g] = (starts[g] ?? 0) + (starts[g - 1] ?? 0);
  const cursor = starts.slice();
  const order = new Int32Array(table.length);
  for (let row = 0; row < table.length; row += 1) {
    const g = group(row);
    const place = cursor[g] ?? 0;
    order[place] = row;
    cursor[g] = place + 1;
  }
  return { order, starts };
}

/** Sorts rows in place by falling score; equal scores keep their order. */
export function sortByScore(rows: Int32Array, score: Float64Array): Int32Array {
  return rows.length < 2 ? rows : rows.sort((a, b) => {
    const sa = score[a] ?? 0;
    const sb = score[b] ?? 0;
    return sa === sb ? 0 : sb > sa ? 1 : -1;
  });
}

function emptyTable(length: number): BoxTable {
  return { length, image: new Int32Array(length), label: new Int32Array(length), boxes: new Float64Array(4 * length) };
}

type Row = Pick<EvaluationDetection, 'image' | 'label' | 'box'>;

function fillRow(table: BoxTable, row: number, { image, label, box }: Row, ranks: ReadonlyMap<number, number>, classes: number): void {
  const rank = ranks.get(image);
  if (rank === undefined) throw new RangeError(`box ${row} belongs to image ${image}, which is not in the ground truth`);
  if (!Number.isInteger(label) || label < 0 || label >= classes) throw new RangeError(`box ${row} has label ${label}, there are ${classes} classes`);
  table.image[row] = rank;
  table.label[row] = label;
  const [x1, y1, x2, y2] = box;
  table.boxes[4 * row] = x1;
  table.boxes[4 * row + 1] = y1;
  table.boxes[4 * row + 2] = x2 - x1;
  table.boxes[4 * row + 3] = y2 - y1;
}
