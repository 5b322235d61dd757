/** A method with one of several teachers. */
import * as tf from '@tensorflow/tfjs';
import { type Distiller } from '../distillers/distiller.ts';

/** The same method under another name, with a part of its loss. @param share factor of all parts */
export function withShare(distiller: Distiller, id: string, share: number): Distiller {
  return {
    ...distiller,
    id,
    loss: (...given) => Object.fromEntries(Object.entries(distiller.loss(...given)).map(([part, value]) => [part, tf.mul<tf.Scalar>(value, share)])),
  };
}
