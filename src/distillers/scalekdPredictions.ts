/** ScaleKD's imitation of predictions: classes everywhere, boxes where an object is. */
import * as tf from '@tensorflow/tfjs';
import { type DetectorTraits, type HeadOutputs } from '../detectors/detector.ts';
import { float32, type HostTensors } from '../engine/hostTensor.ts';
import { absolute } from '../engine/ops/absolute.ts';
import { gapEntropy } from '../engine/ops/gapEntropy.ts';
import { detached } from '../engine/ops/gradient.ts';
import { boxOverlap } from '../engine/ops/iou.ts';
import { asCandidates, codingOf } from './shared/assigned.ts';
import { type BatchTruth, type Inputs } from './distiller.ts';
import { at, fed } from './shared/maps.ts';

/** A side that a distance is divided by is a pixel at least. */
const LEAST_SIDE = 1;
/** Power of the gap that a class difference is weighed by. */
const BETA = 2;

/** Over foreground candidates n of the batch: `counted` [N, A] = 1/n, 0 where ignored; `foreground` [N, A] = 1/n; `perSide` [N, A, 4] = 1 / sides of the object. */
export function predictionInputs({ truth, assignments }: BatchTruth): HostTensors {
  const shape = [assignments.length, assignments[0]?.length ?? 0];
  const all = assignments.flatMap((objects) => [...objects]);
  const share = 1 / Math.max(1, all.filter((object) => object > 0).length);
  const perSide = assignments.flatMap((objects, image) => [...objects].flatMap((object) => {
    const [x1, y1, x2, y2] = object > 0 ? at(at(truth, image).boxes, object - 1) : [0, 0, 1, 1];
    const [across, down] = [1 / Math.max(x2 - x1, LEAST_SIDE), 1 / Math.max(y2 - y1, LEAST_SIDE)];
    return [across, down, across, down];
  }));
  return {
    counted: float32(shape, Float32Array.from(all, (object) => (object >= 0 ? share : 0))), foreground: float32(shape, Float32Array.from(all, (object) => (object > 0 ? share : 0))),
    perSide: float32([...shape, 4], Float32Array.from(perSide)),
  };
}

export interface Predictions {
  /** [N, A, K]. */
  readonly logits: tf.Tensor3D;
  /** Corners in input pixels, [N, A, 4]. */
  readonly boxes: tf.Tensor3D;
}

export function predictionsOf({ logits, regression }: HeadOutputs, traits: DetectorTraits, size: readonly [number, number]): Predictions {
  const coding = codingOf(traits);
  return { logits: tf.concat(logits.map((map) => asCandidates(map, traits.classes.length)), 1), boxes: tf.concat(regression.map((map, level) => coding.decode(map, level, size)), 1) };
}

/** @param target gets no gradient */
export function imitation(own: Predictions, target: Predictions, inputs: Inputs): { classification: tf.Scalar; box: tf.Scalar } {
  const probabilities = detached(() => tf.sigmoid(target.logits));
  const boxes = detached(() => tf.clone(target.boxes));
  const classes = tf.sum(gapEntropy(own.logits, probabilities, { beta: BETA }), 2);
  const distance = tf.mean(tf.mul(absolute(tf.sub(own.boxes, boxes)), fed(inputs, 'perSide')), 2);
  const apart = tf.add(distance, tf.sub(1, boxOverlap(own.boxes, boxes).giou));
  return { classification: tf.sum(tf.mul(classes, fed(inputs, 'counted'))), box: tf.sum(tf.mul(apart, fed(inputs, 'foreground'))) };
}
