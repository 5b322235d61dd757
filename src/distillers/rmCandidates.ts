/** RM's candidates: which anchors serve which object, as inputs whose shapes depend on the number of anchors alone. */
import type * as tf from '@tensorflow/tfjs';
import { float32, int32, type HostTensors } from '../engine/hostTensor.ts';
import { type Groups } from '../engine/ops/groups.ts';
import { type BatchTruth, type Inputs } from './distiller.ts';
import { at, fed, type MapLevel } from './shared/maps.ts';

/** How an object's divergence counts: `image` 1 / (N · objects of its image), `batch` 1 / objects of the batch. */
export type Reduction = 'image' | 'batch';

export interface Layout {
  readonly levels: readonly MapLevel[];
  readonly anchorsPerCell: number;
  readonly classes: number;
}

/**
 * Slots are all anchors of the batch: image, level, row, column, anchor.
 * - `group` int32 [M, 1], `share` [M], `weight` [M]: see `Groups`. An object is a group if it has candidates.
 * - `score.<level>` int32 [N · cells · anchors, 1]: where the slot's score (that of its object's class) lies in the level's logits.
 */
export function candidateInputs({ truth, assignments }: BatchTruth, { levels, anchorsPerCell, classes }: Layout, reduction: Reduction): HostTensors {
  const slots = levels.reduce((sum, { places }) => sum + places * anchorsPerCell, 0);
  const total = truth.length * slots;
  const group = new Int32Array(total).fill(total);
  const share = new Float32Array(total).fill(1);
  const weight = new Float32Array(total);
  const allObjects = truth.reduce((sum, { boxes }) => sum + boxes.length, 0);
  let first = 0;
  truth.forEach(({ boxes }, image) => {
    const assigned = at(assignments, image);
    if (assigned.length !== slots) throw new RangeError(`image ${image}: ${assigned.length} assigned candidates, ${slots} anchors`);
    const counts = countMembers(assigned, boxes.length);
    const counted = 1 / (reduction === 'image' ? truth.length * Math.max(1, boxes.length) : Math.max(1, allObjects));
    const ids = numberGroups(counts, first);
    first += counts.filter((count) => count > 0).length;
    assigned.forEach((object, slot) => {
      if (object < 1) return;
      group[image * slots + slot] = at(ids, object - 1);
      share[image * slots + slot] = 1 / at(counts, object - 1);
      weight[image * slots + slot] = counted;
    });
  });
  return {
    group: int32([total, 1], group), share: float32([total], share), weight: float32([total], weight),
    ...scoreIndexes({ truth, assignments }, { levels, anchorsPerCell, classes }),
  };
}

export function candidateGroups(inputs: Inputs): Groups {
  return { group: fed(inputs, 'group') as tf.Tensor2D, share: fed(inputs, 'share') as tf.Tensor1D, weight: fed(inputs, 'weight') as tf.Tensor1D };
}

/** Number of candidates of each object. */
function countMembers(assigned: Int32Array, objects: number): number[] {
  const counts = new Array<number>(objects).fill(0);
  for (const object of assigned) {
    if (object > objects) throw new RangeError(`a candidate is assigned to object ${object} of ${objects}`);
    if (object > 0) counts[object - 1] = at(counts, object - 1) + 1;
  }
  return counts;
}

/** Objects without candidates get no number, so that numbers never exceed the slots. */
function numberGroups(counts: readonly number[], first: number): number[] {
  let next = first;
  return counts.map((count) => (count > 0 ? next++ : -1));
}

export function scoreIndexes({ truth, assignments }: Pick<BatchTruth, 'truth' | 'assignments'>, { levels, anchorsPerCell, classes }: Layout): HostTensors {
  let offset = 0;
  const result: Record<string, HostTensors[string]> = {};
  for (const { name, places } of levels) {
    const width = places * anchorsPerCell;
    const indexes = new Int32Array(truth.length * width);
    truth.forEach(({ labels }, image) => {
      const assigned = at(assignments, image).subarray(offset, offset + width);
      assigned.forEach((object, slot) => {
        const label = object > 0 ? at(labels, object - 1) : 0;
        if (label >= classes) throw new RangeError(`label ${label} of ${classes} classes`);
        indexes[image * width + slot] = (image * width + slot) * classes + label;
      });
    });
    result[`score.${name}`] = int32([indexes.length, 1], indexes);
    offset += width;
  }
  return result;
}
