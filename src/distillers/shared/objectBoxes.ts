/** Every candidate with its decoded box and the box of the object that it serves. */
import * as tf from '@tensorflow/tfjs';
import { type BoxCoding } from '../../detectors/detector.ts';
import { float32, type HostTensors } from '../../engine/hostTensor.ts';
import { type BatchTruth } from '../distiller.ts';
import { at } from './maps.ts';

/** A box of each slot, [N, A, 4]: that of its object; outside the candidates a unit box, so that no quotient is 0 / 0. */
export function objectBoxInputs({ truth, assignments }: BatchTruth): HostTensors {
  const anchors = at(assignments, 0).length;
  const boxes = new Float32Array(truth.length * anchors * 4);
  truth.forEach((image, index) => {
    at(assignments, index).forEach((object, slot) => {
      boxes.set(object > 0 ? at(image.boxes, object - 1) : [0, 0, 1, 1], (index * anchors + slot) * 4);
    });
  });
  return { boxes: float32([truth.length, anchors, 4], boxes) };
}

/** @param regression by level @returns corners [N, all anchors, 4] */
export function decodeBoxes(regression: readonly tf.Tensor4D[], coding: BoxCoding, inputSize: readonly [number, number]): tf.Tensor3D {
  return tf.concat(regression.map((map, level) => coding.decode(map, level, inputSize)), 1);
}
