/** Functions with a gradient of their own: where tfjs's is wrong (|x| at 0), missing (gatherND) or needs many more ops. */
import * as tf from '@tensorflow/tfjs';

export interface Forward<T extends tf.Tensor> {
  readonly value: T;
  /** What `backward` needs; kept until then. */
  readonly saved?: readonly tf.Tensor[];
}

/**
 * Runs `forward` as one differentiable operation of `inputs`; tensors that it uses besides them get no gradient.
 * @param backward the gradients of `inputs`, in their order, from that of the value and what was saved.
 */
export function withGradient<T extends tf.Tensor>(
  inputs: readonly tf.Tensor[],
  forward: () => Forward<T>,
  backward: (gradient: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): T {
  const operation = tf.customGrad((...given) => {
    const save = given.at(-1) as (tensors: tf.Tensor[]) => void;
    const { value, saved = [] } = forward();
    save([...saved]);
    return { value, gradFunc: (gradient: T, kept: tf.Tensor[]) => backward(gradient, kept) };
  });
  return operation(...inputs);
}

/** The value of `compute` with no way back for gradients, and nothing of it kept for them. */
export function detached<T extends tf.Tensor>(compute: () => T): T {
  // An operation without inputs: tfjs finds no path through it.
  return withGradient([], () => ({ value: compute() }), () => []);
}

/** x itself, whose gradient goes on times `factor` (0: not at all), a scalar that may be an input of the step. */
export function scaledGradient<T extends tf.Tensor>(x: T, factor: tf.Scalar): T {
  return withGradient([x], () => ({ value: tf.clone(x), saved: [factor] }), (gradient, [kept]) => [tf.mul(gradient, kept as tf.Scalar)]);
}
