/** Pictures of RM by object: the candidate that each network ranks first, and how far the two rankings agree. */
import * as tf from '@tensorflow/tfjs';
import { float32, int32, type HostTensors } from '../engine/hostTensor.ts';
import { slotRanks, slotsByRank, type Groups } from '../engine/ops/groups.ts';
import { type BatchTruth, type Inputs, type Picture } from './distiller.ts';
import { at, fed } from './shared/maps.ts';

/** Objects of an image that are drawn. */
const MOST_OBJECTS = 24;

/**
 * Rows are the first objects of each image, [N, MOST_OBJECTS].
 * - `object.group` int32 [rows, 1]: the object's group of candidates, numbered as in `candidateInputs`; M where there is none.
 * - `object.first` int32 [rows, 1]: where the group begins when all candidates stand in order of group and rank.
 * - `object.scale` [rows]: 6 / (n (n² − 1)) of Spearman's formula; 0 for objects with fewer than two candidates.
 * - `object.box` [rows, 4]: the object's own box, 0 0 0 0 where there is none.
 */
export function objectInputs({ truth, assignments }: BatchTruth): HostTensors {
  const rows = truth.length * MOST_OBJECTS;
  const slots = truth.length * at(assignments, 0).length;
  const [group, first, scale, box] = [new Int32Array(rows).fill(slots), new Int32Array(rows), new Float32Array(rows), new Float32Array(rows * 4)];
  let [groups, place] = [0, 0];
  truth.forEach(({ boxes }, image) => {
    const counts = new Array<number>(boxes.length).fill(0);
    for (const object of at(assignments, image)) if (object > 0) counts[object - 1] = (counts[object - 1] ?? 0) + 1;
    counts.forEach((count, object) => {
      if (count === 0) return;
      if (object < MOST_OBJECTS) {
        const row = image * MOST_OBJECTS + object;
        group[row] = groups;
        first[row] = place;
        scale[row] = count > 1 ? 6 / (count * (count ** 2 - 1)) : 0;
        box.set(at(boxes, object), row * 4);
      }
      groups += 1;
      place += count;
    });
  });
  return { 'object.group': int32([rows, 1], group), 'object.first': int32([rows, 1], first), 'object.scale': float32([rows], scale), 'object.box': float32([rows, 4], box) };
}

/** Rows with their value as the fifth number; rows that do not count become 0 0 0 0 0, which is no box. */
function boxRows(boxes: tf.Tensor2D, values: tf.Tensor1D, counts: tf.Tensor1D): tf.Tensor3D {
  const rows = tf.concat([boxes, tf.reshape<tf.Rank.R2>(values, [values.size, 1])], 1);
  const kept = tf.where(tf.tile(tf.reshape(counts, [values.size, 1]), [1, 5]), rows, tf.zerosLike(rows));
  return tf.reshape(kept, [values.size / MOST_OBJECTS, MOST_OBJECTS, 5]);
}

/**
 * The first of each ranking.
 * @param scores [M] what is ranked @param boxes decoded, [N, slots, 4] @param shown [M] the value that its colour stands for
 */
export function topBoxes(role: Picture['role'], scores: tf.Tensor1D, boxes: tf.Tensor3D, shown: tf.Tensor1D, groups: Groups, inputs: Inputs): Picture {
  const slot = tf.gatherND(slotsByRank(scores, groups), fed(inputs, 'object.first')) as tf.Tensor2D;
  const chosen = tf.gatherND(tf.reshape(boxes, [shown.size, 4]), slot) as tf.Tensor2D;
  const counts = tf.less<tf.Tensor1D>(tf.reshape(fed(inputs, 'object.group'), [-1]), shown.size);
  return { kind: 'topBox', role, level: 'all', values: boxRows(chosen, tf.gatherND(shown, slot) as tf.Tensor1D, counts) };
}

/** Spearman's correlation 1 − 6 Σ d² / (n (n² − 1)), where d is how many places apart the networks rank a candidate. */
export function rankAgreement(student: tf.Tensor1D, teacher: tf.Tensor1D, groups: Groups, inputs: Inputs): Picture {
  const apart = tf.square(tf.sub(slotRanks(student, groups), slotRanks(teacher, groups)));
  const sums = tf.scatterND(groups.group, apart, [student.size + 1]);
  const scale = fed(inputs, 'object.scale') as tf.Tensor1D;
  const agreement = tf.sub<tf.Tensor1D>(1, tf.mul(tf.gatherND(sums, fed(inputs, 'object.group')), scale));
  return { kind: 'agreement', role: 'shared', level: 'all', values: boxRows(fed(inputs, 'object.box') as tf.Tensor2D, agreement, tf.greater(scale, 0)) };
}
