/**
 * Softmax and divergence over groups of unequal size that lie scattered in one long vector (all candidates of an object among
 * all anchors of a batch). Shapes depend on the vector's length alone, so no number of groups or members can overflow them.
 */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Who belongs where, for a vector of M slots. */
export interface Groups {
  /** int32 [M, 1]: the group of each slot, 0…M−1; M for a slot outside all groups. */
  readonly group: tf.Tensor2D;
  /** [M]: 1 / number of members of the slot's group; 1 outside. */
  readonly share: tf.Tensor1D;
  /** [M]: what the group's divergence counts, the same for all its members; 0 outside all groups. */
  readonly weight: tf.Tensor1D;
}

/** Each slot gets the mean of its group. */
function groupMean(values: tf.Tensor1D, { group, share }: Groups): tf.Tensor1D {
  const means = tf.scatterND(group, tf.mul(values, share), [share.size + 1]);
  return tf.gatherND(means, group) as tf.Tensor1D;
}

/** Keeps a logarithm finite where exp has underflowed. */
const TINY = 1e-37;

function logGroupMeanExp(values: tf.Tensor1D, groups: Groups): tf.Tensor1D {
  return tf.log(tf.maximum<tf.Tensor1D>(groupMean(tf.exp(values), groups), TINY));
}

/**
 * log(n · softmax) within each group of n members; 0 outside all groups (not differentiable by itself).
 *
 * TensorFlow.js has no maximum by group to subtract. A soft one stands in: 8 · log mean exp(x / 8) lies at most 8 · log n below the
 * maximum, so nothing overflows up to n = 50,000, and scores may differ by hundreds. Means instead of sums keep every
 * number near 0 where scores are nearly equal, which is where precision counts.
 */
export function groupLogSoftmax(scores: tf.Tensor1D, groups: Groups): tf.Tensor1D {
  const inside = tf.greater(groups.weight, 0);
  const finite = tf.where(inside, scores, tf.zerosLike(scores));
  const below = tf.sub<tf.Tensor1D>(finite, tf.max(finite));
  const centred = tf.sub<tf.Tensor1D>(below, tf.mul(logGroupMeanExp(tf.mul<tf.Tensor1D>(below, 1 / 8), groups), 8));
  const result = tf.sub<tf.Tensor1D>(centred, logGroupMeanExp(centred, groups));
  return tf.where(inside, result, tf.zerosLike(scores));
}

/** The softmax itself, 0 outside all groups. */
export function groupSoftmax(logSoftmax: tf.Tensor1D, { share, weight }: Groups): tf.Tensor1D {
  return tf.where(tf.greater(weight, 0), tf.mul<tf.Tensor1D>(tf.exp(logSoftmax), share), tf.zerosLike(share));
}

/**
 * Σ over groups of weight · KL(p ‖ softmax(scores)); the gradient of a score is weight · (q − p).
 * @param target log(n · p) as `groupLogSoftmax` gives it; gets no gradient.
 */
export function groupDivergence(scores: tf.Tensor1D, target: tf.Tensor1D, groups: Groups): tf.Scalar {
  return withGradient([scores], () => {
    const own = groupLogSoftmax(scores, groups);
    const p = groupSoftmax(target, groups);
    const value = tf.sum<tf.Scalar>(tf.mul(groups.weight, tf.mul(p, tf.sub(target, own))));
    return { value, saved: [tf.mul(groups.weight, tf.sub(groupSoftmax(own, groups), p))] };
  }, (gradient, [slope]) => [tf.mul(gradient, slope as tf.Tensor1D)]);
}

/** Slots in order of group, within a group by falling score; int32 [M, 1]. Equal scores keep their order. */
export function slotsByRank(scores: tf.Tensor1D, { group, share }: Groups): tf.Tensor2D {
  const count = share.size;
  const byScore = tf.reshape(tf.topk(scores, count).indices, [count, 1]);
  const groupsByScore = tf.gatherND(tf.cast(tf.reshape(group, [count]), 'float32'), byScore);
  const byGroup = tf.reshape(tf.topk(tf.neg(groupsByScore), count).indices, [count, 1]);
  return tf.reshape(tf.gatherND(tf.reshape(byScore, [count]), byGroup), [count, 1]);
}

/** Place of each slot in the order of `slotsByRank`, from 0: within a group places differ as ranks do. [M]. */
export function slotRanks(scores: tf.Tensor1D, groups: Groups): tf.Tensor1D {
  return tf.scatterND(slotsByRank(scores, groups), tf.range(0, scores.size), [scores.size]);
}

/** Moves values so that the k-th best of each group by `from` comes where the k-th best by `to` stands. */
export function matchRanks(values: tf.Tensor1D, from: tf.Tensor1D, to: tf.Tensor1D, groups: Groups): tf.Tensor1D {
  const taken = tf.gatherND(values, slotsByRank(from, groups));
  return tf.scatterND(slotsByRank(to, groups), taken, [values.size]);
}
