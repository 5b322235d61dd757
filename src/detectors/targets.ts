/** What the loss is fed with, made from ground truth alone. Everything has a fixed shape and carries its normaliser within. */
import { type GroundTruth } from '../engine/boxes.ts';
import { float32, int32 } from '../engine/hostTensor.ts';
import { anchorAt, type AnchorGrid } from './anchors.ts';
import { encode } from './boxCoder.ts';
import { type Assignment, type Targets } from './detector.ts';

/**
 * How sums become averages. `batch` (MMDetection): / (Σ over images of max(1, positives) + 1.2e-7).
 * `image` (torchvision): each image / max(1, its positives), then the mean of the images.
 */
export type Averaging = 'batch' | 'image';

/** MMDetection adds the machine epsilon of float32 to every divisor. */
const EPSILON = 2 ** -23;

/**
 * @returns tensors `labels` [N, M] int32 (class of positives, −1 elsewhere), `classWeights` [N, M] (0 where ignored),
 * `boxTargets` [N, M, 4], `boxWeights` [N, M] (0 but for positives); M anchors in flat order
 */
export function createTargets(grid: AnchorGrid, truth: readonly GroundTruth[], assignments: readonly Assignment[], averaging: Averaging): Targets {
  const positives = assignments.map((assignment) => assignment.reduce((count, object) => (object > 0 ? count + 1 : count), 0));
  const total = positives.reduce((sum, count) => sum + Math.max(1, count), 0) + EPSILON;
  const shape = [truth.length, grid.count];
  const labels = int32(shape);
  const [classWeights, boxWeights] = [float32(shape), float32(shape)];
  const boxTargets = float32([...shape, 4]);
  labels.data.fill(-1);
  for (const [image, assignment] of assignments.entries()) {
    const weight = averaging === 'batch' ? 1 / total : 1 / (Math.max(1, positives[image] ?? 0) * truth.length);
    const first = image * grid.count;
    for (let anchor = 0; anchor < grid.count; anchor += 1) {
      const object = assignment[anchor] ?? 0;
      if (object < 0) continue;
      classWeights.data[first + anchor] = weight;
      if (object === 0) continue;
      const box = truth[image]?.boxes[object - 1];
      if (box === undefined) throw new RangeError(`image ${image} has no object ${object}`);
      labels.data[first + anchor] = truth[image]?.labels[object - 1] ?? -1;
      boxWeights.data[first + anchor] = weight;
      boxTargets.data.set(encode(anchorAt(grid, anchor), box), (first + anchor) * 4);
    }
  }
  return { tensors: { labels, classWeights, boxTargets, boxWeights }, assignments };
}
