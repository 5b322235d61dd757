/** Sums and means of squares whose backward pass is one multiplication instead of tfjs's tiling, casting and doubling. */
import * as tf from '@tensorflow/tfjs';
import { withGradient } from './gradient.ts';

/** Σ x², a scalar. */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  return withGradient([x], () => ({ value: tf.sum<tf.Scalar>(tf.square(x)), saved: [x] }),
    (gradient, [kept]) => [tf.mul(kept as tf.Tensor, tf.mul(gradient, 2))]);
}

/** Σ_c x²·weight[n, c] for x [N, P, C] and weight [N, C], which gets no gradient. @returns [N, P]. */
export function weightedSquares(x: tf.Tensor3D, weight: tf.Tensor2D): tf.Tensor2D {
  const [batch, places, channels] = x.shape;
  return withGradient([x], () => {
    const column = tf.reshape(weight, [batch, channels, 1]);
    return { value: tf.reshape<tf.Rank.R2>(tf.matMul(tf.square(x), column), [batch, places]), saved: [x, weight] };
  }, (gradient, [kept, weights]) => {
    const outer = tf.matMul(tf.reshape(tf.mul(gradient, 2), [batch, places, 1]), tf.reshape(weights as tf.Tensor2D, [batch, 1, channels]));
    return [tf.mul(kept as tf.Tensor3D, outer)];
  });
}

/** Mean over the last dimension of x². */
export function meanSquare(x: tf.Tensor): tf.Tensor {
  const width = x.shape.at(-1) ?? 1;
  return withGradient([x], () => ({ value: tf.mean(tf.square(x), -1), saved: [x] }),
    (gradient, [kept]) => [tf.mul(kept as tf.Tensor, tf.expandDims(tf.mul(gradient, 2 / width), -1))]);
}

/** Length of each row of x [N, P], [N]; its gradient is 0 where the row is, not infinite. */
export function rowNorms(x: tf.Tensor2D): tf.Tensor1D {
  return withGradient([x], () => {
    const value = tf.sqrt(tf.sum<tf.Tensor1D>(tf.square(x), 1));
    return { value, saved: [x, value] };
  }, (gradient, [kept, norms]) => [tf.mul(kept as tf.Tensor2D, tf.expandDims(tf.divNoNan(gradient, norms as tf.Tensor1D), 1))]);
}

/** √Σ x² over all of x, a scalar; its gradient is 0 where x is, not infinite. */
export function wholeNorm(x: tf.Tensor): tf.Scalar {
  return tf.reshape(rowNorms(tf.reshape(x, [1, x.size])), []);
}
