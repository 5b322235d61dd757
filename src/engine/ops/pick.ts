import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/**
 * Values of x at flat indexes, which must all differ: then the gradient is a plain scatter, the same on every backend and thread.
 * (`tf.gather` reads its indexes on the host in tfjs-node and so cannot be captured; `tf.gatherND` has no gradient.)
 * @param indexes int32 [M, 1]. @returns [M].
 */
export function pick(x: tf.Tensor, indexes: tf.Tensor2D): tf.Tensor1D {
  return withGradient([x], () => ({ value: tf.gatherND(tf.reshape(x, [x.size]), indexes) as tf.Tensor1D, saved: [indexes] }),
    (gradient, [kept]) => [tf.reshape<tf.Rank>(tf.scatterND(kept as tf.Tensor2D, gradient, [x.size]), x.shape)]);
}

/**
 * Rows of x [M, D]; an index may come more than once, its gradients then are summed.
 * @param indexes int32 [R, 1]. @returns [R, D].
 */
export function pickRows(x: tf.Tensor2D, indexes: tf.Tensor2D): tf.Tensor2D {
  return withGradient([x], () => ({ value: tf.gatherND(x, indexes) as tf.Tensor2D, saved: [indexes] }),
    (gradient, [kept]) => [tf.scatterND(kept as tf.Tensor2D, gradient, x.shape)]);
}
