/** The student's label assignment and its candidates (anchors or points), level by level: what losses on predictions weigh with. */
import * as tf from '@tensorflow/tfjs';
import { type Assignment, type BoxCoding } from '../../detectors/detector.ts';
import { at, type MapLevel } from './maps.ts';

/** MMDetection adds the machine epsilon of float32 to every divisor. */
export const DIVISOR_EPSILON = 2 ** -23;

export interface AssignedLevel {
  readonly level: MapLevel;
  /** Candidates of one image: cells · anchors. */
  readonly width: number;
  /** The object of each candidate as in `Assignment`, [N · width]. */
  readonly objects: Int32Array;
}

export function assignedLevels(assignments: readonly Assignment[], levels: readonly MapLevel[], anchorsPerCell: number): AssignedLevel[] {
  const candidates = levels.reduce((sum, { places }) => sum + places * anchorsPerCell, 0);
  const wrong = assignments.find(({ length }) => length !== candidates);
  if (wrong !== undefined) throw new RangeError(`${wrong.length} assigned candidates, ${candidates} predicted`);
  let offset = 0;
  return levels.map((level) => {
    const width = level.places * anchorsPerCell;
    const objects = new Int32Array(assignments.length * width);
    assignments.forEach((assigned, image) => { objects.set(assigned.subarray(offset, offset + width), image * width); });
    offset += width;
    return { level, width, objects };
  });
}

export function isPositive(object: number): boolean {
  return object > 0;
}

/** What dense detectors average their losses by: Σ over images of max(1, positives of the image). */
export function positivesByImage(assignments: readonly Assignment[]): number {
  return assignments.reduce((sum, assigned) => sum + Math.max(1, assigned.filter(isPositive).length), 0);
}

/** 1 where a candidate counts (positive or background), 0 where it is ignored or outside. */
export function countedCandidates({ objects }: AssignedLevel): Float32Array {
  return Float32Array.from(objects, (object) => (object < 0 ? 0 : 1));
}

/** [N, H, W, A·D] → [N, H·W·A, D], candidates in the order of `Assignment`. */
export function asCandidates(map: tf.Tensor4D, depth: number): tf.Tensor3D {
  return tf.reshape(map, [map.shape[0], map.size / map.shape[0] / depth, depth]);
}

/** The largest value among a cell's anchors, for pictures. @param values [N, H·W·A] @returns [N, H, W] */
export function bestOfCell(values: tf.Tensor, { rows, columns, places }: MapLevel): tf.Tensor3D {
  const batch = values.shape[0];
  return tf.max(tf.reshape(values, [batch, rows, columns, values.size / batch / places]), 3);
}

/** Where candidates sit, x and y in input pixels, [P, 2]: points, or centres of anchors. */
export function candidateCentres(coding: BoxCoding, size: readonly [number, number]): Float64Array {
  if (coding.form === 'distances') return Float64Array.from(coding.points(size));
  const corners = coding.anchors(size);
  return Float64Array.from({ length: corners.length / 2 }, (_, index) => {
    const first = Math.floor(index / 2) * 4 + (index % 2);
    return ((corners[first] ?? 0) + (corners[first + 2] ?? 0)) / 2;
  });
}

/** The coding of a network that was checked to have one. */
export function codingOf({ boxCoding }: { readonly boxCoding?: BoxCoding }): BoxCoding {
  if (boxCoding === undefined) throw new Error('the method compares boxes and the detector has no coding of them');
  return boxCoding;
}

/** Numbers that a candidate's box is written with. */
export function codingDepth(coding: BoxCoding): number {
  return coding.form === 'distribution' ? 4 * coding.bins : 4;
}

/** Units in which a level's boxes are compared: strides where distances are counted in them, else pixels. */
export function comparisonScale(coding: BoxCoding, levels: readonly { readonly stride: number }[], level: number): number {
  return coding.form === 'distribution' ? 1 / at(levels, level).stride : 1;
}
