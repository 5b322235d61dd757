/** Σ x²: one pass by TensorFlow's L2Loss kernel where it is there, composed elsewhere. No gradient: it is for the optimizer. */
import * as tf from '@tensorflow/tfjs';

interface SingleOutput {
  executeSingleOutput(op: string, attributes: readonly { name: string; type: number; value: number }[], inputs: readonly tf.Tensor[]): tf.Tensor;
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
}

export function squaredNorm(x: tf.Tensor): tf.Scalar {
  if (tf.getBackend() !== 'tensorflow') return tf.sum(tf.square(x));
  const backend = tf.backend() as unknown as SingleOutput;
  const half = backend.executeSingleOutput('L2Loss', [{ name: 'T', type: backend.binding.TF_ATTR_TYPE, value: backend.binding.TF_FLOAT }], [x]);
  return tf.mul(half, 2);
}
