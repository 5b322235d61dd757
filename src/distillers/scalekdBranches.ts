/** ScaleKD's scale-decoupled features: a map seen through windows of several dilations. */
import * as tf from '@tensorflow/tfjs';
import { relu } from '../engine/layers/activation.ts';
import { type Layer } from '../engine/layers/conv.ts';
import { pytorchBias, pytorchDefault } from '../engine/layers/init.ts';
import { detached } from '../engine/ops/gradient.ts';
import { dilated } from '../engine/ops/dilated.ts';
import { sumOfSquares } from '../engine/ops/squares.ts';
import { type Parameters } from '../engine/parameters.ts';
import { alignment } from './shared/align.ts';
import { at } from './shared/maps.ts';

/** A 3×3 window without padding. */
export type Window = (x: tf.Tensor4D) => tf.Tensor4D;

/** Each channel by itself, all nine taps alike; nothing to learn. */
export const averageWindow: Window = (x) => tf.avgPool(x, 3, 1, 'valid');

/** ReLU of what the window sees at each dilation. */
export function branchesOf(map: tf.Tensor4D, dilations: readonly number[], window: Window): tf.Tensor4D[] {
  return dilations.map((rate) => relu(dilated(map, rate, window)));
}

/** A_k S_k of each branch, [N, H, W, C of the teacher]. */
export type StudentBranches = (map: tf.Tensor4D) => tf.Tensor4D[];

/** One window, shared by the branches, and a 1×1 convolution of each. */
export function studentBranches(parameters: Parameters, name: string, dilations: readonly number[], from: number, to: number): StudentBranches {
  const weight = parameters.create(`${name}.window.weight`, [3, 3, from, from], pytorchDefault, { layout: 'convolution' }) as unknown as tf.Tensor4D;
  const bias = parameters.create(`${name}.window.bias`, [from], pytorchBias(9 * from));
  const aligns: Layer[] = dilations.map((_, branch) => alignment(parameters, `${name}.align${branch}`, from, to));
  return (map) => branchesOf(map, dilations, (x) => tf.add(tf.conv2d(x, weight, 1, 'valid'), bias)).map((branch, index) => at(aligns, index)(branch));
}

/** Σ_k weight_k · mean (A_k S_k − T_k)². @param weights in the branches' order; the last counts for those beyond */
export function branchLoss(student: readonly tf.Tensor4D[], teacher: readonly tf.Tensor4D[], weights: readonly number[]): tf.Scalar {
  return tf.addN(student.map((branch, index) => {
    const target = detached(() => tf.clone(at(teacher, index)));
    return tf.mul<tf.Scalar>(sumOfSquares(tf.sub(branch, target)), at(weights, Math.min(index, weights.length - 1)) / branch.size);
  }));
}
