/** A two-stage detector's box head, attached to a dense student while it trains: two layers over pooled regions, classes and deltas. */
import * as tf from '@tensorflow/tfjs';
import { boxLoss } from '../../detectors/losses.ts';
import { type DetectorOutputs } from '../../detectors/detector.ts';
import { relu } from '../../engine/layers/activation.ts';
import { normal, xavierUniform, zeros } from '../../engine/layers/init.ts';
import { linear, type RowLayer } from '../../engine/layers/linear.ts';
import { oneHot } from '../../engine/ops/oneHot.ts';
import { pickRows } from '../../engine/ops/pick.ts';
import { type Parameters } from '../../engine/parameters.ts';
import { type Check } from './pairing.ts';
import { DistillError } from '../../errors.ts';
import { hardClassLoss } from '../chenRows.ts';
import { asPlaces, at, fed } from './maps.ts';
import { type Inputs } from '../distiller.ts';

/** What two layers make of regions, each after its rectifier, [R, hidden]. */
export interface RegionFeatures {
  readonly first: tf.Tensor2D;
  readonly second: tf.Tensor2D;
}

/** @param inputs values of a pooled region: output · output · channels */
export function regionLayers(parameters: Parameters, name: string, inputs: number, hidden: number): (regions: tf.Tensor4D) => RegionFeatures {
  const layer = (index: number, from: number): RowLayer => linear(parameters, `${name}.fc${index}`, { in: from, out: hidden, init: xavierUniform, biasInit: zeros });
  const [fc1, fc2] = [layer(1, inputs), layer(2, hidden)];
  return (regions) => {
    const first = relu(fc1(tf.reshape(regions, [-1, inputs])) as tf.Tensor2D);
    return { first, second: relu(fc2(first) as tf.Tensor2D) };
  };
}

/** Classes with background last, [R, K + 1], and deltas of each class, [R, 4 · K]. */
export interface BoxOutputs {
  readonly classes: RowLayer;
  readonly deltas: RowLayer;
}

export function boxOutputs(parameters: Parameters, name: string, hidden: number, classes: number): BoxOutputs {
  return {
    classes: linear(parameters, `${name}.cls`, { in: hidden, out: classes + 1, init: normal(0.01), biasInit: zeros }),
    deltas: linear(parameters, `${name}.reg`, { in: hidden, out: 4 * classes, init: normal(0.001), biasInit: zeros }),
  };
}

/**
 * The head's own losses over sampled regions: cross entropy, and the box loss of positives at their class, both divided by all regions.
 * @param kind `l1` (MMDetection) or `smoothL1`
 */
export function boxHeadLosses(logits: tf.Tensor2D, deltas: tf.Tensor2D, classes: number, kind: 'l1' | 'smoothL1', inputs: Inputs): { readonly classes: tf.Scalar; readonly boxes: tf.Scalar } {
  const labels = fed(inputs, 'labels') as tf.Tensor1D;
  const chosen = tf.mul(tf.reshape<tf.Rank.R3>(deltas, [deltas.shape[0], classes, 4]), tf.expandDims(oneHot(labels, classes), 2));
  return {
    classes: hardClassLoss({ student: logits, labels, weights: fed(inputs, 'rows') as tf.Tensor1D }),
    boxes: boxLoss(kind, tf.sum<tf.Tensor2D>(chosen, 1), fed(inputs, 'targets') as tf.Tensor2D, fed(inputs, 'objects') as tf.Tensor1D),
  };
}

/** What a tower's last block holds, after its activation, at the cell of each region, [R, C]. */
export function towerRows(tower: DetectorOutputs['towers']['classification'], inputs: Inputs): tf.Tensor2D {
  return rowsAtCells(tower.map((blocks) => relu(at(blocks, blocks.length - 1))), inputs);
}

/** Vectors of maps at the cell of each region, [R, C]; any cell where a region has none. @param maps by level */
export function rowsAtCells(maps: readonly tf.Tensor4D[], inputs: Inputs): tf.Tensor2D {
  const all = tf.concat(maps.map(asPlaces), 1);
  return pickRows(tf.reshape(all, [all.shape[0] * all.shape[1], all.shape[2]]), fed(inputs, 'cells') as tf.Tensor2D);
}

/** There must be something in the tower to learn from the attached head. */
export const hasTowers: Check = (_, student) => (student.towers?.blocks ?? 0) > 0 ? undefined : new DistillError(
  'DL584', 'The method teaches the towers of the student\'s head, which has none.', { expected: '`head.convs` of 1 or more', got: '0', advice: 'Raise `student.head.convs`.' },
);
