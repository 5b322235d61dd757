/** What the losses are fed with, made from ground truth alone. Everything has a fixed shape and carries its normaliser within. */
import { type Box, type GroundTruth } from '../engine/boxes.ts';
import { float32, int32, type HostTensor } from '../engine/hostTensor.ts';
import { anchorAt, type AnchorGrid } from './anchors.ts';
import { encode } from './boxCoder.ts';
import { type Assignment, type Targets } from './detector.ts';

/**
 * How sums become averages. `batch` (MMDetection): / (Σ over images of max(1, positives) + 1.2e-7).
 * `image` (torchvision): each image / max(1, its positives), then the mean of the images.
 */
export type Averaging = 'batch' | 'image';

/** MMDetection adds the machine epsilon of float32 to every divisor. */
export const EPSILON = 2 ** -23;

/** A candidate that serves an object. */
export interface Positive {
  /** Place in tensors [N, M]. */
  readonly place: number;
  /** Flat index in its image. */
  readonly index: number;
  readonly box: Box;
}

export interface ClassTargets {
  /** [N, M] int32: class of positives, −1 elsewhere. */
  readonly labels: HostTensor;
  /** [N, M]: 0 where ignored. */
  readonly classWeights: HostTensor;
  readonly positives: readonly Positive[];
}

export function countPositives(assignment: Assignment): number {
  return assignment.reduce((count, object) => (object > 0 ? count + 1 : count), 0);
}

/** MMDetection's divisor: Σ over images of max(1, positives), with its epsilon. */
export function positivesByImage(assignments: readonly Assignment[]): number {
  return assignments.reduce((sum, assignment) => sum + Math.max(1, countPositives(assignment)), 0) + EPSILON;
}

/** @param weightOf an image's candidates in the classification loss */
export function classTargets(count: number, truth: readonly GroundTruth[], assignments: readonly Assignment[], weightOf: (image: number) => number): ClassTargets {
  const shape = [truth.length, count];
  const [labels, classWeights] = [int32(shape), float32(shape)];
  const positives: Positive[] = [];
  labels.data.fill(-1);
  for (const [image, assignment] of assignments.entries()) {
    const weight = weightOf(image);
    for (let index = 0; index < count; index += 1) {
      const object = assignment[index] ?? 0;
      if (object < 0) continue;
      const place = image * count + index;
      classWeights.data[place] = weight;
      if (object === 0) continue;
      const box = truth[image]?.boxes[object - 1];
      if (box === undefined) throw new RangeError(`image ${image} has no object ${object}`);
      labels.data[place] = truth[image]?.labels[object - 1] ?? -1;
      positives.push({ place, index, box });
    }
  }
  return { labels, classWeights, positives };
}

/**
 * RetinaNet's.
 * @returns tensors `labels`, `classWeights` [N, M], `boxTargets` [N, M, 4] deltas, `boxWeights` [N, M] (0 but for positives); M anchors in flat order
 */
export function createTargets(grid: AnchorGrid, truth: readonly GroundTruth[], assignments: readonly Assignment[], averaging: Averaging): Targets {
  const total = positivesByImage(assignments);
  const weightOf = (image: number): number => (averaging === 'batch' ? 1 / total : 1 / (Math.max(1, countPositives(assignments[image] ?? new Int32Array())) * truth.length));
  const { labels, classWeights, positives } = classTargets(grid.count, truth, assignments, weightOf);
  const boxWeights = float32(labels.shape);
  const boxTargets = float32([...labels.shape, 4]);
  for (const { place, index, box } of positives) {
    boxWeights.data[place] = classWeights.data[place] ?? 0;
    boxTargets.data.set(encode(anchorAt(grid, index), box), place * 4);
  }
  return { tensors: { labels, classWeights, boxTargets, boxWeights }, assignments };
}
